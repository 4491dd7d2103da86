/** The readings around a finding as points of a curve. Pure. */

import type { ReadingKind, Readings } from "@/api/types";

const MINUTE_MS = 60_000;

/** How much is shown before and after the event, in minutes: some fifty to a few hundred readings each. */
const SPANS: Record<ReadingKind, { before: number; after: number }> = {
  rtd: { before: 10, after: 20 },
  min: { before: 60, after: 60 },
  hour: { before: 48 * 60, after: 24 * 60 },
  day: { before: 45 * 1440, after: 15 * 1440 },
};

/** What is wrong with data shows itself over hours: six before and after, as the evidence holds; of hour means as usual. */
const FAULT_SPANS = { ...SPANS, rtd: { before: 60, after: 60 }, min: { before: 360, after: 360 } };

export function windowAround(eventAt: string, kind: ReadingKind, nowMs: number, isFault = false): { from: string; to: string } {
  const at = Date.parse(eventAt);
  const { before, after } = (isFault ? FAULT_SPANS : SPANS)[kind];
  const end = Math.min(at + after * MINUTE_MS, nowMs + MINUTE_MS);
  return { from: new Date(at - before * MINUTE_MS).toISOString(), to: new Date(end).toISOString() };
}

export interface Curve {
  /** Time in ms, and the value that the limit speaks of. */
  points: [number, number][];
  limit: number | null;
  lower: number | null;
  /** The top of the axis where the readings alone would leave the limit out of sight; else null. */
  top: number | null;
}

export function curve(readings: Readings, kind: ReadingKind): Curve {
  const limit = readings.limits.find((one) => one.kind === kind);
  const points = readings.items.map(({ ts, value, converted }): [number, number] => [
    Date.parse(ts),
    limit?.converted ? (converted ?? value) : value,
  ]);
  points.sort((a, b) => a[0] - b[0]);
  const highest = points.reduce((most, [, value]) => Math.max(most, value), 0);
  const line = limit?.limit ?? null;
  return { points, limit: line, lower: limit?.lower ?? null, top: line !== null && line > highest * 0.9 ? roundUp(line * 1.1) : null };
}

/** The next of 1, 1.5, 2, 3, 4, 5, 6, 8 or 10 times a power of ten: an axis that ends on a number people read at once. */
export function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((one) => one * power >= value) ?? 10;
  return step * power;
}
