/** What a deadline says at a moment. Pure: the server's time is an argument. */

import type { Deadline } from "@/api/types";

export type Tone = "calm" | "soon" | "urgent" | "done" | "off";

export interface Countdown {
  /** running: counts down; overdue: counts up; met and late are decided; off: nothing to wait for. */
  phase: "running" | "overdue" | "met" | "late" | "off";
  tone: Tone;
  /** Left, over, or taken; never negative. */
  ms: number;
  /** What is left of the time allowed, 1 to 0. */
  share: number;
}

const SOON_SHARE = 0.5;
const URGENT_SHARE = 0.2;
const OFF: Countdown = { phase: "off", tone: "off", ms: 0, share: 0 };

/** `startAt` is when the clock began, `doneAt` when the thing happened, null while it has not. */
export function countdown(deadline: Deadline | null, startAt: string, doneAt: string | null, nowMs: number): Countdown {
  if (!deadline || deadline.state === "cancelled") return OFF;
  const start = Date.parse(startAt);
  const due = Date.parse(deadline.due_at);
  // Done and yet pending: a matter that joined later has its own clock, and that one runs.
  if (doneAt && deadline.state !== "pending") {
    const late = deadline.state === "breached";
    return { phase: late ? "late" : "met", tone: late ? "urgent" : "done", ms: Math.max(0, Date.parse(doneAt) - start), share: 0 };
  }
  if (deadline.state === "met") return { ...OFF, phase: "met", tone: "done" };
  const left = due - nowMs;
  if (left < 0 || deadline.state === "breached") {
    return { phase: "overdue", tone: "urgent", ms: Math.max(0, -left), share: 0 };
  }
  // A second that has begun still counts: 0:00 is shown only when nothing is left.
  const share = Math.min(1, left / Math.max(1, due - start));
  const tone: Tone = share <= URGENT_SHARE ? "urgent" : share <= SOON_SHARE ? "soon" : "calm";
  return { phase: "running", tone, ms: Math.ceil(left / 1000) * 1000, share };
}
