/** Numbers as these pages write them. Pure. */

import { NOTHING } from "@/time/format";

/** A clock that is further off is a finding (data_clock_drift). */
export const CLOCK_OFF_S = 60;
/** The usual line of 传输有效率. */
export const RATE_LINE = 0.75;

/** At most four significant digits. */
export function value(number: number | null | undefined): string {
  if (number === null || number === undefined) return NOTHING;
  return Number.isInteger(number) ? String(number) : String(Number(number.toPrecision(4)));
}

export function share(number: number | null | undefined): string {
  return number === null || number === undefined ? NOTHING : `${(number * 100).toFixed(1)} %`;
}

export function signed(seconds: number): string {
  const rounded = Math.abs(seconds) < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds);
  return rounded > 0 ? `+${rounded}` : String(rounded);
}
