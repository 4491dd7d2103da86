/** Polygons in shares of a picture. Pure; the server holds the same rules. */

import type { Point } from "@/api/cameraTypes";

export const POINTS_MIN = 3;
export const POINTS_MAX = 40;
export const ZONES_MAX = 20;
/** A hundredth of the width by a hundredth of the height: less is a slip of the finger. */
export const LEAST_AREA = 1e-4;

const within = (share: number): number => Math.min(1, Math.max(0, share));

/** The nearest point of the picture, to the server's four digits. */
export const clamped = ([x, y]: Point): Point => [Math.round(within(x) * 1e4) / 1e4, Math.round(within(y) * 1e4) / 1e4];

export const midpoint = ([ax, ay]: Point, [bx, by]: Point): Point => [(ax + bx) / 2, (ay + by) / 2];

function* edges(polygon: readonly Point[]): Generator<[Point, Point]> {
  for (const [i, from] of polygon.entries()) {
    const to = polygon[(i + 1) % polygon.length];
    if (to) yield [from, to];
  }
}

/** The shoelace rule. */
export function area(polygon: readonly Point[]): number {
  let twice = 0;
  for (const [[ax, ay], [bx, by]] of edges(polygon)) twice += ax * by - bx * ay;
  return Math.abs(twice) / 2;
}

const side = (a: Point, b: Point, c: Point): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);

/** Do two edges that are not neighbours properly cross? */
export function crossesItself(polygon: readonly Point[]): boolean {
  const all = [...edges(polygon)];
  return all.some(([a, b], i) =>
    all.some(([c, d], j) => {
      if (j < i + 2 || (i === 0 && j === all.length - 1)) return false;
      return side(a, b, c) * side(a, b, d) < 0 && side(c, d, a) * side(c, d, b) < 0;
    }),
  );
}

/** The whole polygon moved, as far as it stays in the picture. */
export function moved(polygon: readonly Point[], [dx, dy]: Point): Point[] {
  const xs = polygon.map(([x]) => x);
  const ys = polygon.map(([, y]) => y);
  const x = Math.min(1 - Math.max(...xs), Math.max(-Math.min(...xs), dx));
  const y = Math.min(1 - Math.max(...ys), Math.max(-Math.min(...ys), dy));
  return polygon.map(([px, py]) => clamped([px + x, py + y]));
}
