import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "@/api/client";
import type { ActionResult, TaskDetail, Verb } from "@/api/types";
import { ActionQueue, type Deed, type DeedStore, type Outcome } from "@/officer/actionQueue";
import { MOST_BYTES, objection } from "@/officer/photos";

const deed = (id: string, verb: Verb = "accept"): Deed => ({ task: 1, verb, body: { client_id: id, at: "2026-11-22T08:00:00Z" } });
const answer = { result: "done", task: {} as TaskDetail } as ActionResult;

let kept: Deed[];
let failures: Error[];
let sent: string[];
let queue: ActionQueue;
const outcome = { done: vi.fn(), refused: vi.fn() };
const store: DeedStore = { load: () => kept, save: (deeds) => void (kept = [...deeds]) };

function open(): void {
  queue = new ActionQueue(
    (one) => {
      sent.push(one.body.client_id);
      const failure = failures.shift();
      return failure ? Promise.reject(failure) : Promise.resolve(answer);
    },
    store,
    outcome,
  );
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.resetAllMocks();
  kept = [];
  failures = [];
  sent = [];
});
afterEach(() => {
  queue.stop();
  vi.useRealTimers();
});

describe("the queue of deeds", () => {
  it("sends a deed again with the same id until the server has answered", async () => {
    failures = [new ApiError("network", 0), new ApiError("http_503", 503)];
    open();
    queue.add(deed("a"));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual(["a", "a", "a"]);
    expect(outcome.done).toHaveBeenCalledOnce();
    expect([kept, queue.stuck.value]).toEqual([[], false]);
  });

  it("keeps the order of what was done", async () => {
    failures = [new ApiError("network", 0)];
    open();
    queue.add(deed("a"));
    queue.add(deed("b", "arrive"));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(sent).toEqual(["a", "a", "b"]);
  });

  it("tells a refusal once and does not ask again", async () => {
    failures = [new ApiError("taken_by_other", 409)];
    open();
    queue.add(deed("a"));
    await vi.advanceTimersByTimeAsync(30_000);
    expect(sent).toEqual(["a"]);
    expect(outcome.refused).toHaveBeenCalledOnce();
  });

  it("goes on after a reload with what was not answered", async () => {
    kept = [deed("left")];
    open();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent).toEqual(["left"]);
    expect(kept).toEqual([]);
  });

  it("does not wait for its pause when the network is back", async () => {
    failures = Array.from({ length: 6 }, () => new ApiError("network", 0));
    open();
    queue.add(deed("a"));
    await vi.advanceTimersByTimeAsync(40_000);
    const before = sent.length;
    queue.hurry();
    await vi.advanceTimersByTimeAsync(0);
    expect(sent.length).toBe(before + 1);
  });
});

describe("an error that nobody foresaw", () => {
  const full = (): never => {
    throw new DOMException("full", "QuotaExceededError");
  };
  const flaky = (isFull: () => boolean): DeedStore => ({ load: () => [], save: (deeds) => (isFull() ? full() : void (kept = [...deeds])) });

  function openWith(shelf: DeedStore, shown: Outcome = outcome): void {
    const send = (one: Deed) => (sent.push(one.body.client_id), Promise.resolve(answer));
    queue = new ActionQueue(send, shelf, shown);
  }

  it("of a full phone stops no deed from being sent, and is said as long as it lasts", async () => {
    let isFull = true;
    openWith(flaky(() => isFull));
    queue.add(deed("a"));
    expect(queue.isKept.value).toBe(false);
    await vi.advanceTimersByTimeAsync(0);
    expect([sent, queue.waiting.value]).toEqual([["a"], []]);
    isFull = false;
    queue.add(deed("b"));
    await vi.advanceTimersByTimeAsync(0);
    expect([sent, queue.isKept.value]).toEqual([["a", "b"], true]);
  });

  it("while a deed is settled holds up none that comes after it", async () => {
    let saves = 0;
    openWith(flaky(() => ++saves === 2));
    queue.add(deed("a"));
    await vi.advanceTimersByTimeAsync(0);
    queue.add(deed("b"));
    await vi.advanceTimersByTimeAsync(0);
    expect([sent, queue.waiting.value]).toEqual([["a", "b"], []]);
  });

  it("of the page that shows the answer delays the next deed and sends none twice", async () => {
    const written = vi.spyOn(console, "error").mockImplementation(() => undefined);
    outcome.done.mockImplementation(() => {
      throw new TypeError("undefined is not an object");
    });
    openWith(store);
    queue.add(deed("a"));
    queue.add(deed("b"));
    await vi.advanceTimersByTimeAsync(5_000);
    expect([sent, queue.waiting.value, written.mock.calls.length]).toEqual([["a", "b"], [], 2]);
    written.mockRestore();
  });

  it("on the way to the server is tried again like a network that failed", async () => {
    const written = vi.spyOn(console, "error").mockImplementation(() => undefined);
    failures = [new TypeError("undefined is not an object")];
    open();
    queue.add(deed("a"));
    await vi.advanceTimersByTimeAsync(5_000);
    expect([sent, queue.waiting.value, queue.stuck.value]).toEqual([["a", "a"], [], false]);
    written.mockRestore();
  });
});

describe("a photo", () => {
  it("that is no picture, or too large, is refused before it is sent", () => {
    expect(objection(new Blob(["x"], { type: "image/jpeg" }))).toBeNull();
    expect(objection(new Blob(["x"], { type: "image/heic" }))?.key).toBe("officer.photo_wrong_type");
    const large = new Blob([new Uint8Array(MOST_BYTES + 1)], { type: "image/png" });
    expect(objection(large)).toEqual({ key: "officer.photo_too_large", params: { size: "15.0" } });
  });
});
