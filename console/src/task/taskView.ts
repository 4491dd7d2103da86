/** How tasks are put in order and summed up for the centre. Pure. */

import type { Evidence, LatLon, Matter, Task } from "@/api/types";
import { countdown, type Countdown } from "@/time/countdown";

export interface Clocks {
  accept: Countdown;
  arrive: Countdown;
  /** The clock that runs now; null when both are decided. */
  active: "accept" | "arrive" | null;
}

export function clocks(task: Task, nowMs: number): Clocks {
  const accept = countdown(task.deadlines.accept, waitingSince(task), task.accepted_at, nowMs);
  const arrive = countdown(task.deadlines.arrive, task.opened_at, task.arrived_at, nowMs);
  const runs = (clock: Countdown): boolean => clock.phase === "running" || clock.phase === "overdue";
  return { accept, arrive, active: runs(accept) ? "accept" : runs(arrive) ? "arrive" : null };
}

/** When the accept clock that runs began: with the task, or with the matter that joined an accepted task. */
function waitingSince(task: Task): string {
  const joined = task.accepted_at ? task.matters.filter((matter) => !matter.accepted_at).map((matter) => matter.found_at) : [];
  return joined.sort()[0] ?? task.opened_at;
}

/** The officer has accepted, and a matter that joined since still waits for an answer. */
export function hasUnansweredMatter(task: Task): boolean {
  return (task.state === "accepted" || task.state === "arrived") && task.deadlines.accept?.state === "pending";
}

export function isOverdue({ accept, arrive }: Clocks): boolean {
  return accept.phase === "overdue" || arrive.phase === "overdue";
}

/** The visit has begun, and at these matters' places nobody has been yet: the most pressing first. */
export function elsewhere(task: Task): Matter[] {
  if (task.state !== "arrived") return [];
  const due = (matter: Matter): number => (matter.deadlines?.arrive ? Date.parse(matter.deadlines.arrive.due_at) : Infinity);
  const left = task.matters.filter((matter) => matter.arrived_at === null && !matter.closed_at);
  return left.sort((a, b) => compare(due(a), due(b)) || a.id - b.id);
}

/** Where to go now: where nobody was yet; before the arrival, to the first of what still stands. */
export function goal(task: Task): LatLon {
  const next = elsewhere(task)[0] ?? task.matters.find((matter) => !matter.closed_at);
  return next?.place ?? task.place;
}

const RANK = { open: 1, offered: 1, accepted: 2, arrived: 3, handled: 4, verified: 5, closed: 6 } as const;

/** Overdue first, then who waits for an answer, then who is on the way; within each the earliest deadline, then the worst. */
export function byUrgency(tasks: Iterable<Task>, nowMs: number): Task[] {
  const keyed = [...tasks].map((task) => {
    const both = clocks(task, nowMs);
    const due = both.active ? task.deadlines[both.active]?.due_at : null;
    return { task, rank: isOverdue(both) ? 0 : RANK[task.state], due: due ? Date.parse(due) : Infinity };
  });
  keyed.sort((a, b) => a.rank - b.rank || compare(a.due, b.due) || b.task.severity - a.task.severity || a.task.id - b.task.id);
  return keyed.map((entry) => entry.task);
}

function compare(a: number, b: number): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

export interface Summary {
  waiting: number;
  underWay: number;
  onSite: number;
  overdue: number;
}

export function summary(tasks: Iterable<Task>, nowMs: number): Summary {
  const sum: Summary = { waiting: 0, underWay: 0, onSite: 0, overdue: 0 };
  for (const task of tasks) {
    if (task.state === "open" || task.state === "offered") sum.waiting++;
    else if (task.state === "accepted") sum.underWay++;
    else if (task.state === "arrived") sum.onSite++;
    if (isOverdue(clocks(task, nowMs))) sum.overdue++;
  }
  return sum;
}

/** The worst matter first: it names the task's kind, colour and picture. */
export function leadMatter(task: Task): Matter | undefined {
  return [...task.matters].sort((a, b) => b.severity - a.severity || a.id - b.id)[0];
}

/** The picture that says most: the marked still, else the original. */
export function thumbnail(task: Task): Evidence | null {
  const stored = task.matters.flatMap((matter) => matter.evidence).filter((one) => one.state === "stored" && one.url);
  return stored.find((one) => one.kind === "still_marked") ?? stored.find((one) => one.kind === "still") ?? null;
}

/** A matter's own accept deadline: it runs from the matter's t1, as long as the task's first matter had from its own. */
export function acceptDeadline(task: Task, matter: Matter): Task["deadlines"]["accept"] {
  if (matter.deadlines) return matter.deadlines.accept;
  const whole = task.deadlines.accept;
  return task.matters.length === 1 || matter.found_at === task.opened_at ? whole : null;
}
