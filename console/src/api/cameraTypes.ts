/** What a camera's page reads and writes. */

import type { Camera, Evidence, Kind, Reason } from "./types";

export const PURPOSES = ["ground", "sky", "stack", "mask"] as const;
export type Purpose = (typeof PURPOSES)[number];

/** In shares of the picture's width and height, from the left top. */
export type Point = readonly [number, number];

export interface Zone {
  name: string;
  purpose: Purpose;
  polygon: readonly Point[];
}

/** `version` is that of the zones to draw over; `drawn` null: they come from the registry's files. */
export interface ZoneDrawing {
  version: string;
  drawn: { by: string; at: string } | null;
  zones: Zone[];
}

export interface CameraFinding {
  id: string;
  rule: string;
  kind: Kind;
  tier: "early" | "violation" | "fault";
  zone: string | null;
  onset_at: string;
  found_at: string;
  ended_at: string | null;
  severity: number;
  reason: Reason;
  disposition: string | null;
  drill_id: string | null;
  task_id: number | null;
  evidence: Evidence[];
}

/** What its worker knows of a camera's stream; nothing of it is sure to be known. */
export interface Stream {
  codec: string | null;
  width: number | null;
  height: number | null;
  clock_offset_s: number | null;
}

export interface CameraDetail extends Camera {
  changed_at: string | null;
  picture_at: string | null;
  live_url: string;
  player_url: string | null;
  /** In which share of the cameras it is, and which machine and process has that; null: nobody has. */
  watched_by: { share: string | null; holder: string | null };
  stream: Stream;
  drawing: ZoneDrawing;
  findings: CameraFinding[];
}
