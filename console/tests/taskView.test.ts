import { describe, expect, it } from "vitest";

import type { Matter, Task } from "@/api/types";
import { byUrgency, elsewhere, goal, hasUnansweredMatter, summary } from "@/task/taskView";
import { deeds, sortOut } from "@/officer/myTasks";
import { curve, roundUp } from "@/task/curve";
import { aMatter, aTask, iso, T0 } from "./fixtures";

const NOW = T0 + 60_000;
const NONE = new Set<number>();
const breached: Task["deadlines"] = { accept: { due_at: iso(-10), state: "breached" }, arrive: { due_at: iso(600), state: "pending" } };
const later: Task["deadlines"] = { accept: { due_at: iso(900), state: "pending" }, arrive: { due_at: iso(1200), state: "pending" } };
const accepted = (change: Partial<Task> = {}): Task =>
  aTask({ state: "accepted", officer: "o1", accepted_at: iso(30), deadlines: { accept: { due_at: iso(300), state: "met" }, arrive: { due_at: iso(600), state: "pending" } }, ...change });

describe("the centre's order", () => {
  it("puts what is overdue first, then who waits, then who is under way", () => {
    const tasks = [accepted({ id: 1 }), aTask({ id: 2, deadlines: later }), aTask({ id: 3, deadlines: breached }), aTask({ id: 4, severity: 3, deadlines: later })];
    expect(byUrgency(tasks, NOW).map((task) => task.id)).toEqual([3, 4, 2, 1]);
  });

  it("is summed up by what is being waited for", () => {
    const tasks = [aTask({ id: 1, deadlines: breached }), aTask({ id: 2 }), accepted({ id: 3 })];
    expect(summary(tasks, NOW)).toEqual({ waiting: 2, underWay: 1, onSite: 0, overdue: 1 });
  });
});

describe("an officer's tasks", () => {
  it("are those offered to him or held by him; declined, taken and finished ones are not", () => {
    const tasks = [
      aTask({ id: 1 }),
      accepted({ id: 2 }),
      accepted({ id: 3, officer: "o2" }),
      aTask({ id: 4, declined_by: ["o1"] }),
      accepted({ id: 5, state: "handled" }),
    ];
    const mine = sortOut(tasks, "o1", NONE);
    expect(mine.active.map((task) => task.id)).toEqual([1, 2]);
    expect(mine.rest.map((task) => task.id)).toEqual([3, 4, 5]);
  });

  it("offer at each step what can be done then, the next step first", () => {
    expect(deeds(aTask(), "o1", NONE)[0]).toBe("accept");
    expect(deeds(aTask(), "o1", new Set([1]))).toEqual([]);
    expect(deeds(accepted(), "o1", NONE)[0]).toBe("arrive");
    expect(deeds(accepted({ state: "arrived" }), "o1", NONE)[0]).toBe("handle");
    expect(deeds(accepted({ officer: "o2" }), "o1", NONE)).toEqual([]);
  });

  it("ask him to arrive again while there are matters at places where nobody was yet, the most pressing first", () => {
    const arrive = (seconds: number) => ({ accept: null, arrive: { due_at: iso(seconds), state: "pending" as const } });
    const far = (id: number, change: Partial<Matter> = {}) => aMatter({ id, place: { lat: 31.6, lon: 120.3 }, arrived_at: null, ...change });
    const visit = accepted({ state: "arrived", matters: [aMatter({ arrived_at: iso(60) }), far(2, { deadlines: arrive(900) }), far(3, { deadlines: arrive(800) })] });
    expect(elsewhere(visit).map((matter) => matter.id)).toEqual([3, 2]);
    expect(deeds(visit, "o1", NONE)).toEqual(["arrive", "navigate", "handle", "false-alarm"]);
    expect(elsewhere({ ...visit, state: "accepted" })).toEqual([]);
    expect(elsewhere({ ...visit, matters: [far(2, { closed_at: iso(70) })] })).toEqual([]);
    expect(goal(visit)).toEqual({ lat: 31.6, lon: 120.3 });
  });

  it("lead to what still stands, and to the task's place where its matters have none", () => {
    const closed = aMatter({ place: { lat: 31.7, lon: 120.3 }, closed_at: iso(70) });
    expect(goal(accepted({ matters: [closed, aMatter({ id: 2, place: { lat: 31.6, lon: 120.3 } })] }))).toEqual({ lat: 31.6, lon: 120.3 });
    expect(goal(accepted())).toEqual({ lat: 31.5, lon: 120.3 });
  });

  it("ask for an answer to a matter that joined after the acceptance", () => {
    const joined = accepted({ matters: [aMatter({ accepted_at: iso(30) }), aMatter({ id: 2, found_at: iso(50) })] });
    joined.deadlines.accept = { due_at: iso(350), state: "pending" };
    expect(hasUnansweredMatter(joined)).toBe(true);
    expect(deeds(joined, "o1", NONE)[0]).toBe("accept-matter");
  });
});

describe("the curve", () => {
  const reading = (seconds: number, value: number, converted: number | null) => ({ ts: iso(seconds), value, converted, flag: "N", late: false, revision: 1 });

  it("shows the value that the limit speaks of, in order of time", () => {
    const items = [reading(10, 20, 40), reading(0, 10, null)];
    const drawn = curve({ items, unit: "mg/m3", limits: [{ kind: "rtd", limit: 35, converted: true }], next: null }, "rtd");
    expect(drawn.points.map((point) => point[1])).toEqual([10, 40]);
    expect(drawn.limit).toBe(35);
  });

  it("keeps a limit far above the readings in sight, on a round number", () => {
    const drawn = curve({ items: [reading(0, 3, null)], unit: "", limits: [{ kind: "rtd", limit: 35 }], next: null }, "rtd");
    expect(drawn.top).toBe(40);
    expect([0.011, 7, 41, 99, 101].map(roundUp)).toEqual([0.015, 8, 50, 100, 150]);
  });
});
