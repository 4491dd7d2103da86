import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError } from "@/api/client";
import type { Said } from "@/api/photos";
import type { ActionResult, Evidence, TaskDetail, Verb } from "@/api/types";
import { ActionQueue, type Deed } from "@/officer/actionQueue";
import { MOST_PHOTOS, PhotoQueue, waitsForPhotosMs } from "@/officer/photos";
import type { KeptPhoto, PhotoStore } from "@/officer/photoStore";

const NOW = "2026-11-22T08:00:00.000Z";
const jpeg = (text: string): Blob => new Blob([text], { type: "image/jpeg" });

/** Keeps as the browser's database does: what is put is copied, and outlives the queue. */
class Shelf implements PhotoStore {
  readonly rows = new Map<string, KeptPhoto>();
  isFull = false;

  load = () => Promise.resolve([...this.rows.values()]);
  put = (photo: KeptPhoto) => (this.isFull ? Promise.reject(new Error("no room")) : Promise.resolve(void this.rows.set(photo.id, { ...photo })));
  remove = (id: string) => Promise.resolve(void this.rows.delete(id));
}

let shelf: Shelf;
let failures: (Error | null)[];
let sent: { task: number; id: string; text: string; said: Said }[];
let settled: number[];
let queue: PhotoQueue;

async function upload(task: number, photo: Blob, id: string, said: Said): Promise<Evidence> {
  sent.push({ task, id, text: await photo.text(), said });
  const failure = failures.shift();
  if (failure) throw failure;
  return {} as Evidence;
}

async function open(): Promise<void> {
  queue = new PhotoQueue(upload, shelf, (task) => settled.push(task));
  await queue.ready;
}

const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);
const texts = (): string[] => sent.map((one) => one.text);

beforeEach(async () => {
  vi.useFakeTimers();
  shelf = new Shelf();
  [failures, sent, settled] = [[], [], []];
  await open();
});
afterEach(() => {
  queue.stop();
  vi.useRealTimers();
});

describe("the photos of a phone", () => {
  it("wait as drafts until their form is sent, and then go out once, in order, with hash and time", async () => {
    await queue.add(1, jpeg("a"), NOW);
    await queue.add(1, jpeg("b"), NOW);
    await pass(60_000);
    expect(sent).toEqual([]);
    await queue.release(1);
    await vi.waitFor(() => expect(queue.photos.value).toEqual([]));
    expect(texts()).toEqual(["a", "b"]);
    expect(sent[0]?.said).toMatchObject({ takenAt: NOW, sha256: "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb" });
    expect([shelf.rows.size, settled]).toEqual([0, [1, 1]]);
  });

  it("survive a reload, drafts as drafts and what waits still waiting, each with the id that it had", async () => {
    failures = Array.from({ length: 20 }, () => new ApiError("network", 0));
    await queue.add(1, jpeg("a"), NOW);
    await queue.release(1);
    await queue.add(1, jpeg("draft"), NOW);
    await vi.waitFor(() => expect(sent.length).toBe(1));
    queue.stop();
    failures = [];
    const opening = open();
    expect(queue.isWaiting(1), "nobody knows yet").toBe(true);
    await opening;
    expect([queue.isWaiting(1), queue.isWaiting(2)]).toEqual([true, false]);
    await vi.waitFor(() => expect(sent.length).toBe(2));
    expect(sent[1]?.id).toBe(sent[0]?.id);
    expect(texts()).toEqual(["a", "a"]);
    expect(queue.photos.value.map((photo) => photo.state)).toEqual(["draft"]);
  });

  it("are tried again until the server has them, also after the session has ended, and at once when the network is back", async () => {
    failures = [new ApiError("network", 0), new ApiError("http_503", 503), new ApiError("not_signed_in", 401)];
    await queue.add(1, jpeg("a"), NOW);
    await queue.release(1);
    await pass(8_000);
    expect(texts()).toEqual(["a", "a", "a", "a"]);
    failures = Array.from({ length: 5 }, () => new ApiError("network", 0));
    await queue.add(1, jpeg("b"), NOW);
    await queue.release(1);
    await pass(20_000);
    const before = sent.length;
    failures = [];
    queue.hurry();
    await pass();
    expect(sent.length).toBe(before + 1);
    expect(shelf.rows.size).toBe(0);
  });

  it("that the server will never take are shown with the reason, hold nothing up, and stay until they are removed", async () => {
    failures = [new ApiError("photo_broken", 422)];
    await queue.add(1, jpeg("bad"), NOW);
    await queue.add(1, jpeg("good"), NOW);
    await queue.release(1);
    await pass();
    expect(texts()).toEqual(["bad", "good"]);
    const [refused] = queue.photos.value;
    expect([refused?.state, refused?.error?.key, queue.isWaiting(1), shelf.rows.size]).toEqual(["refused", "photo_broken", false, 1]);
    if (refused) await queue.remove(refused);
    expect([queue.photos.value.length, shelf.rows.size]).toEqual([0, 0]);
  });

  it("are sent all the same after an error that nobody foresaw, of the upload or of the page", async () => {
    const written = vi.spyOn(console, "error").mockImplementation(() => undefined);
    queue.stop();
    queue = new PhotoQueue(upload, shelf, (task) => {
      if (settled.push(task) === 1) throw new TypeError("undefined is not an object");
    });
    await queue.ready;
    failures = [new TypeError("undefined is not an object")];
    await queue.add(1, jpeg("a"), NOW);
    await queue.add(1, jpeg("b"), NOW);
    await queue.release(1);
    await pass(10_000);
    expect([texts(), queue.photos.value, settled, written.mock.calls.length]).toEqual([["a", "a", "b"], [], [1, 1], 2]);
    written.mockRestore();
  });

  it("are bounded: the newest is refused in words and none is dropped", async () => {
    failures = Array.from({ length: 20 }, () => new ApiError("network", 0));
    for (let n = 0; n < MOST_PHOTOS; n++) expect(await queue.add(n % 2, jpeg(String(n)), NOW)).toBeNull();
    await queue.release(0);
    await queue.release(1);
    expect(await queue.add(99, jpeg("one more"), NOW)).toEqual({ key: "hands.photos_full", params: { n: MOST_PHOTOS } });
    expect(shelf.rows.size).toBe(MOST_PHOTOS);
  });

  it("of a form that was never sent do not keep another visit from its photos", async () => {
    for (let n = 0; n < MOST_PHOTOS; n++) expect(await queue.add(1, jpeg(String(n)), NOW)).toBeNull();
    expect((await queue.add(1, jpeg("one more"), NOW))?.key, "of their own task").toBe("hands.photos_full");
    expect(await queue.add(2, jpeg("another visit"), NOW)).toBeNull();
  });

  it("of a task that went elsewhere are shown, and each can be sent or removed", async () => {
    for (const text of ["a", "b"]) await queue.add(1, jpeg(text), NOW);
    await queue.add(2, jpeg("mine"), NOW);
    queue.stop();
    await open();
    const left = queue.left((task) => task === 2);
    expect(left.map((photo) => photo.kept.task)).toEqual([1, 1]);
    failures = [new ApiError("taken_by_other", 409)];
    await queue.send(left.slice(0, 1));
    await vi.waitFor(() => expect(left[0]?.state).toBe("refused"));
    expect(queue.left((task) => task === 2)).toEqual(left.slice(1));
    if (left[1]) await queue.remove(left[1]);
    expect([texts(), queue.left((task) => task === 2), queue.drafts(2).length]).toEqual([["a"], [], 1]);
  });

  it("are sent from memory where the browser keeps nothing, and that is said", async () => {
    shelf.isFull = true;
    expect((await queue.add(1, jpeg("a"), NOW))?.key).toBe("hands.photo_not_kept");
    await queue.release(1);
    await pass();
    expect(texts()).toEqual(["a"]);
  });
});

describe("a deed and its photos", () => {
  const deed = (verb: Verb, task = 1, at = NOW): Deed => ({ task, verb, body: { client_id: `${verb}${task}`, at } });
  const waiting = { isWaiting: (task: number) => task === 1 };

  it.each([
    ["the end of a visit waits for its photos", deed("handle"), 0, 60_000],
    ["a false alarm too", deed("false-alarm"), 10_000, 50_000],
    ["but never longer than a minute", deed("handle"), 60_000, 0],
    ["nor when the phone's clock was set back", deed("handle"), -1, 0],
    ["an arrival waits for nothing", deed("arrive"), 0, 0],
    ["nor does a visit without photos", deed("handle", 2), 0, 0],
  ])("%s", (_, one, age, wait) => {
    expect(waitsForPhotosMs(one, waiting, Date.parse(NOW) + age)).toBe(wait);
  });

  it("that waits lets those of other tasks go before it, and none of its own task", async () => {
    const went: string[] = [];
    const send = (one: Deed): Promise<ActionResult> => {
      went.push(one.body.client_id);
      return Promise.resolve({ result: "done", task: {} as TaskDetail });
    };
    let held = true;
    const deeds = new ActionQueue(send, { load: () => [], add: () => undefined, remove: () => undefined }, { done: () => undefined, refused: () => undefined }, (one) =>
      held && one.verb === "handle" ? 5_000 : 0,
    );
    deeds.add(deed("handle"));
    deeds.add(deed("accept"));
    deeds.add(deed("accept", 2));
    await pass(1_000);
    expect(went).toEqual(["accept2"]);
    held = false;
    await pass(5_000);
    expect(went).toEqual(["accept2", "handle1", "accept1"]);
    deeds.stop();
  });
});
