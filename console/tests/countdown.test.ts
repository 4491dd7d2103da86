import { describe, expect, it } from "vitest";

import type { Deadline } from "@/api/types";
import { countdown } from "@/time/countdown";

const START = "2026-11-22T08:00:00Z";
const at = (seconds: number): number => Date.parse(START) + seconds * 1000;
const iso = (seconds: number): string => new Date(at(seconds)).toISOString();
const due = (state: Deadline["state"]): Deadline => ({ due_at: iso(300), state });

describe("a deadline", () => {
  it.each([
    [0, "calm", 300_000],
    [149, "calm", 151_000],
    [150, "soon", 150_000],
    [240, "urgent", 60_000],
    [300, "urgent", 0],
  ])("%i s after its start is %s", (seconds, tone, ms) => {
    expect(countdown(due("pending"), START, null, at(seconds))).toMatchObject({ phase: "running", tone, ms });
  });

  it("counts a second that has begun as left", () => {
    expect(countdown(due("pending"), START, null, at(299.2)).ms).toBe(1_000);
  });

  it("counts up once it is over, also before the server has said so", () => {
    for (const state of ["pending", "breached"] as const) {
      expect(countdown(due(state), START, null, at(365))).toMatchObject({ phase: "overdue", tone: "urgent", ms: 65_000 });
    }
  });

  it("tells how long it took when it was met, and that it was late when it was not", () => {
    expect(countdown(due("met"), START, iso(74), at(900))).toMatchObject({ phase: "met", tone: "done", ms: 74_000 });
    expect(countdown(due("breached"), START, iso(374), at(900))).toMatchObject({ phase: "late", tone: "urgent", ms: 374_000 });
  });

  it("runs on for a matter that joined after the task was accepted", () => {
    expect(countdown(due("pending"), iso(100), iso(60), at(150)).phase).toBe("running");
  });

  it("that was cancelled or never set has no clock", () => {
    for (const none of [null, due("cancelled")]) expect(countdown(none, START, null, at(10)).phase).toBe("off");
  });
});
