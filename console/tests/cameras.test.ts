import { describe, expect, it } from "vitest";

import type { Camera } from "@/api/types";
import { pictures, type Picture } from "@/cameras/mjpeg";
import { chosen, counted, stateWords, toneOf } from "@/cameras/states";

const camera = (id: string, change: Partial<Camera> = {}): Camera => ({
  id,
  name: id,
  enterprise: null,
  place: { lat: 30, lon: 120 },
  heading_deg: null,
  drill: false,
  state: "online",
  reason: "",
  last_frame_at: null,
  still_url: "",
  zones: [],
  ...change,
});

describe("a list of cameras", () => {
  const all = [camera("b"), camera("a", { name: "西门" }), camera("c", { state: "offline", reason: "timed_out" }), camera("d", { enterprise: { id: "e1", name: "西山钢厂" } })];

  it("begins with those in trouble, then those that show something wrong", () => {
    const blurred = camera("z", { reason: "camera_defocused" });
    expect(chosen([...all, blurred], { text: "", state: "" }).slice(0, 2).map(({ id }) => id)).toEqual(["c", "z"]);
    expect([toneOf("online"), toneOf("online", "camera_defocused"), toneOf("offline", "timed_out"), toneOf("resting")]).toEqual(["b-calm", "b-soon", "b-over", "b-calm"]);
  });

  it.each([
    [{ text: "西", state: "" }, ["a", "d"]],
    [{ text: " B ", state: "" }, ["b"]],
    [{ text: "", state: "offline" }, ["c"]],
    [{ text: "西", state: "offline" }, []],
  ])("is narrowed by %j", (wanted, ids) => expect(chosen(all, wanted).map(({ id }) => id).sort()).toEqual(ids));

  it("counts its states and says why one is away", () => {
    expect([...counted(all)]).toEqual([
      ["online", 3],
      ["offline", 1],
    ]);
    expect(stateWords(camera("c", { state: "offline", reason: "timed_out" }))).toBe("离线 · 超时无应答");
  });
});

const HEAD = "--farwatch-picture\r\nContent-Type: image/jpeg\r\nLast-Modified: Sun, 22 Nov 2026 06:00:00 GMT\r\nContent-Length: 5\r\n\r\n";

function streamOf(text: string, step: number): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  return new ReadableStream({
    start(controller) {
      for (let i = 0; i < bytes.length; i += step) controller.enqueue(bytes.slice(i, i + step));
      controller.close();
    },
  });
}

async function all(text: string, step: number): Promise<Picture[]> {
  const found: Picture[] = [];
  for await (const picture of pictures(streamOf(text, step))) found.push(picture);
  return found;
}

describe("a stream of pictures", () => {
  it.each([1, 7, 64, 10_000])("is cut into pictures however it comes (%i bytes at a time)", async (step) => {
    const found = await all(`${HEAD}AAAAA\r\n${HEAD}BB\r\nB\r\n--farwatch-picture\r\nContent-Len`, step);
    expect(found.map(({ jpeg }) => new TextDecoder().decode(jpeg))).toEqual(["AAAAA", "BB\r\nB"]);
    expect(found[0]?.takenAt).toBe(Date.parse("2026-11-22T06:00:00Z"));
  });

  it("that breaks off in a picture ends without it", async () => expect(await all(`${HEAD}AA`, 9)).toEqual([]));

  it.each(["x".repeat(5_000), "--b\r\nContent-Type: image/jpeg\r\n\r\nAAAA"])("is refused when it is none", async (text) => {
    await expect(all(text, 100)).rejects.toThrow();
  });
});
