/** Reasons in words: parameters that are keys themselves become words first. */

import type { Params, Reason } from "@/api/types";
import { formatMoment } from "@/time/format";
import { pollutant, t, word } from "./index";

const families: Record<string, string> = {
  reading: "reading",
  kind: "kind",
  to: "escalate",
  state: "state",
  deadline: "deadline",
  outcome: "outcome",
  cause: "cause",
  because: "dispatch",
  flag: "flag",
  label: "mark",
  decision: "decision",
  suggested: "suggested",
};
const CODES = ["code", "other", "codes"];
const TIMES = ["at", "declared_at"];

export function inWords(params: Params): Params {
  const worded: Params = { ...params };
  for (const [name, value] of Object.entries(params)) {
    if (typeof value !== "string") continue;
    const family = families[name];
    if (family) worded[name] = word(family, value);
    else if (CODES.includes(name)) worded[name] = value.split(",").map(pollutant).join(", ");
    else if (TIMES.includes(name)) worded[name] = formatMoment(value);
  }
  return worded;
}

/** What kind of limit it is, when it holds and where it comes from are part of what is said against somebody. */
function basis({ reading, limit_kind, schedule, source, unverified }: Params): string {
  const other = typeof limit_kind === "string" && limit_kind !== reading;
  return [
    other ? t("reason.limit_kind", { kind: word("reading", limit_kind) }) : "",
    schedule ? t("reason.schedule", { schedule }) : "",
    source ? t("reason.source", { source }) : "",
    unverified === true ? t("reason.unverified") : "",
  ].join("");
}

export function reasonText(reason: Reason | null, family: "reason" | "dispatch" = "reason"): string {
  return reason ? word(family, reason.key, inWords(reason.params)) + basis(reason.params) : "—";
}
