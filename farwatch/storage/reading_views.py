"""What was replaced among readings, and how stations are heard, for the people who look."""

from datetime import datetime

from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Pool, Record

_VERSION = "ts, value, converted, minimum, maximum, amount, flag, late, received_at, revision"


async def replaced_times(
    pool: Pool, channel_id: int, kind: ReadingKind, since: datetime, until: datetime, limit: int
) -> list[datetime]:
    """At most `limit` event times in [since, until) whose reading was replaced, in order."""
    rows = await pool.fetch(
        "SELECT DISTINCT ts FROM reading_revisions"
        " WHERE channel_id = $1 AND kind = $2 AND ts >= $3 AND ts < $4 ORDER BY ts LIMIT $5",
        channel_id, str(kind), since, until, limit,
    )  # fmt: skip
    return [r["ts"] for r in rows]


async def versions(pool: Pool, channel_id: int, kind: ReadingKind, times: list[datetime]) -> list[Record]:
    """Every content that the readings of these times ever had: by time, then oldest first; the last of each is current."""
    if not times:
        return []
    rows: list[Record] = await pool.fetch(
        f"SELECT {_VERSION} FROM reading_revisions WHERE channel_id = $1 AND kind = $2 AND ts = ANY($3) AND ts BETWEEN $4 AND $5"
        f" UNION ALL SELECT {_VERSION} FROM readings WHERE channel_id = $1 AND kind = $2 AND ts = ANY($3) AND ts BETWEEN $4 AND $5"
        " ORDER BY ts, revision",
        channel_id, str(kind), times, times[0], times[-1],
    )  # fmt: skip
    return rows


async def heard(pool: Pool) -> dict[str, Record]:
    """By MN: `offset_s`, `spread_s`, `measured_at` of its clock, `way`, `dialect`, `checksum`, `heard_at` of its frames."""
    rows = await pool.fetch(
        "SELECT coalesce(k.mn, l.mn) AS mn, k.offset_s, k.spread_s, k.measured_at, l.way, l.dialect, l.checksum, l.heard_at"
        " FROM station_clocks k FULL JOIN station_links l ON l.mn = k.mn"
    )
    return {r["mn"]: r for r in rows}
