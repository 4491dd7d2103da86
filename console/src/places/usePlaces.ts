/** What stands on the map and gives things their names: grids, stations, cameras, officers. */

import { computed, onUnmounted, shallowRef, type ShallowRef } from "vue";

import { api, type GridCollection } from "@/api/client";
import type { Camera, Officer, Station } from "@/api/types";
import { Poll } from "@/live/poll";

/** `withOfficers`: an officer may not ask about the others. */
export function usePlaces(withOfficers: boolean) {
  const grids = shallowRef<GridCollection>({ type: "FeatureCollection", features: [] });
  const stations = shallowRef<Station[]>([]);
  const cameras = shallowRef<Camera[]>([]);
  const officers = shallowRef<Officer[]>([]);

  const gridNames = computed(() => new Map(grids.value.features.map(({ properties }) => [properties.id, properties.name])));

  const polls = {
    grids: new Poll(api.grids, 300_000, (value) => (grids.value = value)),
    stations: new Poll(api.stations, 30_000, (value) => (stations.value = value)),
    cameras: new Poll(api.cameras, 30_000, (value) => (cameras.value = value)),
    officers: new Poll(api.officers, 10_000, (value) => (officers.value = value)),
  };
  const asked = Object.values(polls).filter((poll) => withOfficers || poll !== polls.officers);
  asked.forEach((poll) => poll.start());
  onUnmounted(() => Object.values(polls).forEach((poll) => poll.stop()));

  function heard(type: string): void {
    // An officer is told of the cameras of his own tasks alone: with a new task there may be another one.
    if (/^camera_/.test(type) || (!withOfficers && /^(task_offered|handover_asked)$/.test(type))) polls.cameras.soon();
    if (type === "registry_changed") asked.forEach((poll) => poll.soon());
    if (/^task_(accepted|declined|closed|offered)$/.test(type)) polls.officers.soon();
  }

  return {
    grids,
    stations,
    cameras,
    officers,
    heard,
    officerName: naming(officers, (officer) => officer.id),
    gridName: (id: string): string => gridNames.value.get(id) ?? id,
    cameraName: naming(cameras, (camera) => camera.id),
    stationName: naming(stations, (station) => station.mn),
  };
}

/** A thing's name by its id; an id that nobody knows names itself. */
function naming<T extends { name: string }>(things: ShallowRef<T[]>, idOf: (thing: T) => string): (id: string) => string {
  const names = computed(() => new Map(things.value.map((thing) => [idOf(thing), thing.name])));
  return (id) => names.value.get(id) ?? id;
}

export type Places = ReturnType<typeof usePlaces>;
