/** The city's things as GeoJSON. Pure. */

import type { GridCollection } from "@/api/client";
import type { Camera, LatLon, Officer, Station } from "@/api/types";
import { t } from "@/i18n";

type Features = GeoJSON.FeatureCollection;
type Properties = Record<string, string | number | boolean | null>;

const collection = (features: GeoJSON.Feature[]): Features => ({ type: "FeatureCollection", features });

const point = (at: LatLon, properties: Properties): GeoJSON.Feature => ({
  type: "Feature",
  geometry: { type: "Point", coordinates: [at.lon, at.lat] },
  properties,
});

/** No reading for this long: a station counts as silent. */
const SILENT_AFTER_MS = 10 * 60_000;

export type StationState = "normal" | "over" | "silent";

export function stationState(station: Station, nowMs: number): StationState {
  let heard = false;
  for (const { latest, limits } of station.channels) {
    if (!latest || nowMs - Date.parse(latest.ts) > SILENT_AFTER_MS) continue;
    heard = true;
    const limit = limits.find((one) => one.kind === latest.kind);
    const value = limit?.converted ? (latest.converted ?? latest.value) : latest.value;
    if (limit?.limit != null && latest.flag === "N" && value > limit.limit) return "over";
  }
  return heard ? "normal" : "silent";
}

export function stationFeatures(stations: Station[], nowMs: number): Features {
  return collection(
    stations.map((one) => point(one.place, { id: one.mn, name: one.name, icon: `station-${stationState(one, nowMs)}` })),
  );
}

export function cameraFeatures(cameras: Camera[]): Features {
  return collection(
    cameras.map((one) =>
      point(one.place, {
        id: one.id,
        name: one.name,
        heading: one.heading_deg ?? 0,
        icon: `camera-${one.state}${one.heading_deg === null ? "" : "-cone"}`,
      }),
    ),
  );
}

/** A position that is not of this moment says how old it is. */
function aged({ name, place }: Officer): string {
  const minutes = Math.floor((place?.age_s ?? 0) / 60);
  return minutes < 3 ? name : t("map.minutes_ago", { name, minutes });
}

export function officerFeatures(officers: Officer[]): Features {
  const placed = officers.filter((one) => one.place && (one.on_shift || one.open_tasks > 0));
  return collection(placed.map((one) => point(one.place as LatLon, { id: one.id, name: aged(one), busy: one.open_tasks > 0 })));
}

/** Neighbouring grids in two tones, so that their borders read from across a room. */
export function gridFeatures(grids: GridCollection): Features {
  return collection(grids.features.map((one, n) => ({ ...one, properties: { ...one.properties, even: n % 2 === 0 } })));
}

function outerRings(geometry: GeoJSON.Polygon | GeoJSON.MultiPolygon): GeoJSON.Position[][] {
  const polygons = geometry.type === "Polygon" ? [geometry.coordinates] : geometry.coordinates;
  return polygons.flatMap((rings) => (rings[0] ? [rings[0]] : []));
}

export interface Box {
  west: number;
  south: number;
  east: number;
  north: number;
}

function boxOf(points: Iterable<GeoJSON.Position>): Box | null {
  const box = { west: Infinity, south: Infinity, east: -Infinity, north: -Infinity };
  for (const [lon, lat] of points) {
    if (lon === undefined || lat === undefined) continue;
    box.west = Math.min(box.west, lon);
    box.east = Math.max(box.east, lon);
    box.south = Math.min(box.south, lat);
    box.north = Math.max(box.north, lat);
  }
  return box.west <= box.east ? box : null;
}

export function gridNameFeatures(grids: GridCollection): Features {
  return collection(
    grids.features.flatMap((one) => {
      const box = boxOf(outerRings(one.geometry).flat());
      return box ? [point({ lat: (box.south + box.north) / 2, lon: (box.west + box.east) / 2 }, { name: one.properties.name })] : [];
    }),
  );
}

/** What the whole city takes up; null when there is nothing yet. */
export function cityBox(grids: GridCollection, places: LatLon[]): Box | null {
  const points = grids.features.flatMap((one) => outerRings(one.geometry).flat());
  return boxOf([...points, ...places.map((at) => [at.lon, at.lat])]);
}
