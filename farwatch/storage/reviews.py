"""Reviews as rows: one a channel and period, what it replaced beside it, and a tick for each time it was done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import Period, PeriodVerdict, Verdict
from farwatch.storage.database import Connection, Pool, Record

_CONTENT = (
    "verdict, reason, expected, received, valid, device_value, device_converted, device_flag, own_value, own_converted,"
    " judged_value, limit_value, lower_value, limit_source, late"
)
_SAID = ", ".join(f"r.{name}" for name in _CONTENT.split(", "))
_SAYS = ", ".join(f"i.{name}" for name in _CONTENT.split(", "))
_EXCLUDED = ", ".join(f"excluded.{name}" for name in _CONTENT.split(", "))

_WRITE = f"""
WITH incoming AS (
  SELECT * FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::smallint[], $7::smallint[],
    $8::smallint[], $9::float8[], $10::float8[], $11::text[], $12::float8[], $13::float8[], $14::float8[], $15::float8[],
    $16::float8[], $17::text[], $18::bool[]) AS i (channel_id, kind, ts, {_CONTENT})
), replaced AS (
  INSERT INTO review_revisions SELECT r.* FROM reviews r JOIN incoming i USING (channel_id, kind, ts)
  WHERE ({_SAID}) IS DISTINCT FROM ({_SAYS})
)
INSERT INTO reviews AS r (channel_id, kind, ts, {_CONTENT}, reviewed_at, revision)
SELECT channel_id, kind, ts, {_CONTENT}, $19, 0 FROM incoming
ON CONFLICT (channel_id, kind, ts) DO UPDATE SET ({_CONTENT}) = ROW ({_EXCLUDED}),
  reviewed_at = excluded.reviewed_at, revision = r.revision + 1
WHERE ({_SAID}) IS DISTINCT FROM ({_EXCLUDED})
RETURNING 1
"""


async def write(
    connection: Connection, ids: Mapping[str, int], verdicts: Sequence[PeriodVerdict], now: datetime
) -> int:
    """Writes the verdicts of a station's channels (code -> channel id); another content than before is kept as a revision.
    Returns how many are new or changed."""
    if not verdicts:
        return 0
    v = verdicts
    rows = await connection.fetch(
        _WRITE, [ids[x.code] for x in v], [str(x.kind) for x in v], [x.ts for x in v], [str(x.verdict) for x in v],
        [x.reason for x in v], [x.expected for x in v], [x.received for x in v], [x.valid for x in v],
        [x.device_value for x in v], [x.device_converted for x in v], [x.device_flag for x in v], [x.own_value for x in v],
        [x.own_converted for x in v], [x.judged_value for x in v], [x.limit for x in v], [x.lower for x in v],
        [x.limit_source for x in v], [x.late for x in v], now,
    )  # fmt: skip
    return len(rows)


async def hours(
    connection: Connection, ids: Mapping[str, int], day: Period, at: datetime | None
) -> dict[str, tuple[PeriodVerdict, ...]]:
    """The hours of a day by code, in order; with `at` as they stood then."""
    codes = {channel_id: code for code, channel_id in ids.items()}
    span = "channel_id = ANY($1) AND kind = 'hour' AND ts >= $2 AND ts < $3"
    arguments: list[object] = [list(codes), day.ts, day.until]
    source = f"SELECT * FROM reviews WHERE {span}"
    if at is not None:
        source = (
            f"SELECT DISTINCT ON (channel_id, ts) * FROM ({source} UNION ALL SELECT * FROM review_revisions WHERE {span})"
            " AS every WHERE reviewed_at <= $4 ORDER BY channel_id, ts, revision DESC"
        )
        arguments.append(at)
    rows = await connection.fetch(
        f"SELECT channel_id, ts, {_CONTENT} FROM ({source}) AS r ORDER BY channel_id, ts", *arguments
    )
    found: dict[str, list[PeriodVerdict]] = {}
    for r in rows:
        code = codes[r["channel_id"]]
        found.setdefault(code, []).append(_verdict(r, code))
    return {code: tuple(verdicts) for code, verdicts in found.items()}


def _verdict(r: Record, code: str) -> PeriodVerdict:
    return PeriodVerdict(
        code=code, kind=ReadingKind.HOUR, ts=r["ts"], verdict=Verdict(r["verdict"]), reason=r["reason"],
        expected=r["expected"], received=r["received"], valid=r["valid"], device_value=r["device_value"],
        device_converted=r["device_converted"], device_flag=r["device_flag"], own_value=r["own_value"],
        own_converted=r["own_converted"], judged_value=r["judged_value"], limit=r["limit_value"],
        lower=r["lower_value"], limit_source=r["limit_source"], late=r["late"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A review that was done: of which period, when (its now), and up to which receipt it saw the station's readings."""

    mn: str
    kind: ReadingKind
    ts: datetime
    at: datetime
    seen_at: datetime | None
    clock_offset_s: float | None


async def add_tick(connection: Connection, tick: Tick) -> None:
    await connection.execute(
        "INSERT INTO review_ticks VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
        tick.mn, str(tick.kind), tick.ts, tick.at, tick.seen_at, tick.clock_offset_s,
    )  # fmt: skip


async def ticks(
    connection: Connection | Pool, since: datetime, until: datetime, mn: str | None = None
) -> list[Tick]:
    """Of periods that begin in [since, until), and of older ones that were reviewed then: what was taken back then is found
    there. In the order in which they were done."""
    rows = await connection.fetch(
        "SELECT mn, kind, ts, at, seen_at, clock_offset_s FROM review_ticks"
        " WHERE (ts >= $1 AND ts < $2 OR at >= $1 AND at < $2) AND ($3::text IS NULL OR mn = $3) ORDER BY at, mn, kind, ts",
        since, until, mn,
    )  # fmt: skip
    return [Tick(**(dict(r) | {"kind": ReadingKind(r["kind"])})) for r in rows]


async def last_tick(
    connection: Connection, mn: str, period: Period, before: datetime | None
) -> datetime | None:
    """When the period was reviewed last (before that moment); None: never, or so long ago that it is forgotten."""
    at: datetime | None = await connection.fetchval(
        "SELECT max(at) FROM review_ticks WHERE mn = $1 AND kind = $2 AND ts = $3"
        " AND ($4::timestamptz IS NULL OR at < $4)",
        mn, str(period.kind), period.ts, before,
    )  # fmt: skip
    return at


async def forget_ticks(pool: Pool, before: datetime) -> None:
    await pool.execute("DELETE FROM review_ticks WHERE at < $1", before)
