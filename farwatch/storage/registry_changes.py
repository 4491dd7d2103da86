"""What an import writes: additions, changes and deactivations of the registry, in the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from farwatch.domain.registry import Camera, Channel, Enterprise, Grid, Limit, Officer, Station, Team, Zone
from farwatch.storage import events
from farwatch.storage.database import Connection

_LOCK = 0x46415252  # "FARR"


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitsChange:
    """New periods of one channel, kind and schedule. `closes` is the period in force, with its new end.

    Periods that have not begun when `closes` was in force are withdrawn; `opens` has all that come after it.
    """

    mn: str
    code: str
    kind: str
    schedule: str
    closes: Limit | None
    opens: tuple[Limit, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Rows to write (new, changed or active again) and, by table, the keys of rows to deactivate."""

    enterprises: Sequence[Enterprise] = ()
    stations: Sequence[Station] = ()
    channels: Sequence[Channel] = ()
    limits: Sequence[LimitsChange] = ()
    cameras: Sequence[Camera] = ()
    zones: Sequence[Zone] = ()
    grids: Sequence[Grid] = ()
    teams: Sequence[Team] = ()
    officers: Sequence[Officer] = ()
    deactivated: Mapping[str, Sequence[tuple[str, ...]]] = field(default_factory=dict)
    policy_text: str | None = None


async def lock(connection: Connection) -> None:
    """Waits for any other import; held until the transaction ends."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)


async def apply(connection: Connection, changes: Changes, *, count: int, now: datetime) -> int:
    """Writes the changes, wakes the services and returns the new version. `count` is for the log's event; what is to be reviewed
    anew is due `now`."""
    await _write_places(connection, changes)
    await _write_people(connection, changes)
    await _write_limits(connection, changes.limits, now)
    for table, keys in changes.deactivated.items():
        await _deactivate(connection, table, keys)
    if changes.policy_text is not None:
        await connection.execute("INSERT INTO policies (toml) VALUES ($1)", changes.policy_text)
    version: int = await connection.fetchval(
        "UPDATE registry_version SET version = version + 1, changed_at = clock_timestamp() RETURNING version"
    )
    await events.append(connection, "registry_changed", version=version, changes=count)
    await connection.execute("SELECT pg_notify('farwatch_registry', $1)", str(version))
    return version


_STATION_COLUMNS = (
    "mn", "enterprise", "name", "lat", "lon", "medium", "drill", "crc", "credential", "source", "minute_interval_min",
    "o2_reference_percent", "certificate", "certificate_until", "calibrated_on",
)  # fmt: skip
_CAMERA_COLUMNS = (
    "id", "name", "enterprise", "lat", "lon", "heading_deg", "url", "credential", "drill", "transport", "reader",
    "watch", "ptz", "start_url", "stop_url", "start_key", "start_credential",
    "certificate", "certificate_until", "calibrated_on",
)  # fmt: skip
_OFFICER_COLUMNS = (
    "id", "name", "team", "phone", "lat", "lon", "shift", "skills", "contact_channel", "badge",
)  # fmt: skip
_CHANNEL_COLUMNS = ("mn", "code", "unit", "range_low", "range_high", "role", "registered")


async def _write_places(connection: Connection, changes: Changes) -> None:
    await _upsert(
        connection,
        "enterprises",
        ("id", "name", "lat", "lon", "contact_name", "contact_phone", "contact_channel"),
        1,
        (
            (e.id, e.name, e.place.lat, e.place.lon, e.contact_name, e.contact_phone, e.contact_channel)
            for e in changes.enterprises
        ),
    )
    await _upsert(
        connection,
        "stations",
        _STATION_COLUMNS,
        1,
        (_station_row(s) for s in changes.stations),
    )
    channels = (
        (c.mn, c.code, c.unit, c.range_low, c.range_high, c.role, c.registered) for c in changes.channels
    )
    await _upsert(connection, "channels", _CHANNEL_COLUMNS, 2, channels)
    await _upsert(
        connection,
        "cameras",
        _CAMERA_COLUMNS,
        1,
        (_camera_row(c) for c in changes.cameras),
    )
    zones = ((z.camera, z.name, z.purpose, z.polygon) for z in changes.zones)
    await _upsert(connection, "zones", ("camera", "name", "purpose", "polygon"), 2, zones)


def _station_row(s: Station) -> tuple[object, ...]:
    said = (s.mn, s.enterprise, s.name, s.place.lat, s.place.lon, s.medium, s.drill)
    kept = (s.crc.value, s.credential, s.source, s.minute_interval_min, s.o2_reference_percent)
    return (*said, *kept, s.certificate, s.certificate_until, s.calibrated_on)


def _camera_row(c: Camera) -> tuple[object, ...]:
    said = (c.id, c.name, c.enterprise, c.place.lat, c.place.lon, c.heading_deg, c.url, c.credential)
    kept = (c.drill, c.transport.value, c.reader.value, c.watch.value, c.ptz)
    platform = (c.start_url, c.stop_url, c.start_key, c.start_credential)
    return (*said, *kept, *platform, c.certificate, c.certificate_until, c.calibrated_on)


async def _write_people(connection: Connection, changes: Changes) -> None:
    await _upsert(
        connection, "teams", ("id", "name", "lead"), 1, ((t.id, t.name, t.lead) for t in changes.teams)
    )
    await _upsert(
        connection,
        "officers",
        _OFFICER_COLUMNS,
        1,
        (_officer_row(o) for o in changes.officers),
    )
    await _upsert(
        connection,
        "grids",
        ("id", "name", "team", "geometry", "street"),
        1,
        (
            (g.id, g.name, g.team, {"type": "MultiPolygon", "coordinates": g.area.polygons}, g.street)
            for g in changes.grids
        ),
    )


def _officer_row(o: Officer) -> tuple[object, ...]:
    said = (o.id, o.name, o.team, o.phone, o.place.lat, o.place.lon, o.shift)
    return (*said, sorted(o.skills), o.contact_channel, o.badge)


async def _upsert(
    connection: Connection, table: str, columns: Sequence[str], keys: int, rows: Iterable[tuple[object, ...]]
) -> None:
    """Adds or replaces rows and makes them active; the first `keys` columns are the key."""
    numbers = ", ".join(f"${i}" for i in range(1, len(columns) + 1))
    replaced = ", ".join(f"{column} = excluded.{column}" for column in columns[keys:])
    await connection.executemany(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({numbers})"
        f" ON CONFLICT ({', '.join(columns[:keys])}) DO UPDATE SET {replaced}, active = true",
        list(rows),
    )


async def _write_limits(connection: Connection, changes: Sequence[LimitsChange], now: datetime) -> None:
    """Three statements for all channels: withdraw what has not begun, end what is in force, add what is new."""
    channel = "(SELECT id FROM channels WHERE mn = $1 AND code = $2)"
    of_key = f"channel_id = {channel} AND kind = $3 AND schedule = $4"
    await connection.executemany(
        f"DELETE FROM limits WHERE {of_key} AND ($5::timestamptz IS NULL OR valid_from > $5)",
        [(*_key(c), c.closes.valid_from if c.closes else None) for c in changes],
    )
    await connection.executemany(
        f"UPDATE limits SET valid_to = $6 WHERE {of_key} AND valid_from = $5",
        [(*_key(c), c.closes.valid_from, c.closes.valid_to) for c in changes if c.closes],
    )
    await connection.executemany(
        "INSERT INTO limits (channel_id, kind, schedule, limit_value, lower_value, converted, warn_share, source, unverified,"
        f" valid_from, valid_to) VALUES ({channel}, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [(*_key(c), *_limit_row(new)) for c in changes for new in c.opens],
    )
    await connection.executemany(
        _JUDGE_ANEW, [(*_key(c)[:3], c.opens[0].valid_from, now) for c in changes if c.opens]
    )


# Hours and days that were reviewed since a limit holds which only now was imported; a running one keeps its time.
_JUDGE_ANEW = """
INSERT INTO review_due AS d (mn, kind, ts, due_at)
SELECT c.mn, r.kind, r.ts, $5::timestamptz FROM channels c JOIN reviews r ON r.channel_id = c.id
WHERE c.mn = $1 AND c.code = $2 AND r.kind = $3 AND r.ts >= $4
ON CONFLICT (mn, kind, ts) DO UPDATE SET seq = d.seq + 1
"""


def _key(change: LimitsChange) -> tuple[str, str, str, str]:
    return change.mn, change.code, change.kind, change.schedule


def _limit_row(new: Limit) -> tuple[object, ...]:
    bounds = (new.limit, new.lower, new.converted, new.warn_share)
    return (*bounds, new.source, new.unverified, new.valid_from, new.valid_to)


_KEYS = {"stations": ("mn",), "channels": ("mn", "code"), "zones": ("camera", "name")}


async def _deactivate(connection: Connection, table: str, keys: Sequence[tuple[str, ...]]) -> None:
    columns = _KEYS.get(table, ("id",))
    where = " AND ".join(f"{column} = ${i}" for i, column in enumerate(columns, 1))
    await connection.executemany(f"UPDATE {table} SET active = false WHERE {where}", list(keys))
