"""Stations and their channels, with the limits in force, the latest readings, and how their devices are heard."""

from collections import defaultdict
from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Channel, Limit, Registry, Station
from farwatch.storage import curves, reading_views
from farwatch.storage.database import Record
from server.web.authentication import SignedIn
from server.web.context import WebContext
from server.web.errors import errors
from server.web.shapes import Listing, Named, Point, enterprise_named

router = APIRouter(prefix="/api/v1", tags=["city"])


class LimitBody(BaseModel):
    """`limit` is null where a channel is measured and has none; `converted`: it is the converted value that counts.
    `schedule` is `HH:MM-HH:MM` in Asia/Shanghai, empty: always. `unverified`: not yet compared with the standard's text."""

    kind: ReadingKind
    limit: float | None
    lower: float | None
    converted: bool
    schedule: str
    source: str
    unverified: bool


class LatestReading(BaseModel):
    ts: datetime
    kind: ReadingKind
    value: float
    converted: float | None
    flag: str


class ChannelBody(BaseModel):
    """`registered` false: the station was heard to send it, nobody has entered it in the registry."""

    code: str
    unit: str
    role: str
    registered: bool
    limits: list[LimitBody]
    latest: LatestReading | None


class ClockBody(BaseModel):
    """How far the station's clock is behind (positive) or ahead of ours, by its live messages."""

    offset_s: float
    spread_s: float
    measured_at: datetime


class LinkBody(BaseModel):
    """How the last HJ 212 frame came: `way` tcp or mqtt, `dialect` 2005, 2017 or 2025, which checksum matched."""

    way: str
    dialect: int
    checksum: str
    heard_at: datetime


class StationBody(BaseModel):
    mn: str
    name: str
    enterprise: Named
    medium: str
    place: Point
    drill: bool
    o2_reference_percent: float | None
    clock: ClockBody | None
    link: LinkBody | None
    channels: list[ChannelBody]


@router.get("/stations", responses=errors(401))
async def stations(web: WebContext, _: SignedIn) -> Listing[StationBody]:
    registry, now = await web.registry.current(), web.deps.clock.now()
    latest, heard = await curves.latest(web.pool), await reading_views.heard(web.pool)
    channels: dict[str, list[ChannelBody]] = defaultdict(list)
    for key, channel in registry.channels.items():
        limits = in_force(registry.limits.get(key, ()), now)
        channels[channel.mn].append(_channel(channel, limits, latest.get(key)))
    return Listing(
        items=[_station(s, registry, channels[s.mn], heard.get(s.mn)) for s in registry.stations.values()]
    )


def in_force(limits: tuple[Limit, ...], now: datetime) -> list[LimitBody]:
    """By validity period; of schedules, all."""
    return [
        LimitBody(
            kind=x.kind,
            limit=x.limit,
            lower=x.lower,
            converted=x.converted,
            schedule=x.schedule,
            source=x.source,
            unverified=x.unverified,
        )
        for x in limits
        if x.valid_from <= now and (x.valid_to is None or now < x.valid_to)
    ]


def _channel(channel: Channel, limits: list[LimitBody], latest: Record | None) -> ChannelBody:
    return ChannelBody(
        code=channel.code,
        unit=channel.unit,
        role=channel.role,
        registered=channel.registered,
        limits=limits,
        latest=LatestReading.model_validate(dict(latest)) if latest else None,
    )


def _station(
    station: Station, registry: Registry, channels: list[ChannelBody], heard: Record | None
) -> StationBody:
    device = dict(heard) if heard else {}
    return StationBody(
        mn=station.mn,
        name=station.name,
        enterprise=enterprise_named(registry, station.enterprise),
        medium=station.medium,
        place=Point(lat=station.place.lat, lon=station.place.lon),
        drill=station.drill,
        o2_reference_percent=station.o2_reference_percent,
        clock=ClockBody.model_validate(device) if device.get("measured_at") else None,
        link=LinkBody.model_validate(device) if device.get("heard_at") else None,
        channels=channels,
    )
