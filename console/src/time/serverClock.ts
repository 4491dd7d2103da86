/** The server's time on this page. A wall's own clock may be wrong or be set while the page runs; neither moves a countdown. */

import { readonly, ref } from "vue";

/** Takes the middle of a request as the moment at which the server read its clock. */
export class ServerClock {
  private base: number;

  constructor(
    private readonly monotonicMs: () => number,
    localMs: number,
  ) {
    this.base = localMs - monotonicMs();
  }

  nowMs(): number {
    return this.monotonicMs() + this.base;
  }

  /** The server's time at a moment of the monotonic clock. */
  at(monotonicMs: number): number {
    return monotonicMs + this.base;
  }

  /** A sample whose round trip took longer than 2 s says too little and is left out. */
  learn(serverNow: string, sentMs: number, receivedMs: number): void {
    const at = Date.parse(serverNow);
    if (Number.isNaN(at) || receivedMs - sentMs > 2_000) return;
    this.base = at - (sentMs + receivedMs) / 2;
  }
}

export const serverClock = new ServerClock(() => performance.now(), Date.now());

const second = ref(serverClock.nowMs());

/** The server's time in ms, moving once a second, on the second. */
export const serverNow = readonly(second);

function tick(): void {
  second.value = serverClock.nowMs();
  setTimeout(tick, 1000 - (second.value % 1000) + 5);
}
tick();
