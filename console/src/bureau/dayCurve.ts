/** A span of readings as the parts of a chart: the line, what is marked on it, and the limits. Pure. */

import type { ChannelLimit, Reading, ReadingKind, Readings } from "@/api/types";

export type Point = [atMs: number, value: number];

export interface DayCurve {
  /** The value that the limit speaks of; null breaks the line where readings are missing. */
  line: [number, number | null][];
  /** Readings with no neighbour: no line goes through them. */
  alone: Point[];
  flagged: (Point & { flag?: string })[];
  late: Point[];
  revised: Point[];
  limits: { value: number; lower: boolean; limit: ChannelLimit }[];
  converted: boolean;
  latest: Reading | null;
}

const NORMAL = "N";
/** A hole of so many usual steps is not drawn over. */
const HOLE_STEPS = 3;

export function dayCurve(readings: Readings, kind: ReadingKind): DayCurve {
  const limits = readings.limits.filter((one) => one.kind === kind);
  const converted = limits.some((one) => one.converted);
  const of = (one: Reading): Point => [Date.parse(one.ts), converted ? (one.converted ?? one.value) : one.value];
  const line = withHoles(readings.items.map(of));
  return {
    line,
    alone: line.filter((point, at): point is Point => point[1] !== null && line[at - 1]?.[1] == null && line[at + 1]?.[1] == null),
    flagged: readings.items.filter((one) => one.flag !== NORMAL).map((one) => Object.assign(of(one), { flag: one.flag })),
    late: readings.items.filter((one) => one.late).map(of),
    revised: readings.items.filter((one) => one.revision > 0).map(of),
    limits: limits.flatMap((limit) => [
      ...(limit.limit == null ? [] : [{ value: limit.limit, lower: false, limit }]),
      ...(limit.lower == null ? [] : [{ value: limit.lower, lower: true, limit }]),
    ]),
    converted,
    latest: readings.items.at(-1) ?? null,
  };
}

function withHoles(points: Point[]): [number, number | null][] {
  const steps = points.slice(1).map(([at], index) => at - (points[index]?.[0] ?? at));
  const usual = [...steps].sort((a, b) => a - b)[Math.floor(steps.length / 2)] ?? 0;
  return points.flatMap((point, index): [number, number | null][] => {
    const before = points[index - 1];
    return before && point[0] - before[0] > HOLE_STEPS * usual ? [[before[0] + usual, null], point] : [point];
  });
}
