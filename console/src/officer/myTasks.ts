/** Which tasks wait for this officer, and what he can do with each. Pure. */

import type { Task } from "@/api/types";
import { elsewhere, hasUnansweredMatter } from "@/task/taskView";

export type Deedable = "accept" | "decline" | "navigate" | "arrive" | "handle" | "false-alarm" | "accept-matter" | "hand-over";

export interface MyTasks {
  /** Offered to me, or mine and not finished. */
  active: Task[];
  /** Finished by me, or gone to somebody else. */
  rest: Task[];
}

/** Offered to me, or its holder asks me to take it over. */
export function isOffered(task: Task, me: string, declined: ReadonlySet<number>): boolean {
  if (task.handover_to === me) return task.state === "accepted" && !declined.has(task.id);
  const waits = task.state === "open" || task.state === "offered";
  return waits && task.offered_to.includes(me) && !task.declined_by?.includes(me) && !declined.has(task.id);
}

export function isMine(task: Task, me: string): boolean {
  return task.officer === me && (task.state === "accepted" || task.state === "arrived");
}

export function sortOut(tasks: Task[], me: string, declined: ReadonlySet<number>): MyTasks {
  const active = tasks.filter((task) => isOffered(task, me, declined) || isMine(task, me));
  return { active, rest: tasks.filter((task) => !active.includes(task) && !declined.has(task.id)) };
}

/** The main deed first. */
export function deeds(task: Task, me: string, declined: ReadonlySet<number>): Deedable[] {
  if (isOffered(task, me, declined)) return ["accept", "decline", "navigate"];
  if (!isMine(task, me)) return [];
  const matter: Deedable[] = hasUnansweredMatter(task) ? ["accept-matter"] : [];
  const onTheWay: Deedable[] = ["arrive", "navigate"];
  const there: Deedable[] = elsewhere(task).length ? [...onTheWay, "handle", "false-alarm"] : ["handle", "false-alarm"];
  const rest: Deedable[] = task.state === "accepted" ? [...onTheWay, "hand-over", "false-alarm"] : there;
  return [...matter, ...rest];
}
