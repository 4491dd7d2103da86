"""Readings: one current row per (channel, kind, event time), every other content kept as a revision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from farwatch.domain.reading import FUTURE_TOLERANCE, Reading, ReadingKind
from farwatch.storage.database import Connection, Pool

_PARTITIONS_LOCK = 0x46415250  # "FARP"
_REVISIONS_LOCK = 0x46415256  # "FARV"

_COLUMNS = (
    "channel_id",
    "kind",
    "ts",
    "value",
    "converted",
    "minimum",
    "maximum",
    "amount",
    "flag",
    "received_at",
    "late",
)
_ALL = ", ".join(_COLUMNS)

# The temporary table lives as long as its connection (the pool renews one after some ten thousand statements); COPY into it
# costs a third of what arrays as parameters cost. The setting means something to TimescaleDB only: a year's back-fill opens many
# segments of compressed chunks, a batch bounds how many.
_STAGE = """
CREATE TEMPORARY TABLE IF NOT EXISTS staged_readings (
  channel_id integer, kind text, ts timestamptz, value float8, converted float8, minimum float8, maximum float8, amount float8,
  flag text, received_at timestamptz, late boolean
) ON COMMIT DELETE ROWS;
DELETE FROM staged_readings;
SET LOCAL timescaledb.max_tuples_decompressed_per_dml_transaction = 0
"""

# Never in the future: a clock that was ahead would hide what comes after it was set right.
_KEEP_LATEST = """
  INSERT INTO latest_readings AS l
  SELECT DISTINCT ON (channel_id, kind) channel_id, kind, least(ts, received_at), value, converted, flag, received_at
  FROM staged_readings i ORDER BY channel_id, kind, i.ts DESC
  ON CONFLICT (channel_id, kind) DO UPDATE SET ts = excluded.ts, value = excluded.value, converted = excluded.converted,
    flag = excluded.flag, received_at = excluded.received_at
  WHERE excluded.ts >= l.ts
"""

_COUNT_WRITTEN = """
  INSERT INTO reading_counts AS known (day, readings)
  SELECT (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date, count(*) FROM written
  WHERE channel_id NOT IN (SELECT c.id FROM stations s JOIN channels c USING (mn) WHERE s.drill) HAVING count(*) > 0
  ON CONFLICT (day) DO UPDATE SET readings = known.readings + excluded.readings
"""

_NEW = f"""
written AS (
  INSERT INTO readings ({_ALL}, revision) SELECT {_ALL}, 0 FROM staged_readings
  ON CONFLICT (channel_id, kind, ts) DO NOTHING RETURNING channel_id
), latest AS ({_KEEP_LATEST}), counted AS ({_COUNT_WRITTEN})
SELECT count(*) FROM written
"""
_INSERT_NEW = f"WITH {_NEW}"

FEW = 200
"""So many rows and less come sooner as arrays, in one step instead of four; of more each array costs more than COPY."""
RECENT = timedelta(days=2)
"""Far from the seven days after which TimescaleDB compresses (migration 0012)."""
_INSERT_FEW = f"""
WITH staged_readings AS (
  SELECT * FROM unnest($1::integer[], $2::text[], $3::timestamptz[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
    $8::float8[], $9::text[], $10::timestamptz[], $11::boolean[]) AS given ({_ALL})
), {_NEW}
"""

# OFFSET 0: one look-up in the one partition that a row's time names, whatever the planner thinks of the sizes.
_REVISE = f"""
WITH replaced AS (
  INSERT INTO reading_revisions
  SELECT r.* FROM staged_readings i CROSS JOIN LATERAL (
    SELECT * FROM readings r WHERE r.channel_id = i.channel_id AND r.kind = i.kind AND r.ts = i.ts OFFSET 0
  ) r
  WHERE (r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag)
    IS DISTINCT FROM (i.value, i.converted, i.minimum, i.maximum, i.amount, i.flag)
), written AS (
  INSERT INTO readings AS r ({_ALL}, revision) SELECT {_ALL}, 0 FROM staged_readings
  ON CONFLICT (channel_id, kind, ts) DO UPDATE SET value = excluded.value, converted = excluded.converted,
    minimum = excluded.minimum, maximum = excluded.maximum, amount = excluded.amount, flag = excluded.flag,
    received_at = excluded.received_at, late = excluded.late, revision = r.revision + 1
  WHERE (r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag)
    IS DISTINCT FROM (excluded.value, excluded.converted, excluded.minimum, excluded.maximum, excluded.amount, excluded.flag)
  RETURNING channel_id
), latest AS ({_KEEP_LATEST}), counted AS ({_COUNT_WRITTEN})
SELECT count(*) FROM written
"""

AHEAD = timedelta(hours=1) + FUTURE_TOLERANCE
"""How far in front of their receipt the event times of a station may be whose clock is known to be ahead."""
LATEST_TIMEOUT_S = 120.0
"""A city of hundreds of thousands of channels takes some seconds."""


@dataclass(frozen=True, slots=True)
class Written:
    """How many rows were new or replaced; the rest was known already."""

    written: int = 0
    replaced: int = 0


async def ensure_partitions(connection: Connection) -> None:
    """Makes room for every event time that is taken now: a database may have slept for months. In a transaction."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _PARTITIONS_LOCK)
    await connection.execute("SELECT ensure_partitions(now())")


async def channel_ids(connection: Connection | Pool) -> dict[tuple[str, str], int]:
    """(mn, code) -> channel id of every active channel."""
    rows = await connection.fetch(
        "SELECT c.mn, c.code, c.id FROM channels c JOIN stations s USING (mn) WHERE c.active AND s.active"
    )
    return {(r["mn"], r["code"]): r["id"] for r in rows}


async def insert(
    connection: Connection, ids: dict[tuple[str, str], int], readings: Sequence[Reading]
) -> Written:
    """Writes readings of known channels in the caller's transaction. Same key and content again: nothing."""
    if not readings:
        return Written()
    # What is old may open compressed chunks, for which `_STAGE` asks leave.
    if len(readings) <= FEW and all(r.received_at - r.ts < RECENT for r in readings):
        new = await connection.fetchval(_INSERT_FEW, *zip(*_rows(ids, readings), strict=True))
    else:
        new = await _staged(connection, ids, readings, _INSERT_NEW)
    if new == len(readings):
        return Written(new)
    # Two writers that replace the same row would both keep the same older one.
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _REVISIONS_LOCK)
    revised = 0
    for rows in _rounds(readings):
        revised += await _staged(connection, ids, rows, _REVISE)
    return Written(new + revised, revised)


async def _staged(
    connection: Connection, ids: dict[tuple[str, str], int], readings: Sequence[Reading], statement: str
) -> int:
    """Runs a statement over the rows of `staged_readings`, and returns what it counts."""
    await connection.execute(_STAGE)
    try:
        await connection.copy_records_to_table(
            "staged_readings", columns=_COLUMNS, records=_rows(ids, readings)
        )
    except (TypeError, ValueError, OverflowError) as error:
        raise asyncpg.DataError(f"a reading cannot be written: {error}") from error
    counted: int = await connection.fetchval(statement)
    return counted


def _rows(ids: dict[tuple[str, str], int], readings: Iterable[Reading]) -> list[tuple[object, ...]]:
    return [
        (
            ids[r.mn, r.code], r.kind, r.ts, r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag, r.received_at,
            r.late,
        )
        for r in readings
    ]  # fmt: skip


def _rounds(readings: Iterable[Reading]) -> list[list[Reading]]:
    """One statement may touch a key once: repeats of a content are dropped, another content waits for the next round."""
    rounds: list[dict[tuple[str, str, ReadingKind, datetime], Reading]] = []
    for reading in readings:
        key = (reading.mn, reading.code, reading.kind, reading.ts)
        seen = [r[key] for r in rounds if key in r]
        if seen and _content(reading) == _content(seen[-1]):
            continue
        if len(seen) == len(rounds):
            rounds.append({})
        rounds[len(seen)][key] = reading
    return [list(r.values()) for r in rounds]


def _content(r: Reading) -> tuple[object, ...]:
    return (r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag)


_NAMED = "c.mn, c.code, r.kind, r.ts, r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag, r.received_at, r.late"

_LATEST = f"""
SELECT {_NAMED}
FROM latest_readings l JOIN channels c ON c.id = l.channel_id
CROSS JOIN LATERAL (
  SELECT least(l.ts - $3::interval, coalesce(
    (SELECT n.ts FROM readings n WHERE n.channel_id = l.channel_id AND n.kind = l.kind AND n.ts >= $2 AND n.ts <= l.ts + $5
     ORDER BY n.ts DESC OFFSET $4 LIMIT 1), $2)) AS ts OFFSET 0
) since
CROSS JOIN LATERAL (
  SELECT * FROM readings r WHERE r.channel_id = l.channel_id AND r.kind = l.kind AND r.ts >= since.ts AND r.ts <= l.ts + $5
    AND r.ts >= $2 AND NOT r.late OFFSET 0
) r
WHERE l.kind = ANY($1) AND l.ts >= $2
"""
# OFFSET 0 keeps the planner from joining all the month's readings first and looking up the times for each.


async def latest(
    connection: Connection, kinds: Sequence[ReadingKind], since: datetime, span: timedelta, at_least: int
) -> list[Reading]:
    """What a judge that starts again looks at: of each channel and kind the live readings of the last `span` before its
    newest and at least the newest `at_least`, none older than `since`. Costs a few index look-ups a channel."""
    kind_names = [str(kind) for kind in kinds]
    rows = await connection.fetch(_LATEST, kind_names, since, span, at_least, AHEAD, timeout=LATEST_TIMEOUT_S)
    return [_to_reading(r) for r in rows]


# OFFSET 0 as above: joined by the planner's choice, a month's readings were read for a batch of a thousand.
_KNOWN = """
SELECT i.n FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
  $8::float8[], $9::text[]) WITH ORDINALITY AS i (channel_id, kind, ts, value, converted, minimum, maximum, amount, flag, n)
CROSS JOIN LATERAL (
  SELECT * FROM readings r WHERE r.channel_id = i.channel_id AND r.kind = i.kind AND r.ts = i.ts OFFSET 0
) r
WHERE (r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag)
    IS NOT DISTINCT FROM (i.value, i.converted, i.minimum, i.maximum, i.amount, i.flag)
"""


async def unknown(
    connection: Connection, ids: dict[tuple[str, str], int], readings: Sequence[Reading]
) -> list[Reading]:
    """Those whose content is not what the row of their key already says."""
    if not readings:
        return []
    rows = await connection.fetch(
        _KNOWN, [ids[r.mn, r.code] for r in readings], [str(r.kind) for r in readings], [r.ts for r in readings],
        [r.value for r in readings],
        [r.converted for r in readings], [r.minimum for r in readings], [r.maximum for r in readings],
        [r.amount for r in readings], [r.flag for r in readings],
    )  # fmt: skip
    known = {row["n"] for row in rows}
    return [r for n, r in enumerate(readings, start=1) if n not in known]


async def around(
    connection: Connection | Pool,
    mn: str,
    code: str,
    kind: ReadingKind,
    at: datetime,
    before: timedelta,
    after: timedelta,
) -> list[Reading]:
    """One channel's readings of one kind in [at - before, at + after], in order."""
    rows = await connection.fetch(
        f"SELECT {_NAMED} FROM readings r JOIN channels c ON c.id = r.channel_id"
        " WHERE c.mn = $1 AND c.code = $2 AND r.kind = $3 AND r.ts BETWEEN $4 AND $5 ORDER BY r.ts",
        mn, code, str(kind), at - before, at + after,
    )  # fmt: skip
    return [_to_reading(r) for r in rows]


def _to_reading(r: dict[str, object]) -> Reading:
    fields = {k: r[k] for k in r.keys() if k != "kind"}  # noqa: SIM118
    return Reading(kind=ReadingKind(str(r["kind"])), **fields)  # type: ignore[arg-type]
