/** What can be done to a list of zones, and what is wrong with one. Pure: every deed gives a new list. */

import type { Point, Purpose, Zone } from "@/api/cameraTypes";
import { area, clamped, crossesItself, LEAST_AREA, moved, POINTS_MAX, POINTS_MIN, ZONES_MAX } from "./geometry";

export type Zones = readonly Zone[];

const A_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.:@-]{0,63}$/u;

const changed = (zones: Zones, at: number, change: (zone: Zone) => Zone): Zone[] => zones.map((zone, i) => (i === at ? change(zone) : zone));

const reshaped = (zones: Zones, at: number, shape: (polygon: readonly Point[]) => readonly Point[]): Zone[] =>
  changed(zones, at, (zone) => ({ ...zone, polygon: shape(zone.polygon) }));

export const movePoint = (zones: Zones, at: number, point: number, to: Point): Zone[] =>
  reshaped(zones, at, (polygon) => polygon.map((old, i) => (i === point ? clamped(to) : old)));

/** Between `point` and the one after it. */
export const insertPoint = (zones: Zones, at: number, point: number, where: Point): Zone[] =>
  reshaped(zones, at, (polygon) => (polygon.length < POINTS_MAX ? [...polygon.slice(0, point + 1), clamped(where), ...polygon.slice(point + 1)] : polygon));

/** The last three points stay. */
export const removePoint = (zones: Zones, at: number, point: number): Zone[] =>
  reshaped(zones, at, (polygon) => (polygon.length > POINTS_MIN ? polygon.filter((_, i) => i !== point) : polygon));

export const moveZone = (zones: Zones, at: number, by: Point): Zone[] => reshaped(zones, at, (polygon) => moved(polygon, by));

export const rename = (zones: Zones, at: number, name: string): Zone[] => changed(zones, at, (zone) => ({ ...zone, name: name.trim() }));

export const repurpose = (zones: Zones, at: number, purpose: Purpose): Zone[] => changed(zones, at, (zone) => ({ ...zone, purpose }));

export const removeZone = (zones: Zones, at: number): Zone[] => zones.filter((_, i) => i !== at);

/** `called` is what such zones are called here; a number makes it a name. */
export function addZone(zones: Zones, purpose: Purpose, polygon: readonly Point[], called: string): Zone[] {
  return [...zones, { name: freeName(zones, called), purpose, polygon: polygon.map(clamped) }];
}

/** `地面1`, else `地面2` and so on. */
export function freeName(zones: Zones, called: string): string {
  const taken = new Set(zones.map(({ name }) => name));
  let n = 1;
  while (taken.has(`${called}${n}`)) n += 1;
  return `${called}${n}`;
}

export type Problem = "zone_name" | "zone_twice" | "zone_crosses_itself" | "zone_too_small" | "zone_too_many_points";

export function problemOf(zones: Zones, at: number): Problem | null {
  const zone = zones[at];
  if (!zone) return null;
  if (!A_NAME.test(zone.name)) return "zone_name";
  if (zones.some(({ name }, i) => i !== at && name === zone.name)) return "zone_twice";
  if (zone.polygon.length > POINTS_MAX) return "zone_too_many_points"; // files may have more
  if (crossesItself(zone.polygon)) return "zone_crosses_itself";
  return area(zone.polygon) < LEAST_AREA ? "zone_too_small" : null;
}

export const isFull = (zones: Zones): boolean => zones.length >= ZONES_MAX;

/** The order of a list and of points' digits is no difference. */
export function isSame(one: Zones, other: Zones): boolean {
  const said = (zones: Zones): string => JSON.stringify([...zones].sort((a, b) => (a.name < b.name ? -1 : 1)).map(({ name, purpose, polygon }) => [name, purpose, polygon.map(clamped)]));
  return said(one) === said(other);
}
