/** Days that stand for a report's day, week or month, as `2026-11-22`. Pure. */

import type { ReportKind } from "@/api/reportTypes";
import { dayAfter, midnight, monthAfter } from "@/bureau/days";

const weekday = (day: string): number => (new Date(midnight(day) + 8 * 3_600_000).getUTCDay() + 6) % 7;

/** The first day of the day, week (from Monday) or month that `day` lies in. */
export function firstOf(kind: ReportKind, day: string): string {
  if (kind === "daily") return day;
  return kind === "weekly" ? dayAfter(day, -weekday(day)) : `${day.slice(0, 7)}-01`;
}

export function moved(kind: ReportKind, day: string, by: number): string {
  const first = firstOf(kind, day);
  if (kind === "monthly") return `${monthAfter(first.slice(0, 7), by)}-01`;
  return dayAfter(first, by * (kind === "weekly" ? 7 : 1));
}

/** Of the last one that is over. */
export const lastWhole = (kind: ReportKind, today: string): string => moved(kind, today, -1);
