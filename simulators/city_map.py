"""The ground of a generated city: six responsible grids that tile an invented district, drawn like real borders."""

import math
import random
from collections.abc import Sequence

from farwatch.domain.place import Area, Position

COLUMNS, ROWS = 3, 2
ORIGIN = Position(30.2480, 120.1180)  # the south-west corner; the district itself is invented
CELL_LON, CELL_LAT = 0.0240, 0.0230  # about 2.3 km x 2.6 km
METRES_PER_DEGREE = 111_195.0
POINTS_PER_EDGE = 4

Point = tuple[float, float]


def moved(at: Position, *, east_m: float, north_m: float) -> Position:
    """`at` shifted on the plane; good to a metre over a few kilometres."""
    lon = at.lon + east_m / (METRES_PER_DEGREE * math.cos(math.radians(at.lat)))
    return Position(round(at.lat + north_m / METRES_PER_DEGREE, 6), round(lon, 6))


def cell_place(rng: random.Random, cell: int, *, slot: int, slots: int) -> Position:
    """A place well inside grid `cell`; different slots of one cell are hundreds of metres apart."""
    angle = 2 * math.pi * (slot + rng.uniform(-0.12, 0.12)) / max(slots, 1) + cell
    centre = Position(
        ORIGIN.lat + (cell // COLUMNS + 0.5) * CELL_LAT, ORIGIN.lon + (cell % COLUMNS + 0.5) * CELL_LON
    )
    radius_m = rng.uniform(420, 620)
    return moved(centre, east_m=radius_m * math.cos(angle), north_m=radius_m * math.sin(angle))


def grid_areas(rng: random.Random) -> list[Area]:
    """One polygon a cell, row by row from the south-west; neighbours share their border points exactly."""
    corners = {(c, r): _corner(rng, c, r) for r in range(ROWS + 1) for c in range(COLUMNS + 1)}
    edges: dict[tuple[Point, Point], list[Point]] = {}
    for (c, r), start in corners.items():
        for neighbour in ((c + 1, r), (c, r + 1)):
            if neighbour in corners:
                edges[start, corners[neighbour]] = _wander(rng, start, corners[neighbour])
    areas = []
    for r in range(ROWS):
        for c in range(COLUMNS):
            ring = _ring([corners[c, r], corners[c + 1, r], corners[c + 1, r + 1], corners[c, r + 1]], edges)
            areas.append(Area(((tuple(ring),),)))
    return areas


def _corner(rng: random.Random, column: int, row: int) -> Point:
    lon = ORIGIN.lon + (column + rng.uniform(-0.1, 0.1)) * CELL_LON
    lat = ORIGIN.lat + (row + rng.uniform(-0.1, 0.1)) * CELL_LAT
    return round(lon, 6), round(lat, 6)


def _wander(rng: random.Random, start: Point, end: Point) -> list[Point]:
    """The border from start to end, without its last point, as a road or a stream would run."""
    points = [start]
    for i in range(1, POINTS_PER_EDGE):
        share = i / POINTS_PER_EDGE
        lon = start[0] + (end[0] - start[0]) * share + rng.uniform(-0.04, 0.04) * CELL_LON
        lat = start[1] + (end[1] - start[1]) * share + rng.uniform(-0.04, 0.04) * CELL_LAT
        points.append((round(lon, 6), round(lat, 6)))
    return points


def _ring(corners: Sequence[Point], edges: dict[tuple[Point, Point], list[Point]]) -> list[Point]:
    ring: list[Point] = []
    for start, end in zip(corners, [*corners[1:], corners[0]], strict=True):
        forward = edges.get((start, end))
        ring += forward or [start, *reversed(edges[end, start][1:])]
    return [*ring, ring[0]]
