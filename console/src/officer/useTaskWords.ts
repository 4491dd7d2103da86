/** What a phone says about a task: where it is, how far, and what stands in the way. */

import { computed, inject } from "vue";

import type { LatLon, Task } from "@/api/types";
import { t } from "@/i18n";
import { clocks, elsewhere, goal, leadMatter } from "@/task/taskView";
import { serverNow } from "@/time/serverClock";
import { distanceM, formatDistance } from "./distance";
import { deeds } from "./myTasks";
import { deskKey, type OfficerDesk } from "./useOfficer";

export function useDesk(): OfficerDesk {
  const desk = inject(deskKey);
  if (!desk) throw new Error("the officer's parts live inside the officer's page");
  return desk;
}

export function useTaskWords(read: () => Task) {
  const desk = useDesk();
  const task = computed(read);
  const lead = computed(() => leadMatter(task.value));

  const subject = computed(() => {
    if (task.value.enterprise) return task.value.enterprise.name;
    if (lead.value?.camera) return desk.places.cameraName(lead.value.camera);
    return lead.value?.station ? desk.places.stationName(lead.value.station) : t("task.title", { id: task.value.id });
  });
  const grid = computed(() => (task.value.grid ? desk.places.gridName(task.value.grid) : ""));
  const left = computed(() => elsewhere(task.value));
  const awayTo = (place: LatLon): string => {
    const fix = desk.position.fix.value;
    return fix ? t("officer.away", { distance: formatDistance(distanceM(fix, place)) }) : "";
  };
  const towards = computed(() => goal(task.value));
  const away = computed(() => awayTo(towards.value));
  const finished = computed(() => {
    const held = !["open", "offered"].includes(task.value.state);
    if (task.value.officer !== desk.officer) return held && task.value.officer ? t("officer.taken") : "";
    const key = `officer.done_${task.value.state}`;
    return t(key) === key ? "" : t(key);
  });

  return {
    desk,
    lead,
    subject,
    grid,
    left,
    towards,
    away,
    awayTo,
    finished,
    clocks: computed(() => clocks(task.value, serverNow.value)),
    deeds: computed(() => deeds(task.value, desk.officer, desk.declined)),
    sending: computed(() => desk.queue.isWaiting(task.value.id)),
    failure: computed(() => desk.failures.get(task.value.id) ?? null),
  };
}
