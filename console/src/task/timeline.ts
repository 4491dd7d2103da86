/** One entry of a task's history in words. */

import type { Params, TimelineEntry } from "@/api/types";
import { fill, t, textOf, word } from "@/i18n";
import { inWords } from "@/i18n/reason";
import { formatClock, formatSpan } from "@/time/format";

export interface Names {
  officer: (id: string) => string;
}

export function detailText(entry: TimelineEntry, names: Names): string {
  const text = textOf(`detail.${entry.type}`);
  if (text === undefined) return "";
  const detail = entry.detail;
  const params: Params = inWords(detail);
  if (typeof detail.officer === "string") params.officer = names.officer(detail.officer);
  if (typeof detail.former === "string") params.former = names.officer(detail.former);
  if (typeof detail.reason === "string") params.why = word("dispatch", detail.reason, params);
  if (entry.type === "evidence_purged" && typeof detail.reason === "string") params.lost = word("lost", detail.reason);
  if (typeof detail.severity === "number") params.severity = word("severity", String(detail.severity));
  if (entry.type.startsWith("evidence_") && typeof detail.kind === "string") params.kind = word("evidence", detail.kind);
  if (entry.type === "deed_refused") {
    params.deed = word("deed", String(detail.action));
    // The log has the reason alone: how far away a phone was is no business of the chain.
    params.why = textOf(`refusal.${String(detail.reason)}`) ?? word("error", String(detail.reason), detail);
  }
  if (entry.type === "case_reviewed") {
    params.part = word("review_part", String(detail.part));
    params.verdict = word("review_verdict", String(detail.verdict));
  }
  if (entry.type === "case_status") params.status = word("case", String(detail.status));
  if (typeof detail.late_s === "number") params.late = formatSpan(detail.late_s * 1000);
  const named = [...text.matchAll(/\{(\w+)\}/g)].map((match) => params[match[1] ?? ""]);
  return named.some((value) => value !== undefined && value !== null) ? fill(text, params) : "";
}

/** What the phone said of a deed, where that is well apart from its receipt; empty where it is not. */
export function claimText(entry: Pick<TimelineEntry, "detail">): string {
  const { claimed_at: at, received_late_s: late, claimed_ahead_s: ahead } = entry.detail;
  if (typeof at !== "string") return "";
  const claimed = formatClock(at);
  if (typeof late === "number") return t("hands.claimed_late", { claimed, late: formatSpan(late * 1000) });
  return typeof ahead === "number" ? t("hands.claimed_ahead", { claimed, ahead: formatSpan(ahead * 1000) }) : "";
}

/** Who did it: an officer's or a user's name; the system itself is not named. */
export function actorText(entry: TimelineEntry, names: Names): string {
  if (!entry.actor || entry.actor === "engine" || entry.actor === entry.detail.officer) return "";
  return names.officer(entry.actor);
}
