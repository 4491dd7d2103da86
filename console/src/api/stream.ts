/** The live stream of events: connects, notices silence, reconnects, replays what was missed. */

import { SseParser, type SseMessage } from "./sse";
import type { LogEvent } from "./types";

/** The server says `: tick` every 2 s; after three missed ones the connection counts as dead. */
export const SILENCE_MS = 6_000;
/** After a longer gap the page reads its lists anew instead of replaying event by event. */
export const REPLAY_GAP_MS = 60_000;

export interface StreamListener {
  /** A connection stands; what was read before it may be out of date. */
  opened(): void;
  event(event: LogEvent): void;
  /** Something came, if only a tick. */
  alive(): void;
  /** The server ended the session; the stream stays closed. */
  ended(): void;
}

export interface Connection {
  status: number;
  chunks: AsyncIterable<string>;
}

export type Connect = (lastEventId: string, signal: AbortSignal) => Promise<Connection>;

/** 0.5, 1, 2, 4 … at most 8 s. */
export function backoffMs(failures: number): number {
  return Math.min(8_000, 500 * 2 ** Math.min(failures, 10));
}

export async function connectByFetch(lastEventId: string, signal: AbortSignal): Promise<Connection> {
  const headers: Record<string, string> = { Accept: "text/event-stream" };
  if (lastEventId) headers["Last-Event-ID"] = lastEventId;
  const response = await fetch("/api/v1/events", { headers, signal, cache: "no-store" });
  return { status: response.status, chunks: decoded(response) };
}

async function* decoded(response: Response): AsyncGenerator<string> {
  const reader = response.body?.getReader();
  const decoder = new TextDecoder();
  while (reader) {
    const { done, value } = await reader.read();
    if (done) return;
    yield decoder.decode(value, { stream: true });
  }
}

export class EventStream {
  private lastEventId = "";
  private lastHeardMs = 0;
  private failures = 0;
  private stopped = false;
  private turned = false;
  private attempt: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly listener: StreamListener,
    private readonly connect: Connect = connectByFetch,
    private readonly nowMs: () => number = () => performance.now(),
    /** How many events of before it began a new page wants to see; the server's first id says where they lie. */
    private readonly before = 0,
  ) {}

  start(): void {
    this.stopped = false;
    void this.run();
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.attempt?.abort();
  }

  private async run(): Promise<void> {
    const attempt = new AbortController();
    this.attempt = attempt;
    this.watch(attempt);
    if (this.nowMs() - this.lastHeardMs > REPLAY_GAP_MS) this.lastEventId = "";
    try {
      const connection = await this.connect(this.lastEventId, attempt.signal);
      if (connection.status === 401) return this.end();
      if (connection.status === 200) await this.read(connection.chunks, attempt);
    } catch {
      // A broken connection says nothing more than its end does; both lead to the next attempt.
    }
    clearTimeout(this.timer);
    if (this.stopped) return;
    this.timer = setTimeout(() => void this.run(), backoffMs(this.failures++));
  }

  private async read(chunks: AsyncIterable<string>, attempt: AbortController): Promise<void> {
    const parser = new SseParser();
    this.listener.opened();
    for await (const text of chunks) {
      if (this.stopped) return;
      this.failures = 0;
      this.lastHeardMs = this.nowMs();
      this.watch(attempt);
      this.listener.alive();
      for (const message of parser.feed(text)) this.take(message);
      if (parser.id && this.turnsBack(Number(parser.id))) return;
      if (parser.id) this.lastEventId = parser.id;
    }
  }

  /** Only once, at the very first id: then the connection is made anew, further back. */
  private turnsBack(n: number): boolean {
    if (this.lastEventId || !this.before || this.turned) return false;
    this.turned = true;
    this.lastEventId = String(Math.max(0, n - this.before));
    return true;
  }

  private take(message: SseMessage): void {
    if (message.event === "bye") return this.end();
    try {
      this.listener.event({ ...(JSON.parse(message.data) as LogEvent), type: message.event });
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }

  private watch(attempt: AbortController): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => attempt.abort(), SILENCE_MS);
  }

  private end(): void {
    this.stop();
    this.listener.ended();
  }
}
