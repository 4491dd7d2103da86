"""Where things are: WGS-84 positions, distances and areas."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

EARTH_RADIUS_M = 6_371_008.8  # mean radius of the WGS-84 ellipsoid, IUGG


@dataclass(frozen=True, slots=True)
class Position:
    """A WGS-84 position in degrees; `accuracy_m` is the 68 % radius a device claims, None when unknown."""

    lat: float
    lon: float
    accuracy_m: float | None = None

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise ValueError(f"not a WGS-84 position: {self.lat}, {self.lon}")


def distance_m(a: Position, b: Position) -> float:
    """Great-circle distance (haversine) in metres."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat = math.sin((lat_b - lat_a) / 2)
    half_lon = math.sin(math.radians(b.lon - a.lon) / 2)
    h = half_lat**2 + math.cos(lat_a) * math.cos(lat_b) * half_lon**2
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def ring_contains(ring: Sequence[Sequence[float]], x: float, y: float) -> bool:
    """Even-odd rule: is (x, y) inside the closed ring of [x, y] points? Points on an edge may go either way."""
    inside = False
    j = len(ring) - 1
    for i, (xi, yi, *_) in enumerate(ring):
        xj, yj = ring[j][0], ring[j][1]
        if (yi > y) != (yj > y) and x < (xj - xi) * (y - yi) / (yj - yi) + xi:
            inside = not inside
        j = i
    return inside


@dataclass(frozen=True, slots=True)
class Area:
    """Polygons with holes, as GeoJSON MultiPolygon coordinates: [polygon][ring][point][lon, lat]."""

    polygons: tuple[tuple[tuple[tuple[float, float], ...], ...], ...]

    def contains(self, at: Position) -> bool:
        return any(
            ring_contains(rings[0], at.lon, at.lat)
            and not any(ring_contains(hole, at.lon, at.lat) for hole in rings[1:])
            for rings in self.polygons
        )
