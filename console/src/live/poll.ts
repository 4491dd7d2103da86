/** Asks again and again, never twice at once. A wish in between is answered soon, not at once, so a burst costs one request. */

import { ApiError } from "@/api/client";

const GATHER_MS = 300;

export class Poll<T> {
  private timer: ReturnType<typeof setTimeout> | undefined;
  private dueMs = Infinity;
  private running = false;
  private stopped = true;

  constructor(
    private readonly ask: () => Promise<T>,
    private readonly everyMs: number,
    private readonly take: (value: T) => void,
    private readonly failed: (error: ApiError) => void = () => undefined,
  ) {}

  start(): void {
    this.stopped = false;
    this.schedule(0);
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  soon(): void {
    if (!this.stopped) this.schedule(GATHER_MS);
  }

  private schedule(inMs: number): void {
    const due = performance.now() + inMs;
    if (due >= this.dueMs) return;
    clearTimeout(this.timer);
    this.dueMs = due;
    this.timer = setTimeout(() => void this.run(), inMs);
  }

  private async run(): Promise<void> {
    this.dueMs = Infinity;
    if (this.running) return this.schedule(GATHER_MS);
    this.running = true;
    try {
      this.take(await this.ask());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.failed(error);
    } finally {
      this.running = false;
      if (!this.stopped) this.schedule(this.everyMs);
    }
  }
}
