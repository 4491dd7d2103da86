/** The routes of reviews, holds and the chain of custody. */

import type { CaseState, Custody, Part, Purpose } from "./caseTypes";
import { get, query, request } from "./client";

export const PURPOSES: Purpose[] = ["review", "case", "training", "complaint"];

export const cases = {
  review: (task: number, part: Part, verdict: "passed" | "rejected" | "withdrawn", note: string) =>
    request<CaseState>("POST", `/tasks/${task}/reviews`, { part, verdict, note }),
  hold: (task: number, reason: string) => request<CaseState>("PUT", `/tasks/${task}/hold`, { reason }),
  lift: (task: number, note: string) => request<CaseState>("DELETE", `/tasks/${task}/hold?${query({ note })}`),
  custody: (task: number) => get<Custody>(`/tasks/${task}/custody`),
};
