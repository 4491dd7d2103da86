import type { LatLon } from "@/api/types";

const EARTH_RADIUS_M = 6_371_008.8; // mean radius of the WGS-84 ellipsoid, IUGG

/** Great-circle distance (haversine) in metres. */
export function distanceM(a: LatLon, b: LatLon): number {
  const radians = (degrees: number): number => (degrees * Math.PI) / 180;
  const halfLat = Math.sin(radians(b.lat - a.lat) / 2);
  const halfLon = Math.sin(radians(b.lon - a.lon) / 2);
  const h = halfLat ** 2 + Math.cos(radians(a.lat)) * Math.cos(radians(b.lat)) * halfLon ** 2;
  return 2 * EARTH_RADIUS_M * Math.asin(Math.min(1, Math.sqrt(h)));
}

/** `80 m`, `1.2 km`, `23 km` */
export function formatDistance(metres: number): string {
  if (metres < 1000) return `${Math.round(metres / 10) * 10}\u00a0m`;
  return metres < 10_000 ? `${(metres / 1000).toFixed(1)}\u00a0km` : `${Math.round(metres / 1000)}\u00a0km`;
}
