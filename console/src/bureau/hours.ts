/** The valid-hour table in parts that fit a page, and what stands under it. Pure. */

import type { ReviewCell, ReviewedChannel, ReviewTable, Verdict } from "@/api/bureauTypes";

const A_PAGE = 4;

export function pagesOf(channels: ReviewedChannel[], most = A_PAGE): ReviewedChannel[][] {
  const count = Math.max(1, Math.ceil(channels.length / most));
  const each = Math.ceil(channels.length / count);
  return Array.from({ length: count }, (_, n) => channels.slice(n * each, (n + 1) * each)).filter((page) => page.length);
}

export interface LimitUsed {
  code: string;
  unit: string;
  limit: number | null;
  lower: number | null;
  source: string;
  unverified: boolean;
}

/** The limits that the cells were judged by, each once. */
export function limitsUsed(table: ReviewTable): LimitUsed[] {
  const found = new Map<string, LimitUsed>();
  for (const { code, unit } of table.channels) {
    for (const row of table.rows) {
      const cell = row.cells[code];
      if (!cell || (cell.limit === null && cell.lower === null)) continue;
      const { limit, lower, limit_source: source, unverified } = cell;
      found.set(JSON.stringify([code, limit, lower, source]), { code, unit, limit, lower, source, unverified });
    }
  }
  return [...found.values()];
}

const PLAIN: Verdict[] = ["ok", "no_limit"];

/** The cells that want a word: everything that is not simply well. */
export function remarks(table: ReviewTable): { code: string; cell: ReviewCell }[] {
  return table.rows.flatMap((row) =>
    table.channels.flatMap(({ code }) => {
      const cell = row.cells[code];
      return cell && !PLAIN.includes(cell.verdict) ? [{ code, cell }] : [];
    }),
  );
}

/** Channels that have the same verdict for the same reason at the same times make one remark. */
export interface Remark {
  codes: string[];
  verdict: Verdict;
  reason: string;
  times: string[];
}

export function gathered(table: ReviewTable): Remark[] {
  const byChannel = new Map<string, Remark>();
  for (const { code, cell } of remarks(table)) {
    const key = JSON.stringify([code, cell.verdict, cell.reason]);
    const known = byChannel.get(key) ?? { codes: [code], verdict: cell.verdict, reason: cell.reason, times: [] };
    known.times.push(cell.ts);
    byChannel.set(key, known);
  }
  const found = new Map<string, Remark>();
  for (const one of byChannel.values()) {
    const key = JSON.stringify([one.verdict, one.reason, one.times]);
    const known = found.get(key);
    if (known) known.codes.push(...one.codes);
    else found.set(key, one);
  }
  return [...found.values()];
}

/** How many periods of a channel were valid, and over or below a limit. */
export function counts(table: ReviewTable, code: string): { valid: number; over: number } {
  const cells = table.rows.flatMap((row) => row.cells[code] ?? []);
  const valid: Verdict[] = ["ok", "over", "below", "no_limit", "not_converted"];
  return {
    valid: cells.filter(({ verdict }) => valid.includes(verdict)).length,
    over: cells.filter(({ verdict }) => verdict === "over" || verdict === "below").length,
  };
}
