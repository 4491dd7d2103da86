import { describe, expect, it } from "vitest";

import { SseParser } from "@/api/sse";

const WIRE = "retry: 1000\nid: 41\n: hello\n\nid: 42\nevent: task_opened\ndata: {\"n\":42,\ndata: \"task\":7}\n\n: tick\n\nevent: bye\ndata: {}\n\n";
const TOLD = [
  { id: "42", event: "task_opened", data: '{"n":42,\n"task":7}' },
  { id: "42", event: "bye", data: "{}" },
];

describe("the parser of server-sent events", () => {
  it.each([1, 2, 3, 7, 1000])("gives the same messages from portions of %i characters", (size) => {
    for (const wire of [WIRE, WIRE.replaceAll("\n", "\r\n")]) {
      const parser = new SseParser();
      const told = [];
      for (let at = 0; at < wire.length; at += size) told.push(...parser.feed(wire.slice(at, at + size)));
      expect(told).toEqual(TOLD);
    }
  });

  it("keeps the id of a block without data: a reconnect goes on from there", () => {
    const parser = new SseParser();
    parser.feed("id: 41\n: hello\n\n");
    expect(parser.id).toBe("41");
  });

  it("holds no endless line", () => {
    const parser = new SseParser();
    for (let n = 0; n < 30; n++) parser.feed("x".repeat(100_000));
    expect(JSON.stringify(parser).length).toBeLessThan(1_100_000);
  });
});
