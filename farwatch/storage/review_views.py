"""What the pages read of reviews: a station's table of hours or days, the exceedance register, what was replaced."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Pool, Record, transaction

_REVIEW = (
    "r.ts, r.kind, r.verdict, r.reason, r.expected, r.received, r.valid, r.device_value, r.device_converted, r.device_flag,"
    " r.own_value, r.own_converted, r.judged_value, r.limit_value, r.lower_value, r.limit_source, r.late, r.reviewed_at,"
    " r.revision"
)


async def table(pool: Pool, mn: str, kind: ReadingKind, since: datetime, until: datetime) -> list[Record]:
    """The current reviews of all channels of a station with periods that begin in [since, until)."""
    rows: list[Record] = await pool.fetch(
        f"SELECT c.code, {_REVIEW} FROM channels c JOIN reviews r ON r.channel_id = c.id"
        " WHERE c.mn = $1 AND r.kind = $2 AND r.ts >= $3 AND r.ts < $4 ORDER BY r.ts, c.code",
        mn, str(kind), since, until,
    )  # fmt: skip
    return rows


async def replaced(
    pool: Pool, channel_id: int, kind: ReadingKind, since: datetime, until: datetime
) -> list[Record]:
    """Reviews of a channel that were made anew, with what replaced them: by period, then by revision."""
    rows: list[Record] = await pool.fetch(
        f"WITH old AS (SELECT {_REVIEW} FROM review_revisions r"
        "   WHERE r.channel_id = $1 AND r.kind = $2 AND r.ts >= $3 AND r.ts < $4)"
        f" SELECT * FROM old UNION ALL SELECT {_REVIEW} FROM reviews r"
        " WHERE r.channel_id = $1 AND r.kind = $2 AND r.ts IN (SELECT ts FROM old) ORDER BY ts, revision",
        channel_id, str(kind), since, until,
    )  # fmt: skip
    return rows


Key = tuple[datetime, str, int]
"""A row's place in the register: period, kind, channel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Periods that begin in [since, until); None: all."""

    since: datetime
    until: datetime
    kind: ReadingKind | None = None
    late: bool | None = None
    mn: str | None = None
    enterprise: str | None = None


_OVER = f"""
WITH page AS (
  SELECT r.channel_id, c.mn, c.code, c.unit, s.name AS station_name, s.enterprise, e.name AS enterprise_name, {_REVIEW}
  FROM reviews r JOIN channels c ON c.id = r.channel_id JOIN stations s ON s.mn = c.mn JOIN enterprises e ON e.id = s.enterprise
  WHERE r.verdict IN ('over', 'below') AND r.ts >= $1 AND r.ts < $2 AND NOT s.drill
    AND ($3::text IS NULL OR r.kind = $3) AND ($4::boolean IS NULL OR r.late = $4) AND ($5::text IS NULL OR c.mn = $5)
    AND ($6::text IS NULL OR s.enterprise = $6)
    AND ($7::timestamptz IS NULL OR (r.ts, r.kind, r.channel_id) < ($7, $8::text, $9::int))
  ORDER BY r.ts DESC, r.kind DESC, r.channel_id DESC LIMIT $10
)
SELECT p.*, f.id AS finding_id, f.disposition, m.task_id FROM page p
LEFT JOIN LATERAL (
  SELECT id, disposition FROM findings
  WHERE fingerprint = 'exceedance/' || p.mn || '/' || p.code AND rule = 'limit_' || p.kind AND tier = 'violation'
    AND onset_at = p.ts LIMIT 1
) f ON true
LEFT JOIN matter_findings mf ON mf.finding_id = f.id LEFT JOIN matters m ON m.id = mf.matter_id
ORDER BY p.ts DESC, p.kind DESC, p.channel_id DESC
"""


async def over(pool: Pool, wanted: Wanted, before: Key | None, limit: int) -> list[Record]:
    """At most `limit` hours and days over or below a limit, newest first, each with its finding and task. No drills."""
    async with transaction(pool) as connection:
        # A plan for any filter and any limit reads the whole month (measured: 430 ms instead of 3).
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        rows: list[Record] = await connection.fetch(
            _OVER, wanted.since, wanted.until, str(wanted.kind) if wanted.kind else None, wanted.late, wanted.mn,
            wanted.enterprise, *(before or (None, None, None)), limit,
        )  # fmt: skip
    return rows
