"""Where officers are: the latest position of each, as his page or his phone's tracking app told it, and his way to an open task."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.place import Position
from farwatch.storage.database import Connection, Pool

PAGE, OSMAND = "page", "osmand"
"""Sources: the officer's page, or an app that speaks the OsmAnd protocol."""


@dataclass(frozen=True, slots=True)
class OfficerPosition:
    """`claimed_at` is the phone's own time; `received_at` the database's. `taken_at` is when he was there: for the page when it was
    received, for an app, which may send late what it kept, what the phone claims but never after the receipt."""

    officer: str
    place: Position
    claimed_at: datetime
    received_at: datetime
    taken_at: datetime
    source: str = PAGE
    speed_m_s: float | None = None


async def put(connection: Connection | Pool, officer: str, place: Position, claimed_at: datetime) -> bool:
    """From his page: it is where he is now. False when a newer one was there."""
    return await _put(connection, officer, place, claimed_at, None, PAGE, None)


async def put_sent(
    connection: Connection | Pool, officer: str, place: Position, claimed_at: datetime | None, now: datetime,
    *, speed_m_s: float | None = None,
) -> bool:  # fmt: skip
    """From a tracking app, which may not say when. False when a newer one was there."""
    return await _put(connection, officer, place, claimed_at or now, claimed_at, OSMAND, speed_m_s)


async def _put(
    connection: Connection | Pool, officer: str, place: Position, claimed_at: datetime, taken_at: datetime | None,
    source: str, speed_m_s: float | None,
) -> bool:  # fmt: skip
    newer = await connection.fetchval(
        "INSERT INTO officer_positions AS p (officer, lat, lon, accuracy_m, claimed_at, received_at, taken_at, source, speed_m_s)"
        " VALUES ($1, $2, $3, $4, $5, clock_timestamp(), least($6, clock_timestamp()), $7, $8)"
        " ON CONFLICT (officer) DO UPDATE SET lat = excluded.lat, lon = excluded.lon, accuracy_m = excluded.accuracy_m,"
        " claimed_at = excluded.claimed_at, received_at = excluded.received_at, taken_at = excluded.taken_at,"
        " source = excluded.source, speed_m_s = excluded.speed_m_s"
        " WHERE excluded.taken_at > coalesce(p.taken_at, p.received_at) RETURNING true",
        officer, place.lat, place.lon, place.accuracy_m, claimed_at, taken_at, source, speed_m_s,
    )  # fmt: skip
    return newer is not None


async def track(connection: Connection | Pool, officer: str, place: Position, at: datetime) -> bool:
    """Keeps a point of the way to the task that he holds and has not handled; without one nothing is kept."""
    kept = await connection.fetchval(
        "INSERT INTO officer_tracks (officer, at, lat, lon, accuracy_m, task_id)"
        " SELECT $1, $2, $3, $4, $5, t.id FROM tasks t WHERE t.officer = $1 AND t.state IN ('accepted', 'arrived')"
        " ORDER BY t.id LIMIT 1 ON CONFLICT DO NOTHING RETURNING true",
        officer, at, place.lat, place.lon, place.accuracy_m,
    )  # fmt: skip
    return kept is not None


async def drop_tracks(connection: Connection | Pool, before: datetime) -> int:
    """Ends the ways that are older, but for those to cases that are held; returns how many points went."""
    gone: int = await connection.fetchval(
        "WITH old AS (DELETE FROM officer_tracks WHERE at < $1"
        " AND task_id NOT IN (SELECT id FROM held_tasks) RETURNING 1) SELECT count(*) FROM old",
        before,
    )
    return gone


async def latest(connection: Connection | Pool) -> dict[str, OfficerPosition]:
    """By officer, however old."""
    rows = await connection.fetch(
        "SELECT officer, lat, lon, accuracy_m, claimed_at, received_at, coalesce(taken_at, received_at) AS taken_at, source,"
        " speed_m_s FROM officer_positions"
    )
    return {
        r["officer"]: OfficerPosition(
            r["officer"], Position(r["lat"], r["lon"], r["accuracy_m"]), r["claimed_at"], r["received_at"],
            r["taken_at"], r["source"], r["speed_m_s"],
        )
        for r in rows
    }  # fmt: skip
