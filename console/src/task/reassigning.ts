/** To whom a task may be given, the nearest first. Pure. */

import type { Candidate } from "@/api/dispatchTypes";
import type { Officer, Task } from "@/api/types";
import { distanceM } from "@/officer/distance";

/** As the policy is shipped: the way is longer than the straight line by so much, and driven so fast. */
const DETOUR = 1.35;
const SPEED_M_S = 8.3;

export interface Reachable {
  id: string;
  name: string;
  open_tasks: number;
  /** Null: nobody knows where he is. */
  minutes: number | null;
}

/** Officers on shift but the holder, by their time on the way: as the last choice knew it, else estimated from where they are. */
export function byNearness(officers: Officer[], candidates: Candidate[], task: Task): Reachable[] {
  const known = new Map(candidates.map(({ officer, eta_s }) => [officer, eta_s]));
  const seconds = ({ id, place }: Officer): number | null => known.get(id) ?? (place ? (distanceM(place, task.place) * DETOUR) / SPEED_M_S : null);
  return officers
    .filter((one) => one.on_shift && one.id !== (task.accepted_at ? task.officer : null))
    .map((one) => ({ one, s: seconds(one) }))
    .sort((a, b) => (a.s ?? Infinity) - (b.s ?? Infinity) || a.one.id.localeCompare(b.one.id))
    .map(({ one, s }) => ({ id: one.id, name: one.name, open_tasks: one.open_tasks, minutes: s === null ? null : Math.max(1, Math.ceil(s / 60)) }));
}
