/** Ties the live stream to what the centre's page shows. */

import { onUnmounted, shallowRef, type InjectionKey } from "vue";

import { api } from "@/api/client";
import { connectByFetch, EventStream } from "@/api/stream";
import type { Figures, LogEvent, Task, Warning } from "@/api/types";
import { Poll } from "@/live/poll";
import { TaskBoard } from "@/live/taskBoard";
import { useHealth } from "@/live/useHealth";
import { Alarm } from "@/live/alarm";
import { usePlaces } from "@/places/usePlaces";

const KEPT_EVENTS = 60;
const RELOAD_EVERY_MS = 300_000;
/** What is told elsewhere on the wall, or is nothing for it. */
const QUIET = new Set([
  "finding_found", "finding_folded", "finding_ended", "finding_silenced", "evidence_stored", "evidence_purged", "evidence_hashed",
  "task_delivered", "notice_unheard", "visit_code_made",
]);

export function useCentre(signedOut: () => void) {
  const alarm = new Alarm();
  const board = new TaskBoard(api, (task: Task) => alarm.ring(task.id));
  const places = usePlaces(true);
  const { health, diskShort, unwatched, webhooks, alive } = useHealth();
  const figures = shallowRef<Figures | null>(null);
  const warnings = shallowRef<Warning[] | null>(null);
  const events = shallowRef<LogEvent[]>([]);
  const latest = shallowRef<LogEvent | null>(null);

  const figuresPoll = new Poll(api.figures, 30_000, (value) => (figures.value = value));
  const warningsPoll = new Poll(api.warnings, 30_000, (value) => (warnings.value = value));

  function heard(event: LogEvent): void {
    latest.value = event;
    if (event.task) board.changed(event.task);
    if (event.task) figuresPoll.soon();
    if (event.type.startsWith("warning_") || event.type === "task_opened") warningsPoll.soon();
    places.heard(event.type);
    if (!QUIET.has(event.type)) events.value = [event, ...events.value].slice(0, KEPT_EVENTS);
  }

  const listener = { opened: () => void board.reload(), event: heard, alive, ended: signedOut };
  const stream = new EventStream(listener, connectByFetch, () => performance.now(), KEPT_EVENTS);
  const healing = setInterval(() => void board.reload(), RELOAD_EVERY_MS);
  void board.reload();
  stream.start();
  figuresPoll.start();
  warningsPoll.start();

  onUnmounted(() => {
    stream.stop();
    board.stop();
    figuresPoll.stop();
    warningsPoll.stop();
    alarm.close();
    clearInterval(healing);
  });
  return { alarm, board, places, health, diskShort, unwatched, webhooks, figures, warnings, events, latest };
}

export type Centre = ReturnType<typeof useCentre>;
export const centreKey: InjectionKey<Centre> = Symbol("centre");
