/** Days and months of Asia/Shanghai as `2026-11-22` and `2026-11`, which inputs take and give. Pure. */

import { formatDay } from "@/time/format";

const DAY_MS = 86_400_000;
const OFFSET = "+08:00";

export const today = (nowMs: number): string => formatDay(nowMs);

export const monthOf = (day: string): string => day.slice(0, 7);

/** The instant at which a day of the city begins. */
export const midnight = (day: string): number => Date.parse(`${day}T00:00:00${OFFSET}`);

export function dayAfter(day: string, days: number): string {
  return formatDay(midnight(day) + days * DAY_MS);
}

export function monthAfter(month: string, months: number): string {
  const [year = 0, of = 1] = month.split("-").map(Number);
  const count = year * 12 + of - 1 + months;
  return `${Math.floor(count / 12)}-${String((count % 12) + 1).padStart(2, "0")}`;
}

export const isDay = (text: string): boolean => /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(midnight(text));
export const isMonth = (text: string): boolean => isDay(`${text}-01`);

/** What `<input type="datetime-local">` gives, read as a time of the city. */
export const instant = (local: string): string => new Date(`${local}${OFFSET}`).toISOString();

/** [from, to) that a curve of this kind shows for a day: the day, its week, or its quarter. */
export function spanOf(kind: string, day: string): { from: string; to: string } {
  const before = kind === "hour" ? 6 : kind === "day" ? 89 : 0;
  const iso = (at: number): string => new Date(at).toISOString();
  return { from: iso(midnight(dayAfter(day, -before))), to: iso(midnight(dayAfter(day, 1))) };
}
