"""Polygons: zones in a camera's picture (zones.json) and grids on the map (grids.geojson)."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from farwatch.domain.place import Area
from farwatch.domain.registry import Grid, Zone
from server.registry.cells import Identifier, Name, Text, narrow

Point = tuple[float, float]
_CAN_CROSS_POINTS = 400
"""Rings with more points are not searched for crossings: the search is quadratic."""


class _Shape(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


def _share_point(point: object) -> Point:
    x, y = _pair(point, "[x, y]")
    if max(x, y) > 1 and min(x, y) >= 0:
        raise ValueError(f"[{x:g}, {y:g}] is not in shares of width and height, 0 to 1 (pixels or percent?)")
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise ValueError(f"[{x:g}, {y:g}] is outside the picture, 0 to 1")
    return x, y


def _map_point(point: object) -> Point:
    if isinstance(point, list | tuple) and len(point) == 3:
        point = point[:2]  # RFC 7946 allows an altitude
    lon, lat = _pair(point, "[lon, lat]")
    if not (-180 <= lon <= 180 and -90 <= lat <= 90):
        hint = ": lon comes first" if -90 <= lon <= 90 and -180 <= lat <= 180 else ""
        raise ValueError(f"[{lon:g}, {lat:g}] is not a WGS-84 position{hint}")
    return lon, lat


def _pair(point: object, shape: str) -> Point:
    if not isinstance(point, list | tuple) or len(point) != 2:
        raise ValueError(f"a point must be {shape}")
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in point):
        raise ValueError(f"a point must be two numbers, {shape}")
    return float(point[0]), float(point[1])


def _open_ring(column: str, points: list[Point]) -> list[Point]:
    """Without the repeated last point, and with three corners at least."""
    corners = points[:-1] if len(points) > 1 and points[0] == points[-1] else points
    if len(set(corners)) < 3:
        raise ValueError(f"{column}: needs three different points at least")
    return corners


SharePoint = Annotated[Any, BeforeValidator(_share_point)]
MapPoint = Annotated[Any, BeforeValidator(_map_point)]


def _purpose(value: object) -> str:
    return narrow(value).lower()


class ZoneItem(_Shape):
    camera: Identifier
    name: Identifier
    purpose: Annotated[Literal["ground", "sky", "stack", "mask"], BeforeValidator(_purpose)]
    polygon: list[SharePoint]

    def value(self) -> Zone:
        """Raises ValueError when the points are no polygon."""
        points = tuple(_open_ring("polygon", self.polygon))
        if crosses_itself(points):
            raise ValueError("polygon: crosses itself: are its points in order?")
        return Zone(camera=self.camera, name=self.name, purpose=self.purpose, polygon=points)


class _Properties(_Shape):
    model_config = ConfigDict(extra="ignore")  # drawing programs add their own: stroke, fill, area

    id: Identifier
    name: Name
    team: Identifier
    street: Text = ""


class _Polygon(_Shape):
    model_config = ConfigDict(extra="ignore")

    type: Literal["Polygon"]
    coordinates: Annotated[list[list[MapPoint]], Field(min_length=1)]


class _MultiPolygon(_Shape):
    model_config = ConfigDict(extra="ignore")

    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Annotated[list[list[MapPoint]], Field(min_length=1)]], Field(min_length=1)]


class GridFeature(_Shape):
    model_config = ConfigDict(extra="ignore")  # an id or bbox of the feature

    type: Literal["Feature"]
    properties: _Properties
    geometry: Annotated[_Polygon | _MultiPolygon, Field(discriminator="type")]

    def value(self) -> Grid:
        """Rings come out closed, as GeoJSON wants them. Raises ValueError when one is no polygon."""
        geometry = self.geometry
        polygons = [geometry.coordinates] if isinstance(geometry, _Polygon) else geometry.coordinates
        area = Area(tuple(tuple(_closed_ring(ring) for ring in rings) for rings in polygons))
        of = self.properties
        return Grid(id=of.id, name=of.name, team=of.team, area=area, street=of.street)


def _closed_ring(points: list[Point]) -> tuple[Point, ...]:
    corners = _open_ring("geometry", points)
    if crosses_itself(corners):
        raise ValueError("geometry: a ring crosses itself: are its points in order?")
    return (*corners, corners[0])


def crosses_itself(corners: list[Point] | tuple[Point, ...]) -> bool:
    """Do two edges that are not neighbours properly cross? Always no for more than 400 corners."""
    count = len(corners)
    if count > _CAN_CROSS_POINTS:
        return False
    edges = [(corners[i], corners[(i + 1) % count]) for i in range(count)]
    return any(
        _cross(*edges[i], *edges[j])
        for i in range(count)
        for j in range(i + 2, count)
        if (i, j) != (0, count - 1)
    )


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    return _side(a, b, c) * _side(a, b, d) < 0 and _side(c, d, a) * _side(c, d, b) < 0


def _side(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
