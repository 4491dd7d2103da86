import { describe, expect, it } from "vitest";

import { health } from "@/live/health";
import { ServerClock } from "@/time/serverClock";

const NOW = 1_000_000;
const fresh = { streamMs: NOW - 1_000, statusMs: NOW - 2_000, engineTickAgeS: 0.4 };

describe("health", () => {
  it.each([
    ["all is fresh", fresh, { ok: true }],
    ["nothing came over the stream for 6 s", { ...fresh, streamMs: NOW - 6_001 }, { reason: "stream_silent", sinceMs: NOW - 6_001 }],
    ["the server did not answer", { ...fresh, statusMs: NOW - 12_001 }, { reason: "status_unreachable", sinceMs: NOW - 12_001 }],
    ["the engine stands still", { ...fresh, engineTickAgeS: 5.1 }, { reason: "engine_stopped", sinceMs: NOW - 7_100 }],
    ["the engine was never seen", { ...fresh, engineTickAgeS: null }, { reason: "engine_stopped" }],
  ])("when %s", (_, heard, said) => expect(health(heard, NOW)).toMatchObject(said));
});

describe("the server's clock", () => {
  it("is not moved by a wrong local clock, and leaves out slow samples", () => {
    let monotonic = 5_000;
    const clock = new ServerClock(() => monotonic, Date.parse("2031-01-01T00:00:00Z"));
    clock.learn("2026-11-22T08:00:00.000Z", 5_000, 5_100);
    monotonic = 6_050;
    expect(new Date(clock.nowMs()).toISOString()).toBe("2026-11-22T08:00:01.000Z");
    clock.learn("2026-11-22T09:00:00.000Z", 6_050, 9_000);
    expect(new Date(clock.nowMs()).toISOString()).toBe("2026-11-22T08:00:01.000Z");
  });
});
