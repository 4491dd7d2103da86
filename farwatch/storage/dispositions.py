"""What became of each finding, and which of them have something to say since."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.storage.database import Connection, Pool, Record

_COLUMNS = (
    "id, rule, kind, tier, station, code, camera, zone, enterprise, lat, lon, onset_at, found_at, severity, reason_key,"
    " reason_params, detector, late, drill_id"
)


@dataclass(frozen=True, slots=True)
class StoredFinding:
    id: UUID
    finding: Finding
    found_at: datetime


@dataclass(frozen=True, slots=True)
class ClosedMatter:
    task: int
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class EndOfFinding:
    task: int
    matter: int
    finding: UUID
    ended_at: datetime


async def waiting(connection: Connection | Pool, limit: int) -> list[UUID]:
    """Findings that nobody has decided about, in the order of their commit."""
    rows = await connection.fetch(
        "SELECT id FROM findings WHERE disposition IS NULL ORDER BY found_at, id LIMIT $1", limit
    )
    return [r["id"] for r in rows]


async def take(connection: Connection, finding: UUID) -> StoredFinding | None:
    """Locks it; None when it was decided about meanwhile."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM findings WHERE id = $1 AND disposition IS NULL FOR UPDATE", finding
    )
    return _stored(row) if row else None


async def take_silenced(connection: Connection, finding: UUID) -> StoredFinding | None:
    """Locks it; None when no silence holds it back any more, or it has ended meanwhile."""
    row = await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM findings WHERE id = $1 AND disposition = 'silenced' AND ended_at IS NULL FOR UPDATE",
        finding,
    )
    return _stored(row) if row else None


async def counted(
    connection: Connection, like: Finding, since: datetime, until: datetime
) -> list[StoredFinding]:
    """Locks those of the same business, rule and tier that only were counted, found in [since, until], the first one first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM findings WHERE disposition = 'counted' AND fingerprint = $1 AND rule = $2 AND tier = $3"
        " AND drill_id IS NOT DISTINCT FROM $4 AND found_at >= $5 AND found_at <= $6 ORDER BY found_at, id FOR UPDATE",
        like.fingerprint, like.rule, like.tier, like.drill_id, since, until,
    )  # fmt: skip
    return [_stored(r) for r in rows]


async def last_closed(
    connection: Connection, fingerprint: str, drill_id: str | None, since: datetime
) -> ClosedMatter | None:
    """Of the matters of this business that closed at `since` or later, the last one."""
    row = await connection.fetchrow(
        "SELECT task_id, closed_at FROM matters WHERE fingerprint = $1 AND drill_id IS NOT DISTINCT FROM $2"
        " AND closed_at >= $3 ORDER BY closed_at DESC, id DESC LIMIT 1",
        fingerprint, drill_id, since,
    )  # fmt: skip
    return ClosedMatter(row["task_id"], row["closed_at"]) if row else None


async def read(connection: Connection, finding: UUID) -> StoredFinding:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM findings WHERE id = $1", finding)
    assert row is not None
    return _stored(row)


async def dispose(
    connection: Connection, finding: UUID, disposition: str, reason: str, now: datetime
) -> None:
    await connection.execute(
        "UPDATE findings SET disposition = $2, disposition_reason = $3, disposed_at = $4 WHERE id = $1",
        finding, disposition, reason, now,
    )  # fmt: skip


async def ends_to_note(connection: Connection | Pool, limit: int) -> list[EndOfFinding]:
    """Findings of open matters that have ended, which the time line does not say yet."""
    rows = await connection.fetch(
        "SELECT m.task_id, m.id, f.id AS finding, f.ended_at FROM matters m JOIN matter_findings mf ON mf.matter_id = m.id"
        " JOIN findings f ON f.id = mf.finding_id WHERE m.closed_at IS NULL AND mf.end_noted_at IS NULL AND f.ended_at IS NOT NULL"
        " ORDER BY f.ended_at, f.id LIMIT $1",
        limit,
    )
    return [EndOfFinding(r["task_id"], r["id"], r["finding"], r["ended_at"]) for r in rows]


async def note_end(connection: Connection, finding: UUID, now: datetime) -> bool:
    """False when it was noted before."""
    noted = await connection.fetchval(
        "UPDATE matter_findings SET end_noted_at = $2 WHERE finding_id = $1 AND end_noted_at IS NULL RETURNING true",
        finding,
        now,
    )
    return bool(noted)


def _stored(row: Record) -> StoredFinding:
    finding = Finding(
        rule=row["rule"], kind=Kind(row["kind"]), tier=Tier(row["tier"]), place=Position(row["lat"], row["lon"]),
        onset_at=row["onset_at"], severity=row["severity"], reason=Reason(row["reason_key"], row["reason_params"]),
        enterprise=row["enterprise"], station=row["station"], code=row["code"], camera=row["camera"], zone=row["zone"],
        late=row["late"], drill_id=row["drill_id"], detector=row["detector"],
    )  # fmt: skip
    return StoredFinding(row["id"], finding, row["found_at"])
