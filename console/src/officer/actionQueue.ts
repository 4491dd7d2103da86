/** What the officer did and the server has not yet answered. Kept over a reload; sent in each task's order; sent again with the same id. */

import { shallowRef } from "vue";

import { ApiError } from "@/api/client";
import type { ActionBody, ActionResult, TaskDetail, Verb } from "@/api/types";

export interface Deed {
  task: number;
  verb: Verb;
  body: ActionBody;
}

export interface DeedStore {
  /** In the order of what was done. */
  load(): Deed[];
  add(deed: Deed): void;
  remove(deed: Deed): void;
}

export interface Outcome {
  done(task: TaskDetail): void;
  refused(deed: Deed, error: ApiError): void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 15_000;

export class ActionQueue {
  readonly waiting = shallowRef<readonly Deed[]>([]);
  /** The network failed at the last attempt. */
  readonly stuck = shallowRef(false);
  /** False: the phone is full, and what waits is kept by this page alone. */
  readonly isKept = shallowRef(true);

  private sending = false;
  private failures = 0;
  private stopped = false;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly send: (deed: Deed) => Promise<ActionResult>,
    private readonly store: DeedStore,
    private readonly outcome: Outcome,
    /** For how long a deed still has to wait for something of its own task; others go before it meanwhile. */
    private readonly holdMs: (deed: Deed) => number = () => 0,
  ) {
    this.waiting.value = store.load();
    void this.pump();
  }

  add(deed: Deed): void {
    this.waiting.value = [...this.waiting.value, deed];
    try {
      this.store.add(deed);
    } catch {
      this.isKept.value = false;
    }
    void this.pump();
  }

  /** The network may be back: do not wait for the pause to end. */
  hurry(): void {
    clearTimeout(this.timer);
    void this.pump();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  isWaiting(task: number): boolean {
    return this.waiting.value.some((deed) => deed.task === task);
  }

  private async pump(): Promise<void> {
    if (this.sending) return;
    this.sending = true;
    try {
      for (let deed = this.next(); deed && !this.stopped; deed = this.next()) {
        if (!(await this.attempt(deed))) break;
      }
    } catch (error) {
      console.error(error); // a fault of the page: it must not keep what was done from the server
      this.pause();
    } finally {
      this.sending = false;
    }
  }

  /** The first that nothing of its task holds; what waits for a while is looked at again. */
  private next(): Deed | undefined {
    const held = new Map<number, number>();
    for (const deed of this.waiting.value) {
      if (held.has(deed.task)) continue;
      const wait = this.holdMs(deed);
      if (wait <= 0) return deed;
      held.set(deed.task, wait);
    }
    if (held.size) this.later(Math.min(...held.values()));
    return undefined;
  }

  private later(ms: number): void {
    clearTimeout(this.timer);
    if (!this.stopped) this.timer = setTimeout(() => void this.pump(), ms);
  }

  /** False when this deed has to be sent again later. */
  private async attempt(deed: Deed): Promise<boolean> {
    const answer = await this.send(deed).catch((error: unknown) => {
      if (error instanceof ApiError) return error;
      throw error;
    });
    const isRefused = answer instanceof ApiError;
    if (isRefused && (answer.passing || answer.status === 401 || answer.status === 429)) return this.pause();
    this.settle(deed);
    this.failures = 0;
    this.stuck.value = false;
    if (isRefused) this.outcome.refused(deed, answer);
    else this.outcome.done(answer.task);
    return true;
  }

  private pause(): false {
    this.stuck.value = true;
    const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.failures++);
    this.later(pause);
    return false;
  }

  /** What cannot be taken out of the store is sent once more after a reload, with its id: it is never doubled. */
  private settle(deed: Deed): void {
    this.waiting.value = this.waiting.value.filter((one) => one.body.client_id !== deed.body.client_id);
    if (!this.waiting.value.length) this.isKept.value = true;
    try {
      this.store.remove(deed);
    } catch (error) {
      console.error(error);
    }
  }
}

interface KeptDeed extends Deed {
  /** Its place in the order: the phone's clock may have been set back meanwhile. */
  n: number;
}

/** In the browser, by person: nobody sends what somebody else did on the same phone. A key per deed: no page writes over another's. */
export function browserStore(person: string): DeedStore {
  const list = `farwatch.deeds.${person}`; // all in one, as earlier versions kept them
  const keyOf = (deed: Deed): string => `${list}.${deed.body.client_id}`;

  function kept(): KeptDeed[] {
    const keys = Array.from({ length: localStorage.length }, (_, at) => localStorage.key(at) ?? "");
    const found = keys.filter((key) => key.startsWith(`${list}.`)).map((key) => ({ key, deed: parsed<KeptDeed>(key) }));
    const mine = found.flatMap(({ key, deed }) => (deed?.body && keyOf(deed) === key ? [deed] : []));
    return mine.sort((a, b) => a.n - b.n);
  }

  function add(deed: Deed): void {
    const n = (kept().at(-1)?.n ?? 0) + 1;
    localStorage.setItem(keyOf(deed), JSON.stringify({ ...deed, n }));
  }

  return {
    load() {
      const old = parsed<Deed[]>(list) ?? [];
      try {
        old.forEach(add);
        localStorage.removeItem(list);
      } catch {
        console.warn("no room to take over the deeds of an earlier version: they stay in their list");
      }
      const mine = kept().map(({ task, verb, body }) => ({ task, verb, body }));
      return [...mine, ...old.filter((deed) => !mine.some((one) => one.body.client_id === deed.body.client_id))];
    },
    add,
    remove: (deed) => localStorage.removeItem(keyOf(deed)),
  };
}

/** Null for what is not there, or is no JSON. */
function parsed<T>(key: string): T | null {
  try {
    return JSON.parse(localStorage.getItem(key) ?? "null") as T | null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
