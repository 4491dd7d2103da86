/** Which pictures and clips a task can show. Pure. */

import type { Evidence, Task } from "@/api/types";

export interface Shot {
  /** The matter's id; a camera matter with a picture or a clip is one shot. */
  matter: number;
  marked: Evidence | null;
  original: Evidence | null;
  /** What is played: the clip as it was cut, or its copy where the browser cannot play that. */
  clip: Evidence | null;
  /** The clip as it was cut, when `clip` is a copy of it. */
  copied: Evidence | null;
}

/** Whether the browser plays MP4 with that codec (h264, h265, mjpeg). */
export type Plays = (codec: string) => boolean;

/** The newest of a kind, one that is stored before any other. */
function pick(evidence: Evidence[], kind: Evidence["kind"]): Evidence | null {
  const found = evidence.filter((one) => one.kind === kind);
  return found.find((one) => one.state === "stored") ?? found[0] ?? null;
}

function clips(evidence: Evidence[], plays: Plays): Pick<Shot, "clip" | "copied"> {
  const clip = pick(evidence, "clip");
  const copy = clip && (evidence.find((one) => one.kind === "clip_copy" && one.derived_from === clip.id) ?? null);
  const isPlayed = clip?.state === "stored" && plays(clip.details.codec ?? "h264");
  return copy && !isPlayed ? { clip: copy, copied: clip } : { clip, copied: null };
}

export function shots(task: Task, plays: Plays): Shot[] {
  return task.matters
    .filter((matter) => matter.camera)
    .map(({ id, evidence }) => ({
      matter: id,
      marked: pick(evidence, "still_marked"),
      original: pick(evidence, "still"),
      ...clips(evidence, plays),
    }))
    .filter((shot) => shot.marked || shot.original || shot.clip);
}
