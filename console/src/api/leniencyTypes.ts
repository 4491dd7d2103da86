/** First time and minor: the bureau's list, what it suggests, what a person decided. */

import type { Kind, Named, Reason, Warning } from "./types";
import type { MonthRow } from "./visitTypes";

export const DECISIONS = ["no_penalty_first", "no_penalty_minor", "warn_only", "penalty", "transferred"] as const;
export type LeniencyDecision = (typeof DECISIONS)[number];

export interface MinorRow {
  kind: Kind;
  rule: string;
  code: string;
  max_ratio: number | null;
  max_severity: number;
  times_at_most: number;
  months: number;
  needs_corrected: boolean;
  basis: string;
}

export interface MinorList {
  version: number;
  changed_by: string | null;
  changed_at: string | null;
  rows: MinorRow[];
}

export interface MinorMatch {
  task: number;
  enterprise: Named;
  opened_at: string;
  kind: Kind;
  code: string | null;
  ratio: number | null;
  severity: number;
  place: number;
  minor: boolean;
}

export interface MinorPreview {
  cases: number;
  matches: MinorMatch[];
}

export interface MadeDecision {
  id: number;
  suggestion: Reason;
  list_version: number;
  decision: LeniencyDecision;
  note: string;
  decided_by: string;
  decided_at: string;
  withdrawn_at: string | null;
}

export interface MatterLeniency {
  matter: number;
  kind: Kind;
  code: string | null;
  suggestion: Reason;
  cases: { task: number; opened_at: string; lenient: boolean }[];
  decisions: MadeDecision[];
}

export interface TaskLeniency {
  decidable: boolean;
  list_version: number;
  matters: MatterLeniency[];
}

export interface EnterpriseHistory {
  enterprise: Named;
  cases: {
    task: number;
    opened_at: string;
    closed_at: string | null;
    matter: number;
    kind: Kind;
    code: string | null;
    severity: number;
    decision: LeniencyDecision | null;
  }[];
  warnings: Warning[];
  this_month: MonthRow | null;
}
