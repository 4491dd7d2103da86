/** Reports as the server tables them. */

export type ReportKind = "daily" | "weekly" | "monthly";
export type Sort = "text" | "word" | "count" | "share" | "seconds" | "moment";
export type Cell = string | number | null;

export interface ReportTable {
  key: string;
  columns: { key: string; sort: Sort }[];
  rows: Cell[][];
  note: string;
  left_out: number;
}

export interface Formula {
  key: string;
  numerator: string;
  denominator: string;
}

export interface Report {
  kind: ReportKind;
  since: string;
  until: string;
  made_at: string;
  made_by: string;
  drills: number;
  fingerprint: string;
  tables: ReportTable[];
  formulas: Formula[];
}
