/** Where a case stands on its way to evidence, and who had its pieces. */

import type { EvidenceKind, Params } from "./types";

export type Part = "legal" | "technical";
export type Purpose = "review" | "case" | "training" | "complaint";

export interface Review {
  part: Part;
  verdict: "passed" | "rejected";
  reviewer: string;
  note: string;
  at: string;
  /** False: other evidence has come since. */
  stands: boolean;
}

export interface CaseState {
  status: "none" | "in_review" | "rejected" | "evidence";
  reviews: Review[];
  hold: { reason: string; set_by: string; set_at: string } | null;
  /** By its own hold, or by one on another visit of its line. */
  held: boolean;
}

export interface CustodyPiece {
  id: string;
  kind: EvidenceKind;
  sha256: string | null;
  sm3: string | null;
  phone_sha256: string | null;
}

export interface CustodyEntry {
  n: number;
  at: string;
  type: string;
  actor: string | null;
  detail: Params;
}

export interface Custody {
  pieces: CustodyPiece[];
  entries: CustodyEntry[];
}
