"""Stations and their channels, with the limits in force and the latest readings."""

from collections import defaultdict
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Limit, Registry, Station
from farwatch.storage import curves
from farwatch.storage.database import Record
from server.web.authentication import SignedIn
from server.web.context import WebContext
from server.web.errors import errors
from server.web.shapes import Listing, Named, Point, enterprise_named

router = APIRouter(prefix="/api/v1", tags=["city"])


class LimitBody(BaseModel):
    """`limit` is null where a channel is measured and has none; `converted`: it is the converted value that counts."""

    kind: ReadingKind
    limit: float | None
    converted: bool


class LatestReading(BaseModel):
    ts: datetime
    kind: ReadingKind
    value: float
    converted: float | None
    flag: str


class ChannelBody(BaseModel):
    code: str
    unit: str
    limits: list[LimitBody]
    latest: LatestReading | None


class StationBody(BaseModel):
    mn: str
    name: str
    enterprise: Named
    medium: str
    place: Point
    drill: bool
    channels: list[ChannelBody]


@router.get("/stations", responses=errors(401))
async def stations(web: WebContext, _: SignedIn) -> Listing[StationBody]:
    registry, now = await web.registry.current(), web.deps.clock.now()
    latest = await curves.latest(web.pool)
    channels: dict[str, list[ChannelBody]] = defaultdict(list)
    for (mn, code), limits in registry.limits.items():
        channels[mn].append(_channel(code, limits, latest.get((mn, code)), now))
    return Listing(items=[_station(s, registry, channels[s.mn]) for s in registry.stations.values()])


def in_force(limits: tuple[Limit, ...], now: datetime) -> list[LimitBody]:
    return [
        LimitBody(kind=x.kind, limit=x.limit, converted=x.converted)
        for x in limits
        if x.valid_from <= now and (x.valid_to is None or now < x.valid_to)
    ]


def _channel(code: str, limits: tuple[Limit, ...], latest: Record | None, now: datetime) -> ChannelBody:
    newest = LatestReading.model_validate(dict(latest)) if latest else None
    return ChannelBody(code=code, unit=limits[-1].unit, limits=in_force(limits, now), latest=newest)


def _station(station: Station, registry: Registry, channels: list[ChannelBody]) -> StationBody:
    return StationBody(
        mn=station.mn,
        name=station.name,
        enterprise=enterprise_named(registry, station.enterprise),
        medium=station.medium,
        place=Point(lat=station.place.lat, lon=station.place.lon),
        drill=station.drill,
        channels=channels,
    )
