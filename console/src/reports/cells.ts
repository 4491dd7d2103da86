/** Cells of a report as people read them. Pure, except for the language. */

import { share } from "@/bureau/numbers";
import type { Cell, Sort } from "@/api/reportTypes";
import { textOf } from "@/i18n";
import { formatMoment, formatSpan, NOTHING } from "@/time/format";

/** Names of the registry are no keys and stand as they are; a rule without a name is its id. */
export const named = (key: string): string => textOf(key) ?? key.replace(/^rule\./, "");

export function shown(cell: Cell, sort: Sort): string {
  if (cell === null) return NOTHING;
  if (sort === "word") return named(String(cell));
  if (sort === "moment") return formatMoment(String(cell)).slice(0, 16);
  if (typeof cell === "string") return cell;
  if (sort === "share") return share(cell);
  if (sort === "seconds") return `${cell < 0 ? "-" : ""}${formatSpan(Math.round(cell) * 1000)}`;
  return String(cell);
}

export const isNumber = (sort: Sort): boolean => sort !== "text" && sort !== "word";
