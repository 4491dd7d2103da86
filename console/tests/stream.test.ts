import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { backoffMs, type Connection, EventStream, REPLAY_GAP_MS, SILENCE_MS } from "@/api/stream";

/** A server that says what a test tells it to, one connection after the other. */
class FakeServer {
  readonly asked: string[] = [];
  status = 200;
  private say: ((text: string | null) => void) | null = null;

  readonly connect = (lastEventId: string, signal: AbortSignal): Promise<Connection> => {
    this.asked.push(lastEventId);
    return Promise.resolve({ status: this.status, chunks: this.chunks(signal) });
  };

  private async *chunks(signal: AbortSignal): AsyncGenerator<string> {
    signal.addEventListener("abort", () => this.say?.(null));
    for (;;) {
      const text = await new Promise<string | null>((resolve) => (this.say = resolve));
      if (text === null) return;
      yield text;
    }
  }

  async says(text: string | null): Promise<void> {
    this.say?.(text);
    await vi.advanceTimersByTimeAsync(0);
  }
}

const heard = { opened: vi.fn(), event: vi.fn(), alive: vi.fn(), ended: vi.fn() };
let server: FakeServer;
let stream: EventStream;

beforeEach(async () => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  server = new FakeServer();
  stream = new EventStream(heard, server.connect, () => Date.now());
  stream.start();
  await vi.advanceTimersByTimeAsync(0);
});
afterEach(() => {
  stream.stop();
  vi.useRealTimers();
});

describe("the event stream", () => {
  it("tells events with their type, and each sign of life", async () => {
    await server.says('id: 5\nevent: task_opened\ndata: {"n":5,"task":9,"at":"x"}\n\n');
    await server.says(": tick\n\n");
    expect(heard.event).toHaveBeenCalledExactlyOnceWith({ n: 5, task: 9, at: "x", type: "task_opened" });
    expect(heard.alive).toHaveBeenCalledTimes(2);
  });

  it("reconnects when nothing came for as long as the silence allows, and goes on after the last event", async () => {
    await server.says("id: 5\nevent: x\ndata: {}\n\n");
    await vi.advanceTimersByTimeAsync(SILENCE_MS - 10);
    expect(server.asked).toEqual([""]);
    await vi.advanceTimersByTimeAsync(10 + backoffMs(0));
    expect(server.asked).toEqual(["", "5"]);
    expect(heard.opened).toHaveBeenCalledTimes(2);
  });

  it("stays connected as long as ticks come", async () => {
    for (let n = 0; n < 20; n++) {
      await vi.advanceTimersByTimeAsync(2_000);
      await server.says(": tick\n\n");
    }
    expect(server.asked).toHaveLength(1);
  });

  it("waits longer after each failure, but never long", async () => {
    expect([0, 1, 2, 3, 4, 5, 50].map(backoffMs)).toEqual([500, 1000, 2000, 4000, 8000, 8000, 8000]);
    server.status = 502;
    await server.says(null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.asked.length).toBeGreaterThan(6);
    expect(server.asked.length).toBeLessThan(12);
  });

  it("does not replay after a gap in which the lists are read anew anyway", async () => {
    await server.says("id: 5\nevent: x\ndata: {}\n\n");
    server.status = 502;
    await server.says(null);
    await vi.advanceTimersByTimeAsync(REPLAY_GAP_MS + 10_000);
    expect(server.asked.at(-1)).toBe("");
  });

  it("ends with the session and does not come back", async () => {
    await server.says("event: bye\ndata: {}\n\n");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard.ended).toHaveBeenCalledOnce();
    expect(server.asked).toHaveLength(1);
  });

  it("ends when the server does not know the session", async () => {
    server.status = 401;
    await server.says(null);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(heard.ended).toHaveBeenCalledOnce();
    expect(server.asked).toHaveLength(2);
  });

  it("of a new page turns back once to tell what happened just before", async () => {
    stream.stop();
    server.asked.length = 0;
    stream = new EventStream(heard, server.connect, () => Date.now(), 60);
    stream.start();
    await vi.advanceTimersByTimeAsync(0);
    await server.says("id: 100\n: hello\n\n");
    await vi.advanceTimersByTimeAsync(backoffMs(0));
    await server.says("id: 40\n: hello\n\n");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.asked).toEqual(["", "40"]);
  });

  it("survives an event that is not JSON", async () => {
    await server.says("id: 6\nevent: x\ndata: {oops\n\n");
    await server.says('id: 7\nevent: y\ndata: {"n":7}\n\n');
    expect(heard.event).toHaveBeenCalledExactlyOnceWith({ n: 7, type: "y" });
    expect(server.asked).toHaveLength(1);
  });
});
