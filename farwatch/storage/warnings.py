"""Warnings: an enterprise was told, and has a while to stop before somebody is sent."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from farwatch.storage.database import Connection, Pool, Record


@dataclass(frozen=True, slots=True)
class OpenWarning:
    """`stands`: some finding of this business had not ended when the window did (or has not yet)."""

    finding: UUID
    fingerprint: str
    window_ends_at: datetime
    stands: bool


# A finding that ended before it was dealt with can only make its warning clear, so undisposed ones need no care here.
_STANDS = (
    "EXISTS (SELECT FROM findings f WHERE f.fingerprint = w.fingerprint AND f.drill_id IS NOT DISTINCT FROM w.drill_id"
    " AND f.disposition = 'warn' AND f.found_at <= w.window_ends_at AND f.disposed_at >= w.told_at"
    " AND (f.ended_at IS NULL OR f.ended_at > w.window_ends_at))"
)


async def tell(
    connection: Connection, *, finding: UUID, fingerprint: str, enterprise: str | None, told_at: datetime,
    window_ends_at: datetime, drill_id: str | None,
) -> bool:  # fmt: skip
    """False when a warning of the same business is open already."""
    made = await connection.fetchval(
        "INSERT INTO warnings (finding_id, fingerprint, enterprise, told_at, window_ends_at, state, drill_id)"
        " VALUES ($1, $2, $3, $4, $5, 'open', $6) ON CONFLICT (fingerprint, drill_id)"
        " WHERE state = 'open' DO NOTHING RETURNING true",
        finding, fingerprint, enterprise, told_at, window_ends_at, drill_id,
    )  # fmt: skip
    return bool(made)


async def ripe(connection: Connection | Pool, now: datetime, limit: int) -> list[UUID]:
    """Findings of open warnings that can be decided: cleared, or the window has ended."""
    rows = await connection.fetch(
        f"SELECT w.finding_id FROM warnings w WHERE w.state = 'open' AND (w.window_ends_at <= $1 OR NOT {_STANDS})"
        " ORDER BY w.window_ends_at, w.finding_id LIMIT $2",
        now,
        limit,
    )
    return [r["finding_id"] for r in rows]


async def lock(connection: Connection, finding: UUID) -> OpenWarning | None:
    """None when the warning is not open any more."""
    open_ = await connection.fetchval(
        "SELECT finding_id FROM warnings WHERE finding_id = $1 AND state = 'open' FOR UPDATE", finding
    )
    if open_ is None:
        return None
    row = await connection.fetchrow(
        f"SELECT w.finding_id, w.fingerprint, w.window_ends_at, {_STANDS} AS stands FROM warnings w WHERE w.finding_id = $1",
        finding,
    )
    assert row is not None
    return OpenWarning(row["finding_id"], row["fingerprint"], row["window_ends_at"], row["stands"])


async def decide(connection: Connection, finding: UUID, state: str, now: datetime) -> None:
    """`state` is cleared or became_task."""
    await connection.execute(
        "UPDATE warnings SET state = $2, decided_at = $3 WHERE finding_id = $1 AND state = 'open'",
        finding,
        state,
        now,
    )


async def overtake(connection: Connection, fingerprint: str, drill_id: str | None, now: datetime) -> None:
    """Somebody is sent for this business anyway: an open warning of it has become that task."""
    await connection.execute(
        "UPDATE warnings SET state = 'became_task', decided_at = $3 WHERE fingerprint = $1 AND drill_id IS NOT DISTINCT FROM $2"
        " AND state = 'open'",
        fingerprint,
        drill_id,
        now,
    )


async def listed(connection: Connection | Pool, limit: int = 500) -> list[Record]:
    """Open warnings for the pages, those whose window ends first on top."""
    rows: list[Record] = await connection.fetch(
        "SELECT w.finding_id, w.fingerprint, f.station, f.code, f.camera, w.enterprise, w.told_at, w.window_ends_at, w.state,"
        " w.drill_id, f.reason_key, f.reason_params FROM warnings w JOIN findings f ON f.id = w.finding_id"
        " WHERE w.state = 'open' ORDER BY w.window_ends_at, w.finding_id LIMIT $1",
        limit,
    )
    return rows
