/** Why an officer was chosen, and to whom a task may go. */

import type { Reason } from "./types";

export interface Candidate {
  officer: string;
  team: string;
  total_s: number;
  eta_s: number;
  load_s: number;
  grid_s: number;
  stale_s: number;
  skill_s: number;
  /** Null: nobody knew where he was. */
  age_s: number | null;
  /** slow: the router was asked and did not answer in time. */
  road: boolean | "slow";
}

export interface Choice {
  id: number;
  at: string;
  wanted: "officer" | "next_officer" | "lead";
  /** Null: nobody. */
  chosen: string | null;
  reason: Reason;
  candidates: Candidate[];
}

export interface Colleague {
  id: string;
  name: string;
  open_tasks: number;
}

/** The secret of a phone's tracking app, told this once; it sends to `path`. */
export interface Device {
  token: string;
  path: string;
}
