/** Visits and warnings from the enterprise's side, and what the centre and the bureau see of them. */

import type { Kind, Named, Reason } from "./types";

export interface VisitCode {
  url: string;
  svg: string;
  expires_at: string;
  first_scanned_at: string | null;
  scans: number;
}

export interface VisitComment {
  id: number;
  text: string;
  at: string;
  answer: string | null;
  answered_by: string | null;
  answered_at: string | null;
}

export interface Visit {
  id: number;
  officer: string;
  made_at: string;
  expires_at: string;
  ended_at: string | null;
  ended_by: "over" | "passed_on" | "renewed" | null;
  first_scanned_at: string | null;
  scans: number;
  comments: VisitComment[];
}

export interface TaskVisits {
  standing: Reason;
  visits: Visit[];
}

export interface MonthRow {
  enterprise: Named;
  visits: number;
  without_code: number;
  never_shown: number;
  matters: number;
  warnings_cleared: number;
  ceased: number;
  saved: number;
}

export interface MonthReport {
  month: string;
  rows: MonthRow[];
  total: MonthRow;
}

/** What anybody who scanned the code is shown. */
export interface OpenVisit {
  bureau: string;
  badge: string;
  team: string;
  drill: boolean;
  over: boolean;
  expires_at: string;
  matters: { kind: Kind; since: string; code: string | null; limit: number | null; unit: string | null }[];
  comments: Pick<VisitComment, "text" | "at" | "answer" | "answered_at">[];
  comments_left: number;
}

/** What a warned enterprise's contact is shown. */
export interface OpenWarning {
  bureau: string;
  enterprise: string;
  station: string;
  code: string | null;
  kind: Kind;
  reason: Reason;
  told_at: string;
  window_ends_at: string;
  state: "open" | "cleared" | "became_task";
  drill: boolean;
  acknowledged_at: string | null;
  answer: string | null;
}
