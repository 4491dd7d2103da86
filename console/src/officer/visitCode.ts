/** Which tasks have a visit code. Pure. */

import type { Task } from "@/api/types";

/** Somebody is visited: not a camera of no enterprise alone. */
export function callsForCode(task: Task): boolean {
  return task.enterprise !== null || task.kinds.some((kind) => kind !== "camera_fault");
}
