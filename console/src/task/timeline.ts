/** One entry of a task's history in words. */

import type { Params, TimelineEntry } from "@/api/types";
import { fill, textOf, word } from "@/i18n";
import { inWords } from "@/i18n/reason";
import { formatSpan } from "@/time/format";

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
  if (typeof detail.reason === "string") params.why = word("dispatch", detail.reason, detail);
  if (entry.type === "evidence_purged" && typeof detail.reason === "string") params.lost = word("lost", detail.reason);
  if (typeof detail.severity === "number") params.severity = word("severity", String(detail.severity));
  if (entry.type.startsWith("evidence_") && typeof detail.kind === "string") params.kind = word("evidence", detail.kind);
  if (typeof detail.late_s === "number") params.late = formatSpan(detail.late_s * 1000);
  const named = [...text.matchAll(/\{(\w+)\}/g)].map((match) => params[match[1] ?? ""]);
  return named.some((value) => value !== undefined && value !== null) ? fill(text, params) : "";
}

/** Who did it: an officer's or a user's name; the system itself is not named. */
export function actorText(entry: TimelineEntry, names: Names): string {
  if (!entry.actor || entry.actor === "engine" || entry.actor === entry.detail.officer) return "";
  return names.officer(entry.actor);
}
