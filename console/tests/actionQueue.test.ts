import { afterEach, beforeEach, describe, expect, it, vi, type MockInstance } from "vitest";

import { ApiError } from "@/api/client";
import type { ActionResult, TaskDetail, Verb } from "@/api/types";
import { ActionQueue, browserStore, type Deed, type DeedStore, type Outcome } from "@/officer/actionQueue";
import { MOST_BYTES, objection } from "@/officer/photos";

const deed = (id: string, verb: Verb = "accept"): Deed => ({ task: 1, verb, body: { client_id: id, at: "2026-11-22T08:00:00Z" } });
const answer = { result: "done", task: {} as TaskDetail } as ActionResult;

let kept: Deed[];
let failures: Error[];
let sent: string[];
let queue: ActionQueue;
const outcome = { done: vi.fn(), refused: vi.fn() };
const store: DeedStore = {
  load: () => kept,
  add: (one) => void (kept = [...kept, one]),
  remove: (one) => void (kept = kept.filter((other) => other.body.client_id !== one.body.client_id)),
};

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
  const flaky = (isFull: () => boolean): DeedStore => ({ load: () => [], add: () => void (isFull() && full()), remove: () => void (isFull() && full()) });

  let written: MockInstance;
  beforeEach(() => void (written = vi.spyOn(console, "error").mockImplementation(() => undefined)));
  afterEach(() => written.mockRestore());

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
    outcome.done.mockImplementation(() => {
      throw new TypeError("undefined is not an object");
    });
    openWith(store);
    queue.add(deed("a"));
    queue.add(deed("b"));
    await vi.advanceTimersByTimeAsync(5_000);
    expect([sent, queue.waiting.value, written.mock.calls.length]).toEqual([["a", "b"], [], 2]);
  });

  it("on the way to the server is tried again like a network that failed", async () => {
    failures = [new TypeError("undefined is not an object")];
    open();
    queue.add(deed("a"));
    await vi.advanceTimersByTimeAsync(5_000);
    expect([sent, queue.waiting.value, queue.stuck.value]).toEqual([["a", "a"], [], false]);
  });
});

describe("what a browser keeps of deeds", () => {
  let disk: Map<string, string>;
  const ids = (person: string): string[] =>
    browserStore(person)
      .load()
      .map((one) => one.body.client_id);

  beforeEach(() => {
    disk = new Map();
    vi.stubGlobal("localStorage", {
      get length() {
        return disk.size;
      },
      key: (n: number) => [...disk.keys()].sort().at(n) ?? null,
      getItem: (key: string) => disk.get(key) ?? null,
      setItem: (key: string, value: string) => void disk.set(key, value),
      removeItem: (key: string) => void disk.delete(key),
    });
    open();
  });
  afterEach(() => vi.unstubAllGlobals());

  it("is of all the pages that one person has open, and each takes out its own alone", () => {
    const [one, other] = [browserStore("wang"), browserStore("wang")];
    one.add(deed("b"));
    other.add(deed("a"));
    one.add(deed("c"));
    expect(ids("wang"), "in the order of what was done").toEqual(["b", "a", "c"]);
    other.remove(deed("a"));
    expect(ids("wang")).toEqual(["b", "c"]);
  });

  it("is nobody else's, whatever he is called, and survives what cannot be read", () => {
    browserStore("wang").add(deed("a"));
    browserStore("wang.li").add(deed("b"));
    disk.set("farwatch.deeds.wang.broken", "{");
    expect([ids("wang"), ids("wang.li"), ids("li")]).toEqual([["a"], ["b"], []]);
  });

  it("takes over the list of an earlier version", () => {
    disk.set("farwatch.deeds.wang", JSON.stringify([deed("b"), deed("a")]));
    expect(ids("wang")).toEqual(["b", "a"]);
    expect(ids("wang")).toEqual(["b", "a"]);
    expect(disk.has("farwatch.deeds.wang")).toBe(false);
  });

  it("leaves that list where it is while the phone is full, and loses none of it", () => {
    const said = vi.spyOn(console, "warn").mockImplementation(() => undefined);
    disk.set("farwatch.deeds.wang", JSON.stringify([deed("b"), deed("a")]));
    const set = vi.spyOn(localStorage, "setItem").mockImplementation(() => {
      throw new DOMException("full", "QuotaExceededError");
    });
    expect(ids("wang")).toEqual(["b", "a"]);
    set.mockRestore();
    expect(ids("wang")).toEqual(["b", "a"]);
    expect(said).toHaveBeenCalledOnce();
    said.mockRestore();
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
