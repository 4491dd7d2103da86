"""The city's registry as rows: what is active now, and the policy in force."""

from collections import defaultdict
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

from farwatch.domain.place import Area, Position
from farwatch.domain.policy import SHIPPED, Policy
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import (
    Attendance,
    Camera,
    Channel,
    CrcPolicy,
    Enterprise,
    Grid,
    Limit,
    Officer,
    ReaderKind,
    Registry,
    Station,
    Team,
    Transport,
    Zone,
)
from farwatch.domain.review import Mark
from farwatch.storage import policy_toml
from farwatch.storage.database import Connection, Record


async def version(connection: Connection) -> int:
    """Grows with every import that changed something; a running service looks at it and loads anew."""
    return int(await connection.fetchval("SELECT version FROM registry_version"))


async def state(connection: Connection) -> tuple[int, int]:
    """The version and the newest channel: one that a station was only heard to send is not an import's, and yet in `load`."""
    row = await connection.fetchrow(
        "SELECT version, (SELECT coalesce(max(id), 0) FROM channels) AS newest FROM registry_version"
    )
    assert row is not None
    return row["version"], row["newest"]


async def load_policy(connection: Connection) -> Policy:
    """The newest imported policy, or the shipped one. Raises PolicyError if an older program cannot read it."""
    toml = await policy_text(connection)
    return SHIPPED if toml is None else policy_toml.parse(toml)


async def policy_text(connection: Connection) -> str | None:
    """The newest imported policy.toml as the bureau wrote it; None when the shipped policy is in force."""
    toml: str | None = await connection.fetchval("SELECT toml FROM policies ORDER BY id DESC LIMIT 1")
    return toml


@dataclass(frozen=True, slots=True)
class WatchedCity:
    """As much of the registry as a camera worker may read."""

    version: int
    cameras: Mapping[str, Camera]
    zones: Mapping[str, tuple[Zone, ...]]


async def load_cameras(connection: Connection) -> WatchedCity:
    """Active cameras and zones in one snapshot."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return WatchedCity(
            await version(connection),
            {r["id"]: _camera(r) for r in await connection.fetch(_CAMERAS, False)},
            _zones(await connection.fetch(_ZONES, False)),
        )


async def load(connection: Connection, *, inactive: bool = False) -> Registry:
    """All active rows in one snapshot, with `inactive` also what was deactivated.

    Inside a caller's transaction that transaction's own isolation holds.
    """
    async with AsyncExitStack() as stack:
        if not connection.is_in_transaction():
            await stack.enter_async_context(
                connection.transaction(isolation="repeatable_read", readonly=True)
            )
        return await _load(connection, inactive)


async def zones_of(connection: Connection, camera: str) -> list[Zone]:
    """The active zones of one camera."""
    rows = await connection.fetch(
        "SELECT camera, name, purpose, polygon FROM zones WHERE active AND camera = $1 ORDER BY name", camera
    )
    return list(_zones(rows).get(camera, ()))


async def _load(connection: Connection, inactive: bool) -> Registry:
    async def rows(sql: str) -> list[Record]:
        found: list[Record] = await connection.fetch(sql, inactive)
        return found

    return Registry(
        version=await version(connection),
        enterprises={r["id"]: _enterprise(r) for r in await rows(_ENTERPRISES)},
        stations={r["mn"]: _station(r) for r in await rows(_STATIONS)},
        channels={(r["mn"], r["code"]): Channel(**r) for r in await rows(_CHANNELS)},
        limits=_limits(await rows(_LIMITS)),
        marks=_marks(await connection.fetch(_MARKS)),
        cameras={r["id"]: _camera(r) for r in await rows(_CAMERAS)},
        zones=_zones(await rows(_ZONES)),
        grids={r["id"]: _grid(r) for r in await rows(_GRIDS)},
        teams={r["id"]: Team(id=r["id"], name=r["name"], lead=r["lead"]) for r in await rows(_TEAMS)},
        officers={r["id"]: _officer(r) for r in await rows(_OFFICERS)},
    )


_ENTERPRISES = """SELECT id, name, lat, lon, contact_name, contact_phone, contact_channel
  FROM enterprises WHERE active OR $1 ORDER BY id"""
_STATIONS = """SELECT mn, enterprise, name, lat, lon, medium, drill, crc, credential, source, minute_interval_min,
    o2_reference_percent, certificate, certificate_until, calibrated_on
  FROM stations WHERE active OR $1 ORDER BY mn"""
_CHANNELS = """SELECT c.mn, c.code, c.unit, c.range_low, c.range_high, c.role, c.registered
  FROM channels c JOIN stations s ON s.mn = c.mn WHERE (c.active AND s.active) OR $1 ORDER BY c.mn, c.code"""
_LIMITS = """SELECT c.mn, c.code, c.unit, l.kind, l.limit_value, l.converted, l.warn_share, l.valid_from, l.valid_to,
    l.lower_value, l.schedule, l.source, l.unverified
  FROM channels c JOIN limits l ON l.channel_id = c.id JOIN stations s ON s.mn = c.mn
  WHERE (c.active AND s.active) OR $1 ORDER BY c.mn, c.code, l.kind, l.schedule, l.valid_from"""
_MARKS = """SELECT mn, code, label, from_at, to_at, declared_at FROM marks
  WHERE withdrawn_at IS NULL AND to_at > now() - interval '400 days' ORDER BY mn, from_at, id"""
"""As far back as readings are taken (farwatch.domain.reading.OLDEST)."""
_CAMERAS = """SELECT id, name, enterprise, lat, lon, heading_deg, url, credential, drill, transport, reader,
    watch, ptz, start_url, stop_url, start_key, start_credential, certificate, certificate_until, calibrated_on
  FROM cameras WHERE active OR $1 ORDER BY id"""
_ZONES = """SELECT z.camera, z.name, z.purpose, z.polygon FROM zones z JOIN cameras c ON c.id = z.camera
  WHERE (z.active AND c.active) OR $1 ORDER BY z.camera, z.name"""
_GRIDS = "SELECT id, name, team, geometry, street FROM grids WHERE active OR $1 ORDER BY id"
_TEAMS = "SELECT id, name, lead FROM teams WHERE active OR $1 ORDER BY id"
_OFFICERS = """SELECT id, name, team, phone, lat, lon, shift, skills, contact_channel, badge
  FROM officers WHERE active OR $1 ORDER BY id"""


def _enterprise(row: Record) -> Enterprise:
    return Enterprise(
        id=row["id"],
        name=row["name"],
        place=Position(row["lat"], row["lon"]),
        contact_name=row["contact_name"],
        contact_phone=row["contact_phone"],
        contact_channel=row["contact_channel"],
    )


def _station(row: Record) -> Station:
    return Station(
        mn=row["mn"],
        enterprise=row["enterprise"],
        name=row["name"],
        place=Position(row["lat"], row["lon"]),
        medium=row["medium"],
        drill=row["drill"],
        crc=CrcPolicy(row["crc"]),
        credential=row["credential"],
        source=row["source"],
        minute_interval_min=row["minute_interval_min"],
        o2_reference_percent=row["o2_reference_percent"],
        certificate=row["certificate"],
        certificate_until=row["certificate_until"],
        calibrated_on=row["calibrated_on"],
    )


def _limits(rows: list[Record]) -> dict[tuple[str, str], tuple[Limit, ...]]:
    periods: dict[tuple[str, str], list[Limit]] = defaultdict(list)
    for row in rows:
        limit = Limit(
            mn=row["mn"],
            code=row["code"],
            unit=row["unit"],
            kind=ReadingKind(row["kind"]),
            limit=row["limit_value"],
            converted=row["converted"],
            warn_share=row["warn_share"],
            valid_from=row["valid_from"],
            valid_to=row["valid_to"],
            lower=row["lower_value"],
            schedule=row["schedule"],
            source=row["source"],
            unverified=row["unverified"],
        )
        periods[row["mn"], row["code"]].append(limit)
    return {channel: tuple(limits) for channel, limits in periods.items()}


def _marks(rows: list[Record]) -> dict[str, tuple[Mark, ...]]:
    marks: dict[str, list[Mark]] = defaultdict(list)
    for row in rows:
        columns = dict(row)
        marks[columns.pop("mn")].append(Mark(**columns))
    return {mn: tuple(found) for mn, found in marks.items()}


def _camera(row: Record) -> Camera:
    return Camera(
        id=row["id"],
        name=row["name"],
        enterprise=row["enterprise"],
        place=Position(row["lat"], row["lon"]),
        heading_deg=row["heading_deg"],
        url=row["url"],
        credential=row["credential"],
        drill=row["drill"],
        transport=Transport(row["transport"]),
        reader=ReaderKind(row["reader"]),
        watch=Attendance(row["watch"]),
        ptz=row["ptz"],
        start_url=row["start_url"],
        stop_url=row["stop_url"],
        start_key=row["start_key"],
        start_credential=row["start_credential"],
        certificate=row["certificate"],
        certificate_until=row["certificate_until"],
        calibrated_on=row["calibrated_on"],
    )


def _zones(rows: list[Record]) -> dict[str, tuple[Zone, ...]]:
    zones: dict[str, list[Zone]] = defaultdict(list)
    for row in rows:
        points = tuple((float(x), float(y)) for x, y in row["polygon"])
        zones[row["camera"]].append(
            Zone(camera=row["camera"], name=row["name"], purpose=row["purpose"], polygon=points)
        )
    return {camera: tuple(found) for camera, found in zones.items()}


def _grid(row: Record) -> Grid:
    polygons = tuple(
        tuple(tuple((float(lon), float(lat)) for lon, lat in ring) for ring in rings)
        for rings in row["geometry"]["coordinates"]
    )
    return Grid(id=row["id"], name=row["name"], team=row["team"], area=Area(polygons), street=row["street"])


def _officer(row: Record) -> Officer:
    return Officer(
        id=row["id"],
        name=row["name"],
        team=row["team"],
        phone=row["phone"],
        place=Position(row["lat"], row["lon"]),
        shift=row["shift"],
        skills=frozenset(row["skills"]),
        contact_channel=row["contact_channel"],
        badge=row["badge"],
    )
