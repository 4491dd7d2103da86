"""The bureau's list of minor violations (不予处罚清单): whole versions, none of which is ever changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.finding import Kind
from farwatch.domain.leniency import MinorRow
from farwatch.storage.database import Connection, Pool, Record

_COLUMNS = "kind, rule, code, max_ratio, max_severity, times_at_most, months, needs_corrected, basis"


class ListChangedError(Exception):
    """Somebody else changed the list since; nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorList:
    """Version 0 is the empty list as shipped."""

    version: int
    rows: tuple[MinorRow, ...]
    changed_by: str | None = None
    changed_at: datetime | None = None


async def current(connection: Connection | Pool) -> MinorList:
    return await _read(
        connection, await connection.fetchrow("SELECT * FROM minor_lists ORDER BY version DESC LIMIT 1")
    )


async def of_version(connection: Connection | Pool, version: int) -> MinorList:
    """As it stood then."""
    return await _read(
        connection, await connection.fetchrow("SELECT * FROM minor_lists WHERE version = $1", version)
    )


async def _read(connection: Connection | Pool, head: Record | None) -> MinorList:
    if head is None:
        return MinorList(version=0, rows=())
    found = await connection.fetch(
        f"SELECT id, {_COLUMNS} FROM minor_list WHERE version = $1 ORDER BY place", head["version"]
    )
    rows = tuple(MinorRow(**{**r, "kind": Kind(r["kind"])}) for r in found)
    return MinorList(
        version=head["version"], rows=rows, changed_by=head["changed_by"], changed_at=head["changed_at"]
    )


async def replace(
    connection: Connection, seen: int, rows: Sequence[MinorRow], *, by: str, now: datetime
) -> int:
    """The next version, in the caller's transaction; the rows' own ids are not looked at. Raises ListChangedError unless
    `seen` is the version in force."""
    version = seen + 1
    made = await connection.fetchval(
        "INSERT INTO minor_lists SELECT $1, $2, $3 WHERE $4 = (SELECT coalesce(max(version), 0) FROM minor_lists)"
        " ON CONFLICT DO NOTHING RETURNING version",
        version, by, now, seen,
    )  # fmt: skip
    if made is None:
        raise ListChangedError
    await connection.executemany(
        f"INSERT INTO minor_list (version, place, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        [
            (version, place, r.kind, r.rule, r.code, r.max_ratio, r.max_severity, r.times_at_most, r.months,
             r.needs_corrected, r.basis)
            for place, r in enumerate(rows, 1)
        ],
    )  # fmt: skip
    return version
