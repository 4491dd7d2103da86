"""Features as GeoJSON (RFC 7946): what each collection says of its own. No person, no note, no picture, no address of a camera."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from farwatch.domain.place import Area, Position
from farwatch.domain.registry import Camera, Grid, Registry, Station
from farwatch.storage.database import Record
from farwatch.storage.features import Box
from server.web.case_numbers import case_number

Feature = dict[str, Any]
Ring = Sequence[tuple[float, float]]


def _feature(name: str | int, geometry: dict[str, Any], properties: dict[str, Any]) -> Feature:
    return {"type": "Feature", "id": name, "geometry": geometry, "properties": properties}


def _point(at: Position) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [at.lon, at.lat]}


_TASK_TIMES = (
    "opened_at", "dispatched_at", "accepted_at", "arrived_at", "handled_at", "verified_at", "closed_at",
)  # fmt: skip


def task_feature(r: Record) -> Feature:
    times = {
        name: r[name].isoformat() if r[name] else None for name in (*_TASK_TIMES, "handle_due_at", "event_at")
    }
    properties = {
        "case": case_number(r["opened_at"], r["id"]), "state": r["state"], "kinds": r["kinds"] or [], "severity": r["severity"],
        "grid": r["grid"], "street": r["street"], "team": r["team"], "enterprise": r["enterprise"],
        "enterprise_name": r["enterprise_name"], "outcome": r["outcome"], "breaches": r["breaches"] or [],
        "reopened_from": r["reopened_from"], "drill": r["drill"], **times,
    }  # fmt: skip
    return _feature(r["id"], _point(Position(r["lat"], r["lon"])), properties)


def station_feature(s: Station, registry: Registry) -> Feature:
    enterprise = registry.enterprises.get(s.enterprise)
    return _feature(
        s.mn,
        _point(s.place),
        {
            "name": s.name,
            "medium": s.medium,
            "enterprise": s.enterprise,
            "enterprise_name": enterprise.name if enterprise else None,
        },
    )


def camera_feature(c: Camera) -> Feature:
    return _feature(
        c.id, _point(c.place), {"name": c.name, "enterprise": c.enterprise, "heading_deg": c.heading_deg}
    )


def grid_feature(g: Grid) -> Feature:
    geometry = {"type": "MultiPolygon", "coordinates": g.area.polygons}
    return _feature(g.id, geometry, {"name": g.name, "team": g.team, "street": g.street or None})


def lies_in(at: Position, box: Box) -> bool:
    west, south, east, north = box
    within = west <= at.lon <= east if west <= east else at.lon >= west or at.lon <= east
    return within and south <= at.lat <= north


def touches(area: Area, box: Box) -> bool:
    """Do they share a point? Also where neither has a corner in the other."""
    west, south, east, north = box
    if west > east:
        return touches(area, (west, south, 180.0, north)) or touches(area, (-180.0, south, east, north))
    corners = [(west, south), (east, south), (east, north), (west, north)]
    if any(area.contains(Position(lat, lon)) for lon, lat in corners):
        return True
    rings = [ring for polygon in area.polygons for ring in polygon]
    if any(west <= lon <= east and south <= lat <= north for ring in rings for lon, lat in ring):
        return True
    square = [*corners, corners[0]]
    return any(_cross(a, b, c, d) for ring in rings for a, b in _edges(ring) for c, d in _edges(square))


def _edges(ring: Ring) -> Iterable[tuple[tuple[float, float], tuple[float, float]]]:
    return pairwise(ring)


def _cross(
    a: tuple[float, float], b: tuple[float, float], c: tuple[float, float], d: tuple[float, float]
) -> bool:
    """Also where they only touch, or one lies on the other: then neither side tells, but the boxes around them do."""
    near = all(min(a[i], b[i]) <= max(c[i], d[i]) and min(c[i], d[i]) <= max(a[i], b[i]) for i in (0, 1))
    return near and _side(a, b, c) * _side(a, b, d) <= 0 and _side(c, d, a) * _side(c, d, b) <= 0


def _side(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def extent(registry: Registry) -> Box | None:
    """The box around all that the registry places."""
    points = [
        (p.lon, p.lat)
        for p in (
            *(s.place for s in registry.stations.values()),
            *(c.place for c in registry.cameras.values()),
        )
    ]
    points += [
        (lon, lat) for g in registry.grids.values() for rings in g.area.polygons for lon, lat in rings[0]
    ]
    if not points:
        return None
    lons, lats = zip(*points, strict=True)
    return min(lons), min(lats), max(lons), max(lats)
