/** What stands on the map and gives things their names: grids, stations, cameras, officers. */

import { onUnmounted, shallowRef } from "vue";

import { api, type GridCollection } from "@/api/client";
import type { Camera, Officer, Station } from "@/api/types";
import { Poll } from "@/live/poll";

export function usePlaces() {
  const grids = shallowRef<GridCollection>({ type: "FeatureCollection", features: [] });
  const stations = shallowRef<Station[]>([]);
  const cameras = shallowRef<Camera[]>([]);
  const officers = shallowRef<Officer[]>([]);

  const polls = {
    grids: new Poll(api.grids, 300_000, (value) => (grids.value = value)),
    stations: new Poll(api.stations, 30_000, (value) => (stations.value = value)),
    cameras: new Poll(api.cameras, 30_000, (value) => (cameras.value = value)),
    officers: new Poll(api.officers, 10_000, (value) => (officers.value = value)),
  };
  for (const poll of Object.values(polls)) poll.start();
  onUnmounted(() => Object.values(polls).forEach((poll) => poll.stop()));

  function heard(type: string): void {
    if (type === "camera_status") polls.cameras.soon();
    if (type === "registry_changed") Object.values(polls).forEach((poll) => poll.soon());
    if (/^task_(accepted|declined|closed|offered)$/.test(type)) polls.officers.soon();
  }

  return {
    grids,
    stations,
    cameras,
    officers,
    heard,
    officerName: (id: string): string => officers.value.find((officer) => officer.id === id)?.name ?? id,
    gridName: (id: string): string => grids.value.features.find((grid) => grid.properties.id === id)?.properties.name ?? id,
    cameraName: (id: string): string => cameras.value.find((camera) => camera.id === id)?.name ?? id,
    stationName: (mn: string): string => stations.value.find((station) => station.mn === mn)?.name ?? mn,
  };
}

export type Places = ReturnType<typeof usePlaces>;
