/** Which verdicts were made of which content of a reading. Pure. */

import type { ReviewCell, RevisedReading } from "@/api/bureauTypes";

/** Verdicts by the place of the version that was current when they were made. */
export function verdictsByVersion({ versions, verdicts }: RevisedReading): ReviewCell[][] {
  const came = versions.map(({ received_at }) => Date.parse(received_at ?? ""));
  const found: ReviewCell[][] = versions.map(() => []);
  for (const verdict of verdicts) {
    const at = Date.parse(verdict.reviewed_at);
    const place = Math.max(0, came.findLastIndex((received) => received <= at));
    found[place]?.push(verdict);
  }
  return found;
}
