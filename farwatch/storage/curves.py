"""What the pages read of readings: the latest of each channel, and a channel's curve."""

from datetime import datetime

from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Pool, Record


async def latest(pool: Pool) -> dict[tuple[str, str], Record]:
    """By (mn, code), the reading that came last, of whatever kind."""
    rows = await pool.fetch(
        "SELECT DISTINCT ON (l.channel_id) c.mn, c.code, l.kind, l.ts, l.value, l.converted, l.flag"
        " FROM latest_readings l JOIN channels c ON c.id = l.channel_id ORDER BY l.channel_id, l.received_at DESC"
    )
    return {(r["mn"], r["code"]): r for r in rows}


async def channel(pool: Pool, mn: str, code: str) -> Record | None:
    """`id` and `unit`."""
    return await pool.fetchrow("SELECT id, unit FROM channels WHERE mn = $1 AND code = $2", mn, code)


async def page(
    pool: Pool, channel_id: int, kind: ReadingKind, since: datetime, until: datetime, limit: int
) -> list[Record]:
    """At most `limit` current readings with event times in [since, until), in order."""
    rows: list[Record] = await pool.fetch(
        "SELECT ts, value, converted, minimum, maximum, amount, flag, late, received_at, revision FROM readings"
        " WHERE channel_id = $1 AND kind = $2 AND ts >= $3 AND ts < $4 ORDER BY ts LIMIT $5",
        channel_id,
        str(kind),
        since,
        until,
        limit,
    )
    return rows


async def hours(
    pool: Pool, channel_id: int, kind: ReadingKind, since: datetime, until: datetime
) -> list[Record]:
    """`hour`, `readings`, `lowest`, `mean`, `highest` of real-time or minute values in each UTC hour that begins in [since, until).

    For screens: a mean of whatever came, whether valid or not. `since` is the start of an hour.
    """
    rows: list[Record] = await pool.fetch(
        "SELECT hour, readings, lowest, mean, highest FROM reading_hours($1, $2, $3, $4)",
        channel_id,
        str(kind),
        since,
        until,
    )
    return rows
