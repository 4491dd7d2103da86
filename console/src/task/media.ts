/** Which pictures and clips a task can show. Pure. */

import type { Evidence, Task } from "@/api/types";

export interface Shot {
  /** The matter's id; a camera matter with a picture or a clip is one shot. */
  matter: number;
  marked: Evidence | null;
  original: Evidence | null;
  clip: Evidence | null;
}

/** The newest of a kind, one that is stored before any other; derived copies of clips are what a browser can play. */
function pick(evidence: Evidence[], kind: Evidence["kind"]): Evidence | null {
  const found = evidence.filter((one) => one.kind === kind);
  const stored = found.filter((one) => one.state === "stored");
  return stored.find((one) => one.derived_from !== null) ?? stored[0] ?? found[0] ?? null;
}

export function shots(task: Task): Shot[] {
  return task.matters
    .filter((matter) => matter.camera)
    .map(({ id, evidence }) => ({
      matter: id,
      marked: pick(evidence, "still_marked"),
      original: pick(evidence, "still"),
      clip: pick(evidence, "clip"),
    }))
    .filter((shot) => shot.marked || shot.original || shot.clip);
}
