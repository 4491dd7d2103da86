/** Reasons in words: parameters that are keys themselves become words first. */

import type { Params, Reason } from "@/api/types";
import { pollutant, word } from "./index";

const families: Record<string, string> = { reading: "reading", kind: "kind", to: "escalate", state: "state", deadline: "deadline", outcome: "outcome", cause: "cause" };

export function inWords(params: Params): Params {
  const worded: Params = { ...params };
  for (const [name, family] of Object.entries(families)) {
    const value = params[name];
    if (typeof value === "string") worded[name] = word(family, value);
  }
  if (typeof params.code === "string") worded.code = pollutant(params.code);
  return worded;
}

export function reasonText(reason: Reason | null, family: "reason" | "dispatch" = "reason"): string {
  return reason ? word(family, reason.key, inWords(reason.params)) : "—";
}
