"""All that a review may look at, loaded in one snapshot; as it is now, or as a review of earlier saw it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Channel, Registry
from farwatch.domain.review import History, Mark, Period, Revision
from farwatch.storage import outages, reviews
from farwatch.storage.database import Connection, Record

LOOK_BACK: dict[ReadingKind, timedelta] = {
    ReadingKind.MIN: timedelta(hours=6),
    ReadingKind.HOUR: timedelta(hours=48),
    ReadingKind.DAY: timedelta(days=30),
}
"""How far before the end of an hour or day its review sees; minutes only when an hour is reviewed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a review of earlier knew: its now, the receipt of the newest reading that it saw, the clock's offset then."""

    at: datetime
    received_at: datetime | None
    clock_offset_s: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """`ids` are channel ids by code; `newest_at` is when the newest reading that was seen had been received."""

    history: History
    ids: Mapping[str, int]
    newest_at: datetime | None


async def load(
    connection: Connection, registry: Registry, mn: str, period: Period, seen: Seen | None = None
) -> Loaded:
    """In the caller's transaction, which should be one snapshot. `mn` is a station of the registry."""
    channels = await _channels(connection, mn)
    ids = {code: channel_id for code, (channel_id, _) in channels.items()}
    is_hour = period.kind is ReadingKind.HOUR
    versions = await _versions(connection, mn, ids, period, seen)
    readings, revisions = _current(versions, period)
    silent = {code: n for code, n in ids.items() if (code, ReadingKind.MIN) not in readings}
    from_rtd = await _minutes_of_rtd(connection, mn, silent, period, seen) if is_hour else {}
    readings |= {(code, ReadingKind.MIN): tuple(minutes) for code, minutes in from_rtd.items()}
    received = [r.received_at for _, r in versions] + [r.received_at for m in from_rtd.values() for r in m]
    since = period.until - LOOK_BACK[ReadingKind.HOUR]
    history = History(
        station=registry.stations[mn],
        channels={code: channel for code, (_, channel) in channels.items()},
        limits={code: found for code in channels if (found := registry.limits.get((mn, code)))},
        readings=readings,
        revisions=revisions,
        marks=await _marks(connection, mn, since, period.until, seen),
        clock_offset_s=seen.clock_offset_s if seen else await _clock_offset_s(connection, mn),
        open_onsets=await _open_onsets(connection, mn, period),
        outages=await _outages(connection, since, period.until, seen),
        from_rtd=frozenset(from_rtd),
        hours={} if is_hour else await reviews.hours(connection, ids, period, seen.at if seen else None),
        reviewed_at=await reviews.last_tick(connection, mn, period, seen.at if seen else None),
    )
    return Loaded(history=history, ids=ids, newest_at=max(received, default=None))


async def _channels(connection: Connection, mn: str) -> dict[str, tuple[int, Channel]]:
    rows = await connection.fetch(
        "SELECT id, code, unit, range_low, range_high, role, registered FROM channels WHERE mn = $1 AND active",
        mn,
    )
    return {
        r["code"]: (
            r["id"],
            Channel(
                mn=mn, code=r["code"], unit=r["unit"], range_low=r["range_low"], range_high=r["range_high"],
                role=r["role"], registered=r["registered"],
            ),
        )
        for r in rows
    }  # fmt: skip


_COLUMNS = (
    "channel_id, kind, ts, value, converted, minimum, maximum, amount, flag, received_at, late, revision"
)
_VERSIONS = " UNION ALL ".join(
    f"SELECT {_COLUMNS} FROM {table} WHERE channel_id = ANY($1) AND kind = ${kind} AND ts >= ${since} AND ts < $2"
    " AND ($7::timestamptz IS NULL OR received_at <= $7)"
    for table in ("readings", "reading_revisions")
    for kind, since in ((3, 4), (5, 6))
)
_KINDS = {
    ReadingKind.HOUR: (ReadingKind.MIN, ReadingKind.HOUR),
    ReadingKind.DAY: (ReadingKind.HOUR, ReadingKind.DAY),
}


async def _versions(
    connection: Connection, mn: str, ids: Mapping[str, int], period: Period, seen: Seen | None
) -> list[tuple[int, Reading]]:
    """Every content of every key with its revision, in order."""
    if seen is not None and seen.received_at is None:
        return []
    codes = {channel_id: code for code, channel_id in ids.items()}
    spans = [part for kind in _KINDS[period.kind] for part in (str(kind), period.until - LOOK_BACK[kind])]
    rows = await connection.fetch(
        f"{_VERSIONS} ORDER BY channel_id, kind, ts, revision",
        list(codes), period.until, *spans, seen.received_at if seen else None,
    )  # fmt: skip
    return [(r["revision"], _reading(r, mn, codes[r["channel_id"]])) for r in rows]


def _current(
    versions: Sequence[tuple[int, Reading]], period: Period
) -> tuple[dict[tuple[str, ReadingKind], tuple[Reading, ...]], tuple[Revision, ...]]:
    """The newest content of each key, and what was replaced within the period."""
    current: dict[tuple[str, ReadingKind], list[Reading]] = defaultdict(list)
    revisions: list[Revision] = []
    for _, reading in versions:
        known = current[reading.code, reading.kind]
        if known and known[-1].ts == reading.ts:
            if reading.ts >= period.ts:
                revisions.append(Revision(before=known[-1], after=reading))
            known[-1] = reading
        else:
            known.append(reading)
    return {key: tuple(found) for key, found in current.items()}, tuple(revisions)


_NOW = "SELECT channel_id, ts, value, converted, minimum, maximum, flag, received_at, late FROM readings WHERE {span}"
_THEN = """
SELECT DISTINCT ON (channel_id, ts) * FROM (
  SELECT channel_id, ts, value, converted, minimum, maximum, flag, received_at, late, revision FROM readings WHERE {span}
  UNION ALL
  SELECT channel_id, ts, value, converted, minimum, maximum, flag, received_at, late, revision FROM reading_revisions WHERE {span}
) AS every WHERE received_at <= $4 ORDER BY channel_id, ts, revision DESC
"""
_MINUTES = """
SELECT channel_id, 'min' AS kind, date_trunc('minute', ts) AS ts,
  coalesce(avg(value ORDER BY ts) FILTER (WHERE flag = 'N'), avg(value ORDER BY ts)) AS value,
  CASE WHEN bool_and(converted IS NOT NULL) THEN avg(converted ORDER BY ts) FILTER (WHERE flag = 'N') END AS converted,
  min(value) AS minimum, max(value) AS maximum, NULL::float8 AS amount,
  CASE WHEN count(*) FILTER (WHERE flag = 'N') >= 0.75 * count(*) THEN 'N'
    ELSE mode() WITHIN GROUP (ORDER BY flag) FILTER (WHERE flag <> 'N') END AS flag,
  max(received_at) AS received_at, bool_or(late) AS late
FROM ({source}) AS r GROUP BY 1, 3 ORDER BY 1, 3
"""
_SPAN = "channel_id = ANY($1) AND kind = 'rtd' AND ts >= $2 AND ts < $3"


async def _minutes_of_rtd(
    connection: Connection, mn: str, ids: Mapping[str, int], period: Period, seen: Seen | None
) -> dict[str, list[Reading]]:
    """Minutes as means of real-time values, by code; normal while three quarters of their values are (appendix C)."""
    if not ids or (seen is not None and seen.received_at is None):
        return {}
    codes = {channel_id: code for code, channel_id in ids.items()}
    arguments = [list(codes), period.until - LOOK_BACK[ReadingKind.MIN], period.until]
    source = (_NOW if seen is None else _THEN).format(span=_SPAN)
    rows = await connection.fetch(
        _MINUTES.format(source=source), *arguments, *([seen.received_at] if seen else [])
    )
    minutes: dict[str, list[Reading]] = defaultdict(list)
    for r in rows:
        code = codes[r["channel_id"]]
        minutes[code].append(_reading(r, mn, code))
    return dict(minutes)


_KIND = {str(kind): kind for kind in ReadingKind}


def _reading(r: Record, mn: str, code: str) -> Reading:
    """By position: some thousand of these are made for an hour."""
    _, kind, ts, value, converted, minimum, maximum, amount, flag, received_at, late, *_ = r
    return Reading(
        mn, code, _KIND[kind], ts, value, received_at, converted, minimum, maximum, amount, flag, late
    )


async def _marks(
    connection: Connection, mn: str, since: datetime, until: datetime, seen: Seen | None
) -> tuple[Mark, ...]:
    rows = await connection.fetch(
        "SELECT code, label, from_at, to_at, declared_at FROM marks WHERE mn = $1 AND from_at < $3 AND to_at > $2"
        " AND CASE WHEN $4::timestamptz IS NULL THEN withdrawn_at IS NULL"
        "   ELSE declared_at <= $4 AND (withdrawn_at IS NULL OR withdrawn_at > $4) END ORDER BY from_at, id",
        mn, since, until, seen.at if seen else None,
    )  # fmt: skip
    return tuple(Mark(**r) for r in rows)


async def _clock_offset_s(connection: Connection, mn: str) -> float | None:
    offset: float | None = await connection.fetchval("SELECT offset_s FROM station_clocks WHERE mn = $1", mn)
    return offset


async def _open_onsets(connection: Connection, mn: str, period: Period) -> dict[tuple[str, str], datetime]:
    rows = await connection.fetch(
        "SELECT rule, code, onset_at FROM findings WHERE station = $1 AND kind = 'data_fault' AND starts_with(rule, 'data_')"
        " AND onset_at < $3 AND (ended_at IS NULL OR ended_at > $2) ORDER BY onset_at",
        mn, period.ts, period.until,
    )  # fmt: skip
    return {(r["rule"], r["code"] or ""): r["onset_at"] for r in rows}


async def _outages(
    connection: Connection, since: datetime, until: datetime, seen: Seen | None
) -> tuple[tuple[datetime, datetime], ...]:
    known = await outages.of(connection, "intake", since)
    return tuple(
        (o.started_at, o.ended_at)
        for o in known
        if o.started_at < until and (seen is None or o.ended_at <= seen.at)
    )
