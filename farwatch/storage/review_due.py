"""Which station's hours and days want a review: written beside their readings, taken by the review, done again after a change."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Connection, Pool

Due = tuple[str, ReadingKind, datetime]
"""MN, hour or day, and the period's start."""


async def mark(connection: Connection, due: Iterable[tuple[Due, datetime]]) -> None:
    """Each with the time before which a review would come too early; the earliest of a period counts."""
    rows = sorted(due)
    if not rows:
        return
    await connection.execute(
        "INSERT INTO review_due AS d (mn, kind, ts, due_at)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])"
        " ON CONFLICT (mn, kind, ts) DO UPDATE SET due_at = least(d.due_at, excluded.due_at), seq = d.seq + 1",
        [mn for (mn, _, _), _ in rows],
        [str(kind) for (_, kind, _), _ in rows],
        [ts for (_, _, ts), _ in rows],
        [due_at for _, due_at in rows],
    )


LIVE = {ReadingKind.HOUR: timedelta(hours=3), ReadingKind.DAY: timedelta(hours=27)}
"""A period that began less than this ago is live: its review goes before all that was filled in from earlier."""


async def live(connection: Connection | Pool, now: datetime, limit: int) -> list[Due]:
    """What is due of the periods of now, in the order in which it became due."""
    rows = await connection.fetch(
        "SELECT mn, kind, ts FROM review_due"
        " WHERE due_at <= $1 AND ts > $2 AND ts > CASE kind WHEN 'day' THEN $2::timestamptz ELSE $3::timestamptz END"
        " ORDER BY due_at, mn, kind DESC, ts LIMIT $4",
        now, now - LIVE[ReadingKind.DAY], now - LIVE[ReadingKind.HOUR], limit,
    )  # fmt: skip
    return [(r["mn"], ReadingKind(r["kind"]), r["ts"]) for r in rows]


async def due(connection: Connection | Pool, now: datetime, limit: int) -> list[Due]:
    """What is due of any time, in the order in which it became due; of that an hour before its day."""
    rows = await connection.fetch(
        "SELECT mn, kind, ts FROM review_due WHERE due_at <= $1 ORDER BY due_at, mn, kind DESC, ts LIMIT $2",
        now, limit,
    )  # fmt: skip
    return [(r["mn"], ReadingKind(r["kind"]), r["ts"]) for r in rows]


async def seq(connection: Connection, due: Due) -> int | None:
    """The mark as this transaction sees it; None when it is gone."""
    mn, kind, ts = due
    number: int | None = await connection.fetchval(
        "SELECT seq FROM review_due WHERE mn = $1 AND kind = $2 AND ts = $3", mn, str(kind), ts
    )
    return number


async def done(connection: Connection, due: Due, seq: int) -> None:
    """Deletes the mark that was seen; one that was written since stands."""
    mn, kind, ts = due
    await connection.execute(
        "DELETE FROM review_due WHERE mn = $1 AND kind = $2 AND ts = $3 AND seq = $4", mn, str(kind), ts, seq
    )


async def put_off(connection: Connection | Pool, due: Due, until: datetime) -> None:
    mn, kind, ts = due
    await connection.execute(
        "UPDATE review_due SET due_at = $4 WHERE mn = $1 AND kind = $2 AND ts = $3", mn, str(kind), ts, until
    )


async def reviewed(
    connection: Connection, mn: str, kind: ReadingKind, periods: Sequence[datetime]
) -> set[datetime]:
    """Which of these a review has looked at already."""
    rows = await connection.fetch(
        "SELECT DISTINCT ts FROM review_ticks WHERE mn = $1 AND kind = $2 AND ts = ANY($3)",
        mn, str(kind), list(periods),
    )  # fmt: skip
    return {r["ts"] for r in rows}


@dataclass(frozen=True, slots=True)
class Backlog:
    """For how long the live mark that waits longest has been due, and how many of any time are."""

    live_s: float = 0.0
    waiting: int = 0


async def backlog(connection: Connection | Pool, now: datetime, most: int) -> Backlog:
    """Counts no further than `most`."""
    row = await connection.fetchrow(
        "SELECT (SELECT min(due_at) FROM review_due WHERE due_at <= $1 AND ts > $2) AS oldest,"
        " (SELECT count(*) FROM (SELECT FROM review_due WHERE due_at <= $1 LIMIT $3) AS counted) AS waiting",
        now, now - LIVE[ReadingKind.HOUR], most,
    )  # fmt: skip
    oldest = row["oldest"]
    return Backlog((now - oldest).total_seconds() if oldest else 0.0, row["waiting"])
