/** Ties the live stream, the tasks and the queue of deeds together for one officer's phone. */

import { computed, onUnmounted, shallowReactive, shallowRef, type InjectionKey } from "vue";

import { api, ApiError } from "@/api/client";
import { clientId } from "@/api/clientId";
import { uploadPhoto } from "@/api/photos";
import { EventStream } from "@/api/stream";
import type { ActionBody, LogEvent, Session, Verb } from "@/api/types";
import { Alarm } from "@/live/alarm";
import { TaskBoard } from "@/live/taskBoard";
import { useHealth } from "@/live/useHealth";
import { usePlaces } from "@/places/usePlaces";
import { byUrgency } from "@/task/taskView";
import { serverNow } from "@/time/serverClock";
import { ActionQueue, browserStore, type Deed, type Outcome } from "./actionQueue";
import { isMine, sortOut } from "./myTasks";
import { PhotoQueue, waitsForPhotosMs } from "./photos";
import { browserPhotos } from "./photoStore";
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

  const photos = new PhotoQueue(uploadPhoto, browserPhotos(me.name), () => queue.hurry());
  const board = new TaskBoard(api, (task) => (alarm.ring(task.id), navigator.vibrate?.(BUZZ_MS)));
  const outcome: Outcome = {
    done: (task) => board.put(task),
    refused: (deed, error) => {
      failures.set(deed.task, error);
      if (deed.verb === "decline") declined.delete(deed.task);
      board.changed(deed.task);
    },
  };
  const send = (deed: Deed) => api.act(deed.task, deed.verb, deed.body);
  const queue: ActionQueue = new ActionQueue(send, browserStore(me.name), outcome, (deed) => waitsForPhotosMs(deed, photos, Date.now()));

  function heard(event: LogEvent): void {
    latest.value = event;
    if (event.task) board.changed(event.task);
    places.heard(event.type);
    if (event.task && event.type === "task_offered") declined.delete(event.task);
  }

  function act(task: number, verb: Verb, more: Pick<ActionBody, "note" | "reason" | "position" | "to"> = {}): void {
    failures.delete(task);
    if (verb === "decline") declined.add(task);
    queue.add({ task, verb, body: { client_id: clientId(), at: new Date().toISOString(), ...more } });
  }

  const stream = new EventStream({ opened: () => void board.reload(), event: heard, alive, ended: signedOut });
  stream.start();
  void photos.ready.then(() => queue.hurry());
  useFreshness(board, queue, photos);

  const mine = computed(() => sortOut(byUrgency(board.tasks.values(), serverNow.value), officer, declined));
  useWakeLock(computed(() => mine.value.active.some((task) => isMine(task, officer))));

  onUnmounted(() => {
    stream.stop();
    board.stop();
    queue.stop();
    photos.stop();
    alarm.close();
  });
  return { officer, board, mine, declined, failures, places, position, queue, photos, health, latest, act };
}

/** Phones sleep and lose the network: whatever may have been missed is read again, whatever waits is sent. */
function useFreshness(board: TaskBoard, queue: ActionQueue, photos: PhotoQueue): void {
  const reload = (): void => void (document.hidden || board.reload());
  const hurry = (): void => (queue.hurry(), photos.hurry());
  const healing = setInterval(reload, RELOAD_EVERY_MS);
  window.addEventListener("online", hurry);
  document.addEventListener("visibilitychange", reload);
  reload();
  onUnmounted(() => {
    clearInterval(healing);
    window.removeEventListener("online", hurry);
    document.removeEventListener("visibilitychange", reload);
  });
}

export type OfficerDesk = ReturnType<typeof useOfficer>;
export const deskKey: InjectionKey<OfficerDesk> = Symbol("officer's desk");
