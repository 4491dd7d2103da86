"""Declared conditions of the works (工况标记): added and withdrawn, never changed; each calls for the reviews it touches anew."""

from datetime import datetime, timedelta

from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import DUE_AFTER, Mark, period_of
from farwatch.storage import review_due
from farwatch.storage.database import Connection, Pool, Record

_COLUMNS = "id, mn, code, label, from_at, to_at, declared_by, note, declared_at, withdrawn_at, withdrawn_by"


async def add(connection: Connection, mn: str, mark: Mark, *, by: str, note: str, now: datetime) -> int:
    """In the caller's transaction; returns the mark's id."""
    mark_id = await connection.fetchval(
        "INSERT INTO marks (mn, code, label, from_at, to_at, declared_by, note, declared_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8) RETURNING id",
        mn, mark.code, mark.label, mark.from_at, mark.to_at, by, note, mark.declared_at,
    )  # fmt: skip
    await _judge_anew(connection, mn, mark.from_at, mark.to_at, now)
    return int(mark_id)


async def withdraw(connection: Connection, mn: str, id: int, *, by: str, now: datetime) -> Record | None:
    """The row as it is now; None when this station has no such mark, or it is withdrawn already."""
    row = await connection.fetchrow(
        "UPDATE marks SET withdrawn_at = $3, withdrawn_by = $4 WHERE mn = $1 AND id = $2 AND withdrawn_at IS NULL"
        f" RETURNING {_COLUMNS}",
        mn, id, now, by,
    )  # fmt: skip
    if row is not None:
        await _judge_anew(connection, mn, row["from_at"], row["to_at"], now)
    return row


async def one(connection: Connection, mn: str, id: int) -> Record | None:
    return await connection.fetchrow(f"SELECT {_COLUMNS} FROM marks WHERE mn = $1 AND id = $2", mn, id)


async def of_station(connection: Connection | Pool, mn: str, since: datetime, until: datetime) -> list[Mark]:
    """Those in force that touch [since, until), in order of their begin."""
    rows = await connection.fetch(
        "SELECT code, label, from_at, to_at, declared_at FROM marks"
        " WHERE mn = $1 AND withdrawn_at IS NULL AND from_at < $3 AND to_at > $2 ORDER BY from_at, id",
        mn, since, until,
    )  # fmt: skip
    return [Mark(**r) for r in rows]


async def listed(pool: Pool, mn: str, before: int | None, limit: int) -> list[Record]:
    """At most `limit` rows with ids below `before`, newest first, the withdrawn ones too."""
    rows: list[Record] = await pool.fetch(
        f"SELECT {_COLUMNS} FROM marks WHERE mn = $1 AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        mn, before, limit,
    )  # fmt: skip
    return rows


async def _judge_anew(
    connection: Connection, mn: str, from_at: datetime, to_at: datetime, now: datetime
) -> None:
    """The hours and days that a mark touches and that have begun, bounded by the longest mark that the API takes; the live lane
    holds its marks with the registry and hears of it by the version."""
    await connection.execute(
        "UPDATE registry_version SET version = version + 1, changed_at = clock_timestamp()"
    )
    due = []
    for kind in (ReadingKind.HOUR, ReadingKind.DAY):
        period = period_of(kind, from_at)
        while period.ts < min(to_at, now):
            # Never before the readings of a running period are due: the intake trusts its own mark to stand until then.
            due.append(((mn, kind, period.ts), max(now, period.until + DUE_AFTER[kind])))
            period = period_of(kind, period.until + timedelta(seconds=1))
    await review_due.mark(connection, due)
