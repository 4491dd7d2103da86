/** What the bureau reads: judged hours and days, the register, rates, marks. */

import type { Kind, Named, Reading, Reason } from "./types";

export type Verdict = "ok" | "over" | "below" | "no_limit" | "invalid" | "marked" | "missing" | "not_converted";
export type PeriodKind = "hour" | "day";

export interface ReviewCell {
  ts: string;
  kind: PeriodKind;
  verdict: Verdict;
  reason: string;
  expected: number;
  received: number;
  valid: number;
  device_value: number | null;
  device_converted: number | null;
  device_flag: string | null;
  own_value: number | null;
  own_converted: number | null;
  judged_value: number | null;
  limit: number | null;
  lower: number | null;
  limit_source: string;
  unverified: boolean;
  late: boolean;
  reviewed_at: string;
  revision: number;
}

export interface ReviewedChannel {
  code: string;
  unit: string;
  role: string;
}

export interface ReviewRow {
  ts: string;
  cells: Record<string, ReviewCell>;
}

export interface ReviewTable {
  station: Named;
  enterprise: Named | null;
  kind: PeriodKind;
  since: string;
  until: string;
  channels: ReviewedChannel[];
  rows: ReviewRow[];
  whole: Record<string, ReviewCell>;
}

export interface Exceedance extends ReviewCell {
  station: Named;
  enterprise: Named;
  code: string;
  unit: string;
  ratio: number | null;
  finding_id: string | null;
  disposition: string | null;
  task_id: number | null;
}

/** A finding, also one that was only recorded. */
export interface Found {
  id: string;
  rule: string;
  kind: Kind;
  tier: "early" | "violation" | "fault";
  station: Named | null;
  camera: string | null;
  code: string | null;
  enterprise: Named | null;
  onset_at: string;
  found_at: string;
  ended_at: string | null;
  severity: number;
  reason: Reason;
  late: boolean;
  disposition: string | null;
  task_id: number | null;
}

export interface RevisedReading {
  ts: string;
  versions: Reading[];
  verdicts: ReviewCell[];
}

export interface Rates {
  expected: number;
  sent: number;
  valid: number;
  stopped: number;
  transmission: number | null;
  validity: number | null;
  effective: number | null;
}

export interface RatesReport {
  since: string;
  until: string;
  stations: (Rates & { station: Named; enterprise: Named })[];
  enterprises: (Rates & { enterprise: Named })[];
}

export const MARK_LABELS = ["start_up", "shut_down", "stopped", "fault", "maintenance", "calibration", "baking", "cooling"] as const;
export type MarkLabel = (typeof MARK_LABELS)[number];

export interface Mark {
  id: number;
  code: string | null;
  label: string;
  from_at: string;
  to_at: string;
  note: string;
  declared_by: string;
  declared_at: string;
  withdrawn_at: string | null;
  withdrawn_by: string | null;
}

export interface NewMark {
  label: MarkLabel;
  from_at: string;
  to_at: string;
  code: string | null;
  note: string;
}

