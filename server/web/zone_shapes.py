"""Zones as the API takes and gives them."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field

from farwatch.domain.registry import Zone
from farwatch.storage.drawn_zones import Drawn
from server.registry.cells import Identifier
from server.registry.shapes import crosses_itself
from server.web.errors import ApiError

ZONES_MAX = 20
POINTS_MIN, POINTS_MAX = 3, 40
LEAST_AREA = 1e-4
"""A hundredth of the width by a hundredth of the height: less is a slip of the finger."""
_DIGITS = 4

Share = Annotated[float, Field(ge=0, le=1)]


class ZoneBody(BaseModel):
    """`polygon` in shares of the picture's width and height, from the left top."""

    name: str
    purpose: str
    polygon: list[tuple[float, float]]


class NewZone(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: Identifier
    purpose: Literal["ground", "sky", "stack", "mask"]
    polygon: Annotated[list[tuple[Share, Share]], Field(min_length=POINTS_MIN, max_length=POINTS_MAX)]


class NewZones(BaseModel):
    """All zones that the camera is to have. `version` is that of the zones they were drawn over."""

    model_config = ConfigDict(extra="forbid")

    version: Annotated[str, Field(max_length=64)]
    zones: Annotated[list[NewZone], Field(max_length=ZONES_MAX)]


class DrawnBody(BaseModel):
    """Who drew in the console, and when; an import of files leaves such zones alone."""

    by: str
    at: datetime


class ZonesBody(BaseModel):
    version: str
    drawn: DrawnBody | None
    zones: list[ZoneBody]


def zone_bodies(zones: Sequence[Zone]) -> list[ZoneBody]:
    return [ZoneBody(name=z.name, purpose=z.purpose, polygon=list(z.polygon)) for z in zones]


def zones_body(zones: Sequence[Zone], drawn: Drawn | None) -> ZonesBody:
    return ZonesBody(
        version=version_of(zones),
        drawn=DrawnBody(by=drawn.by, at=drawn.at) if drawn else None,
        zones=zone_bodies(zones),
    )


def version_of(zones: Sequence[Zone]) -> str:
    """Changes with any zone of the camera, and with nothing else of the registry."""
    content = sorted((z.name, z.purpose, z.polygon) for z in zones)
    return hashlib.sha256(orjson.dumps(content)).hexdigest()[:16]


def zones_of(camera: str, wanted: Sequence[NewZone]) -> list[Zone]:
    """Raises ApiError for names that come twice and for points that enclose nothing or cross themselves."""
    zones: dict[str, Zone] = {}
    for new in wanted:
        points = tuple((round(x, _DIGITS), round(y, _DIGITS)) for x, y in new.polygon)
        if new.name in zones:
            raise ApiError(422, "zone_twice", {"zone": new.name})
        if crosses_itself(points):
            raise ApiError(422, "zone_crosses_itself", {"zone": new.name})
        if _area(points) < LEAST_AREA:
            raise ApiError(422, "zone_too_small", {"zone": new.name})
        zones[new.name] = Zone(camera=camera, name=new.name, purpose=new.purpose, polygon=points)
    return list(zones.values())


def _area(points: Sequence[tuple[float, float]]) -> float:
    """Of the picture, 0 to 1 (the shoelace rule)."""
    following = [*points[1:], points[0]]
    return abs(sum(x * y2 - x2 * y for (x, y), (x2, y2) in zip(points, following, strict=True))) / 2
