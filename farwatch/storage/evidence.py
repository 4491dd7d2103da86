"""Evidence as rows: pending -> stored | lost, stored -> purged, and back while the bytes are there.

The bytes are in the blob store before a row says `stored`.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from farwatch.storage import events
from farwatch.storage.database import Connection, Record

_NAMESPACE = UUID("0d3f4ad2-5f3f-5c57-8a0f-6a1d3f1f7f43")


class EvidenceKind(StrEnum):
    STILL = "still"
    STILL_MARKED = "still_marked"
    CLIP = "clip"
    CLIP_COPY = "clip_copy"
    READINGS = "readings"
    PHOTO = "photo"


class EvidenceState(StrEnum):
    PENDING = "pending"
    STORED = "stored"
    LOST = "lost"
    PURGED = "purged"
    """Its bytes were deleted by quota; hash, size and the reason stay."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One row. `derived_from` names the original a copy was made from; `captured_at` is when the picture was taken."""

    id: UUID
    kind: EvidenceKind
    state: EvidenceState
    media_type: str
    finding_id: UUID | None = None
    task_id: int | None = None
    reason: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    derived_from: UUID | None = None
    camera: str | None = None
    captured_at: datetime | None = None
    meta: Mapping[str, object] = field(default_factory=dict)


def evidence_id(finding_id: UUID, kind: EvidenceKind) -> UUID:
    """The id of a finding's one piece of that kind, the same however often it is made."""
    return uuid.uuid5(_NAMESPACE, f"{finding_id}|{kind}")


_COLUMNS = "id, finding_id, task_id, kind, state, reason, sha256, size_bytes, media_type, derived_from, camera, captured_at, meta"
_INSERT = f"""
INSERT INTO evidence ({_COLUMNS}, stored_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, CASE WHEN $5 = 'stored' THEN clock_timestamp() END)
ON CONFLICT (id) DO NOTHING RETURNING id
"""
_TASK_OF = """
SELECT coalesce(e.task_id, m.task_id) FROM evidence e LEFT JOIN matter_findings f USING (finding_id)
LEFT JOIN matters m ON m.id = f.matter_id WHERE e.id = $1
"""


async def add(connection: Connection, evidence: Evidence) -> bool:
    """Writes a row in the caller's transaction; True when it is new. A stored one is told as `evidence_stored`."""
    e = evidence
    added = await connection.fetchval(
        _INSERT, e.id, e.finding_id, e.task_id, e.kind, e.state, e.reason, e.sha256, e.size_bytes, e.media_type,
        e.derived_from, e.camera, e.captured_at, dict(e.meta),
    )  # fmt: skip
    if added is not None and e.state is EvidenceState.STORED:
        await _tell(connection, e.id)
    return added is not None


async def mark_stored(
    connection: Connection,
    id: UUID,
    *,
    sha256: str,
    size_bytes: int,
    captured_at: datetime,
    meta: Mapping[str, object],
) -> bool:
    """A pending row whose bytes are now kept; True when it was still pending."""
    changed: bool = await connection.fetchval(
        "SELECT camera_evidence_stored($1, $2, $3, $4, $5)", id, sha256, size_bytes, captured_at, dict(meta)
    )
    if changed:
        await _tell(connection, id)
    return changed


async def mark_lost(connection: Connection, id: UUID, reason: str) -> bool:
    """A pending row whose bytes will never come; True when it was still pending."""
    changed: bool = await connection.fetchval("SELECT camera_evidence_lost($1, $2)", id, reason)
    return changed


async def lose_pending(
    connection: Connection, cameras: Sequence[str], *, older_than_s: float, reason: str
) -> int:
    """Clips and stills of these cameras that nobody cuts or sends any more; returns how many. Age is by PostgreSQL's clock."""
    lost: int = await connection.fetchval(
        "SELECT camera_evidence_given_up($1, $2, $3)", list(cameras), older_than_s, reason
    )
    return lost


async def cameras_with_old_pending(connection: Connection, *, older_than_s: float) -> list[str]:
    """Also of cameras that the registry no longer knows. Age is by PostgreSQL's clock."""
    rows = await connection.fetch(
        "SELECT DISTINCT camera FROM evidence WHERE state = 'pending' AND kind IN ('clip', 'still', 'still_marked')"
        " AND camera IS NOT NULL AND created_at < clock_timestamp() - make_interval(secs => $1)",
        older_than_s,
    )
    return [row["camera"] for row in rows]


@dataclass(frozen=True, slots=True)
class DueCopy:
    """A copy that is to be made of the stored clip `original`, whose bytes are `sha256`."""

    id: UUID
    original: UUID
    captured_at: datetime
    sha256: str


_DUE_COPIES = """
SELECT c.id, o.id AS original, c.captured_at, o.sha256 FROM evidence c JOIN evidence o ON o.id = c.derived_from
WHERE c.kind = 'clip_copy' AND c.state = 'pending' AND o.state = 'stored' AND ($1::uuid IS NULL OR c.id = $1)
ORDER BY c.created_at LIMIT 50
"""


async def claim_copy(connection: Connection) -> DueCopy | None:
    """The oldest copy that nobody has made or is making; it is the caller's as long as he holds the connection."""
    for row in await connection.fetch(_DUE_COPIES, None):
        if await connection.fetchval("SELECT pg_try_advisory_lock(hashtextextended($1, 0))", str(row["id"])):
            if await connection.fetchrow(_DUE_COPIES, row["id"]):
                return DueCopy(**row)
            await connection.execute("SELECT pg_advisory_unlock(hashtextextended($1, 0))", str(row["id"]))
    return None


async def fetch(connection: Connection, id: UUID) -> Evidence | None:
    row = await connection.fetchrow(f"SELECT {_COLUMNS} FROM evidence WHERE id = $1", id)
    return None if row is None else _evidence(row)


async def of_findings(connection: Connection, finding_ids: Sequence[UUID]) -> list[Evidence]:
    """All evidence of these findings, oldest first."""
    rows = await connection.fetch(
        f"SELECT {_COLUMNS} FROM evidence WHERE finding_id = ANY($1) ORDER BY created_at, kind",
        list(finding_ids),
    )
    return [_evidence(row) for row in rows]


async def stored_hashes(connection: Connection) -> set[str]:
    """Every SHA-256 that a stored row names: what the blob store must hold."""
    rows = await connection.fetch("SELECT DISTINCT sha256 FROM evidence WHERE state = 'stored'")
    return {row["sha256"] for row in rows}


async def purged_hashes(connection: Connection) -> tuple[set[str], set[str]]:
    """The SHA-256 of what was purged: whose bytes are deleted, and whose are about to be."""
    rows = await connection.fetch("SELECT sha256, erased_at FROM evidence WHERE state = 'purged'")
    erased = {row["sha256"] for row in rows if row["erased_at"] is not None}
    return erased, {row["sha256"] for row in rows if row["erased_at"] is None}


async def _tell(connection: Connection, id: UUID) -> None:
    row = await connection.fetchrow("SELECT kind, finding_id, sha256 FROM evidence WHERE id = $1", id)
    finding = row["finding_id"]
    await events.append(
        connection, "evidence_stored", task=await connection.fetchval(_TASK_OF, id), evidence=str(id),
        kind=row["kind"], finding=None if finding is None else str(finding), sha256=row["sha256"],
    )  # fmt: skip


def _evidence(row: Record) -> Evidence:
    values = dict(row)
    return Evidence(**values | {"kind": EvidenceKind(row["kind"]), "state": EvidenceState(row["state"])})
