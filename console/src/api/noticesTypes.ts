import type { Notice } from "./types";

export type NoticeState = "queued" | "sent" | "delivered" | "seen" | "accepted" | "failed" | "expired" | "superseded" | "digested";

/** A notice with its receipts, each null until it has come; `error` is the last attempt's, or why no way was left. */
export interface NoticeWay extends Notice {
  state: NoticeState;
  task: number | null;
  error: string | null;
  delivered_at: string | null;
  seen_at: string | null;
  accepted_at: string | null;
}
