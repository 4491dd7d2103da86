/** Times as people in the city read them: Asia/Shanghai, 24 hours. */

const ZONE = "Asia/Shanghai";

const parts = (options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: ZONE, hourCycle: "h23", ...options });

const clock = parts({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const clockShort = parts({ hour: "2-digit", minute: "2-digit" });
const day = parts({ year: "numeric", month: "2-digit", day: "2-digit" });
const weekday = { "zh-CN": "zh-CN", en: "en-GB" } as const;

type Moment = string | number | null | undefined;

function valid(at: Moment): Date | null {
  if (at === null || at === undefined) return null;
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? null : date;
}

export const NOTHING = "—";

/** `14:03:09` */
export function formatClock(at: Moment): string {
  const date = valid(at);
  return date ? clock.format(date) : NOTHING;
}

/** `14:03` */
export function formatClockShort(at: Moment): string {
  const date = valid(at);
  return date ? clockShort.format(date) : NOTHING;
}

/** `2026-11-22` */
export function formatDay(at: Moment): string {
  const date = valid(at);
  return date ? day.format(date) : NOTHING;
}

/** `2026-11-22 14:03:09` */
export function formatMoment(at: Moment): string {
  const date = valid(at);
  return date ? `${day.format(date)} ${clock.format(date)}` : NOTHING;
}

export function formatWeekday(at: Moment, language: keyof typeof weekday): string {
  const date = valid(at);
  return date ? date.toLocaleDateString(weekday[language], { timeZone: ZONE, weekday: "short" }) : "";
}

/** A span of whole seconds without a sign: `0:07`, `12:34`, `1:02:03`, and from two days on `2d 05:00`. */
export function formatSpan(ms: number): string {
  const total = Math.floor(Math.abs(ms) / 1000);
  const two = (value: number): string => String(value).padStart(2, "0");
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  if (hours >= 48) return `${Math.floor(hours / 24)}d ${two(hours % 24)}:${two(minutes)}`;
  if (hours) return `${hours}:${two(minutes)}:${two(total % 60)}`;
  return `${minutes}:${two(total % 60)}`;
}
