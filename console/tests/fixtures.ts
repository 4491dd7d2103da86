import type { Matter, Task } from "@/api/types";

export const T0 = Date.parse("2026-11-22T08:00:00Z");
export const iso = (seconds: number): string => new Date(T0 + seconds * 1000).toISOString();

export function aMatter(change: Partial<Matter> = {}): Matter {
  return {
    id: 1,
    fingerprint: "smoke/c1/sky",
    kind: "smoke",
    camera: "c1",
    event_at: iso(-3),
    found_at: iso(0),
    accepted_at: null,
    severity: 2,
    reason: { key: "smoke", params: {} },
    evidence: [],
    ...change,
  };
}

export function aTask(change: Partial<Task> = {}): Task {
  return {
    id: 1,
    kinds: ["smoke"],
    state: "offered",
    place: { lat: 31.5, lon: 120.3 },
    grid: "g1",
    officer: null,
    enterprise: null,
    severity: 2,
    outcome: null,
    drill_id: null,
    opened_at: iso(0),
    dispatched_at: iso(1),
    delivered_at: null,
    accepted_at: null,
    arrived_at: null,
    handled_at: null,
    verified_at: null,
    closed_at: null,
    dispatch: null,
    offered_to: ["o1"],
    declined_by: [],
    deadlines: { accept: { due_at: iso(300), state: "pending" }, arrive: { due_at: iso(600), state: "pending" } },
    matters: [aMatter()],
    ...change,
  };
}
