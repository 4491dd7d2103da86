/** Ties the live stream, the tasks and the queue of deeds together for one officer's phone. */

import { computed, onUnmounted, shallowReactive, shallowRef, type InjectionKey } from "vue";

import { api, ApiError } from "@/api/client";
import { clientId } from "@/api/clientId";
import { EventStream } from "@/api/stream";
import type { ActionBody, LogEvent, Session, Verb } from "@/api/types";
import { Alarm } from "@/live/alarm";
import { TaskBoard } from "@/live/taskBoard";
import { useHealth } from "@/live/useHealth";
import { usePlaces } from "@/places/usePlaces";
import { byUrgency } from "@/task/taskView";
import { serverNow } from "@/time/serverClock";
import { ActionQueue, browserStore, type Deed } from "./actionQueue";
import { isMine, sortOut } from "./myTasks";
import { usePosition } from "./usePosition";
import { useWakeLock } from "./useWakeLock";

const RELOAD_EVERY_MS = 60_000;
const BUZZ_MS = [400, 150, 400, 150, 400];

export function useOfficer(me: Session, signedOut: () => void) {
  const officer = me.officer ?? "";
  const alarm = new Alarm();
  const places = usePlaces(false);
  const position = usePosition();
  const { health, alive } = useHealth();
  const latest = shallowRef<LogEvent | null>(null);
  const declined = shallowReactive(new Set<number>());
  const failures = shallowReactive(new Map<number, ApiError>());

  const board = new TaskBoard(api, (task) => {
    alarm.ring(task.id);
    navigator.vibrate?.(BUZZ_MS);
  });
  const queue = new ActionQueue((deed) => api.act(deed.task, deed.verb, deed.body), browserStore(me.name), {
    done: (task) => board.put(task),
    refused: (deed, error) => {
      failures.set(deed.task, error);
      if (deed.verb === "decline") declined.delete(deed.task);
      board.changed(deed.task);
    },
  });

  function heard(event: LogEvent): void {
    latest.value = event;
    if (event.task) board.changed(event.task);
    places.heard(event.type);
    if (event.task && event.type === "task_offered") declined.delete(event.task);
  }

  function act(task: number, verb: Verb, more: Pick<ActionBody, "note" | "reason" | "position"> = {}): void {
    failures.delete(task);
    if (verb === "decline") declined.add(task);
    const deed: Deed = { task, verb, body: { client_id: clientId(), at: new Date().toISOString(), ...more } };
    queue.add(deed);
  }

  const stream = new EventStream({ opened: () => void board.reload(), event: heard, alive, ended: signedOut });
  const healing = setInterval(() => void board.reload(), RELOAD_EVERY_MS);
  const back = (): void => queue.hurry();
  const seen = (): void => {
    if (!document.hidden) void board.reload();
  };
  window.addEventListener("online", back);
  document.addEventListener("visibilitychange", seen);
  void board.reload();
  stream.start();

  const mine = computed(() => sortOut(byUrgency(board.tasks.values(), serverNow.value), officer, declined));
  useWakeLock(computed(() => mine.value.active.some((task) => isMine(task, officer))));

  onUnmounted(() => {
    stream.stop();
    board.stop();
    queue.stop();
    alarm.close();
    clearInterval(healing);
    window.removeEventListener("online", back);
    document.removeEventListener("visibilitychange", seen);
  });
  return { officer, board, mine, declined, failures, places, position, queue, health, latest, act };
}

export type OfficerDesk = ReturnType<typeof useOfficer>;
export const deskKey: InjectionKey<OfficerDesk> = Symbol("officer's desk");
