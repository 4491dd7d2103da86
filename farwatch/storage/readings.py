"""Readings: one current row per (channel, kind, event time), every other content kept as a revision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.domain.reading import Reading, ReadingKind
from farwatch.storage.database import Connection, Pool

_PARTITIONS_LOCK = 0x46415250  # "FARP"

_INSERT = """
WITH incoming AS (
  SELECT * FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::float8[], $5::float8[], $6::float8[],
                       $7::float8[], $8::float8[], $9::text[], $10::timestamptz[], $11::bool[])
    AS i (channel_id, kind, ts, value, converted, minimum, maximum, amount, flag, received_at, late)
), replaced AS (
  INSERT INTO reading_revisions
  SELECT r.* FROM readings r JOIN incoming i USING (channel_id, kind, ts)
  WHERE r.ts >= $12 AND r.ts <= $13
    AND (r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag)
      IS DISTINCT FROM (i.value, i.converted, i.minimum, i.maximum, i.amount, i.flag)
  RETURNING channel_id
), written AS (
  INSERT INTO readings AS r (channel_id, kind, ts, value, converted, minimum, maximum, amount, flag, received_at, late, revision)
  SELECT channel_id, kind, ts, value, converted, minimum, maximum, amount, flag, received_at, late, 0 FROM incoming
  ON CONFLICT (channel_id, kind, ts) DO UPDATE SET value = excluded.value, converted = excluded.converted,
    minimum = excluded.minimum, maximum = excluded.maximum, amount = excluded.amount, flag = excluded.flag,
    received_at = excluded.received_at, late = excluded.late, revision = r.revision + 1
  WHERE (r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag)
    IS DISTINCT FROM (excluded.value, excluded.converted, excluded.minimum, excluded.maximum, excluded.amount, excluded.flag)
  RETURNING channel_id
), latest AS (
  INSERT INTO latest_readings AS l
  SELECT DISTINCT ON (channel_id, kind) channel_id, kind, ts, value, converted, flag, received_at FROM incoming
  ORDER BY channel_id, kind, ts DESC
  ON CONFLICT (channel_id, kind) DO UPDATE SET ts = excluded.ts, value = excluded.value, converted = excluded.converted,
    flag = excluded.flag, received_at = excluded.received_at
  WHERE excluded.ts >= l.ts
), counted AS (
  INSERT INTO reading_counts AS known (day, readings)
  SELECT (clock_timestamp() AT TIME ZONE 'Asia/Shanghai')::date, count(*)
  FROM written JOIN channels c ON c.id = written.channel_id JOIN stations s ON s.mn = c.mn
  WHERE NOT s.drill HAVING count(*) > 0
  ON CONFLICT (day) DO UPDATE SET readings = known.readings + excluded.readings
)
SELECT (SELECT count(*) FROM written) AS written, (SELECT count(*) FROM replaced) AS replaced
"""


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
    total = Written()
    for rows in _rounds(readings):
        ts = [r.ts for r in rows]
        counts = await connection.fetchrow(
            _INSERT, [ids[r.mn, r.code] for r in rows], [str(r.kind) for r in rows], ts, [r.value for r in rows],
            [r.converted for r in rows], [r.minimum for r in rows], [r.maximum for r in rows], [r.amount for r in rows],
            [r.flag for r in rows], [r.received_at for r in rows], [r.late for r in rows], min(ts), max(ts),
        )  # fmt: skip
        total = Written(total.written + counts["written"], total.replaced + counts["replaced"])
    return total


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


_COLUMNS = "c.mn, c.code, r.kind, r.ts, r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag, r.received_at, r.late"

_LATEST = f"""
SELECT {_COLUMNS}
FROM latest_readings l JOIN channels c ON c.id = l.channel_id
CROSS JOIN LATERAL (
  SELECT least(l.ts - $3::interval, coalesce(
    (SELECT n.ts FROM readings n WHERE n.channel_id = l.channel_id AND n.kind = l.kind AND n.ts >= $2 AND n.ts <= l.ts
     ORDER BY n.ts DESC OFFSET $4 LIMIT 1), $2)) AS ts OFFSET 0
) since
CROSS JOIN LATERAL (
  SELECT * FROM readings r WHERE r.channel_id = l.channel_id AND r.kind = l.kind AND r.ts >= since.ts AND r.ts <= l.ts
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
    rows = await connection.fetch(_LATEST, kind_names, since, span, at_least, timeout=LATEST_TIMEOUT_S)
    return [_to_reading(r) for r in rows]


_KNOWN = """
SELECT i.n FROM unnest($1::int[], $2::text[], $3::timestamptz[], $4::float8[], $5::float8[], $6::float8[], $7::float8[],
  $8::float8[], $9::text[]) WITH ORDINALITY AS i (channel_id, kind, ts, value, converted, minimum, maximum, amount, flag, n)
JOIN readings r USING (channel_id, kind, ts)
WHERE r.ts >= $10 AND r.ts <= $11
  AND (r.value, r.converted, r.minimum, r.maximum, r.amount, r.flag)
    IS NOT DISTINCT FROM (i.value, i.converted, i.minimum, i.maximum, i.amount, i.flag)
"""


async def unknown(
    connection: Connection, ids: dict[tuple[str, str], int], readings: Sequence[Reading]
) -> list[Reading]:
    """Those whose content is not what the row of their key already says."""
    if not readings:
        return []
    ts = [r.ts for r in readings]
    rows = await connection.fetch(
        _KNOWN, [ids[r.mn, r.code] for r in readings], [str(r.kind) for r in readings], ts, [r.value for r in readings],
        [r.converted for r in readings], [r.minimum for r in readings], [r.maximum for r in readings],
        [r.amount for r in readings], [r.flag for r in readings], min(ts), max(ts),
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
        f"SELECT {_COLUMNS} FROM readings r JOIN channels c ON c.id = r.channel_id"
        " WHERE c.mn = $1 AND c.code = $2 AND r.kind = $3 AND r.ts BETWEEN $4 AND $5 ORDER BY r.ts",
        mn, code, str(kind), at - before, at + after,
    )  # fmt: skip
    return [_to_reading(r) for r in rows]


def _to_reading(r: dict[str, object]) -> Reading:
    fields = {k: r[k] for k in r.keys() if k != "kind"}  # noqa: SIM118
    return Reading(kind=ReadingKind(str(r["kind"])), **fields)  # type: ignore[arg-type]
