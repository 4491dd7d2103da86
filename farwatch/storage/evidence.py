"""Evidence as rows: pending -> stored | lost, stored -> purged, and back while the bytes are there.

The bytes are in the blob store before a row says `stored`.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from farwatch.storage import events
from farwatch.storage.database import Connection, Pool, Record

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
    """One row. `derived_from` names the original a copy was made from; `captured_at` is when the picture was taken.

    `sm3` is null while only the first hash is known; `phone_sha256` and `claimed_at` are what an officer's phone said of a photo.
    """

    id: UUID
    kind: EvidenceKind
    state: EvidenceState
    media_type: str
    finding_id: UUID | None = None
    task_id: int | None = None
    reason: str | None = None
    sha256: str | None = None
    sm3: str | None = None
    size_bytes: int | None = None
    derived_from: UUID | None = None
    camera: str | None = None
    captured_at: datetime | None = None
    meta: Mapping[str, object] = field(default_factory=dict)
    phone_sha256: str | None = None
    claimed_at: datetime | None = None


def evidence_id(finding_id: UUID, kind: EvidenceKind) -> UUID:
    """The id of a finding's one piece of that kind, the same however often it is made."""
    return uuid.uuid5(_NAMESPACE, f"{finding_id}|{kind}")


# A camera worker's role may write the first of them only, and reads cameras but no stations.
_OF_A_PIECE = (
    "id", "finding_id", "task_id", "kind", "state", "reason", "sha256", "sm3", "size_bytes", "media_type", "derived_from",
    "camera", "captured_at",
)  # fmt: skip
_OF_A_PHONE = ("phone_sha256", "claimed_at")
_COLUMNS = ", ".join((*_OF_A_PIECE, "meta", *_OF_A_PHONE))
_CERTIFICATE = """(SELECT jsonb_strip_nulls(jsonb_build_object(
    'certificate', d.certificate, 'certificate_until', d.certificate_until, 'calibrated_on', d.calibrated_on))
  FROM {devices} AND d.certificate <> '')"""
_OF_THE_CAMERA = _CERTIFICATE.format(devices="cameras d WHERE d.id = $12")
_OF_THE_STATION = _CERTIFICATE.format(
    devices="stations d JOIN findings f ON f.station = d.mn WHERE f.id = $2"
)


def _insert(columns: tuple[str, ...], certificate: str) -> str:
    """The last parameter is meta; the certificate that the device has just now goes beside it."""
    places = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
    return f"""
    INSERT INTO evidence ({", ".join(columns)}, meta, stored_at)
    VALUES ({places}, ${len(columns) + 1}::jsonb || coalesce({certificate}, '{{}}'),
      CASE WHEN $5 = 'stored' THEN clock_timestamp() END)
    ON CONFLICT (id) DO NOTHING RETURNING id
    """


_INSERT_OF_CAMERA = _insert(_OF_A_PIECE, _OF_THE_CAMERA)
_INSERT = _insert((*_OF_A_PIECE, *_OF_A_PHONE), _OF_THE_STATION)
_TASK_OF = """
SELECT coalesce(e.task_id, m.task_id) FROM evidence e LEFT JOIN matter_findings f USING (finding_id)
LEFT JOIN matters m ON m.id = f.matter_id WHERE e.id = $1
"""


async def add(connection: Connection, evidence: Evidence) -> bool:
    """Writes a row in the caller's transaction; True when it is new. A stored one is told as `evidence_stored`."""
    e = evidence
    piece = [getattr(e, name) for name in _OF_A_PIECE]
    if e.camera is not None:
        added = await connection.fetchval(_INSERT_OF_CAMERA, *piece, dict(e.meta))
    else:
        added = await connection.fetchval(_INSERT, *piece, e.phone_sha256, e.claimed_at, dict(e.meta))
    if added is not None and e.state is EvidenceState.STORED:
        await _tell(connection, e.id, **({"phone_sha256": e.phone_sha256} if e.phone_sha256 else {}))
    return added is not None


async def mark_stored(
    connection: Connection,
    id: UUID,
    *,
    sha256: str,
    sm3: str | None,
    size_bytes: int,
    captured_at: datetime,
    meta: Mapping[str, object],
) -> bool:
    """A pending row whose bytes are now kept; True when it was still pending. `meta` comes to what the row holds."""
    changed: bool = await connection.fetchval(
        "SELECT camera_evidence_stored($1, $2, $3, $4, $5, $6)",
        id, sha256, sm3, size_bytes, captured_at, dict(meta),
    )  # fmt: skip
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


async def stored_hashes(connection: Connection) -> dict[str, set[str]]:
    """Every SHA-256 that a stored row names: what the blob store must hold, with the SM3 that rows give for it."""
    rows = await connection.fetch("SELECT DISTINCT sha256, sm3 FROM evidence WHERE state = 'stored'")
    named: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        named[row["sha256"]] |= {row["sm3"]} - {None}
    return named


async def without_sm3(connection: Connection | Pool, but: Collection[UUID]) -> tuple[UUID, str] | None:
    """The oldest stored row, none of `but`, that has no SM3 yet, and its SHA-256."""
    row = await connection.fetchrow(
        "SELECT id, sha256 FROM evidence WHERE state = 'stored' AND sm3 IS NULL AND NOT id = ANY($1)"
        " ORDER BY stored_at LIMIT 1",
        list(but),
    )
    return None if row is None else (row["id"], row["sha256"])


async def add_sm3(connection: Connection, id: UUID, sm3: str) -> None:
    """Made later than at first touch, and marked so; told as `evidence_hashed`."""
    done = await connection.fetchval(
        "UPDATE evidence SET sm3 = $2, meta = meta || '{\"sm3_later\": true}' WHERE id = $1 AND sm3 IS NULL RETURNING true",
        id, sm3,
    )  # fmt: skip
    if done:
        task = await connection.fetchval(_TASK_OF, id)
        await events.append(connection, "evidence_hashed", task=task, evidence=str(id), sm3=sm3, later=True)


async def purged_hashes(connection: Connection) -> tuple[set[str], set[str]]:
    """The SHA-256 of what was purged: whose bytes are deleted, and whose are about to be."""
    rows = await connection.fetch("SELECT sha256, erased_at FROM evidence WHERE state = 'purged'")
    erased = {row["sha256"] for row in rows if row["erased_at"] is not None}
    return erased, {row["sha256"] for row in rows if row["erased_at"] is None}


async def _tell(connection: Connection, id: UUID, **more: str) -> None:
    row = await connection.fetchrow("SELECT kind, finding_id, sha256, sm3 FROM evidence WHERE id = $1", id)
    finding = row["finding_id"]
    await events.append(
        connection, "evidence_stored", task=await connection.fetchval(_TASK_OF, id), evidence=str(id),
        kind=row["kind"], finding=None if finding is None else str(finding), sha256=row["sha256"], sm3=row["sm3"], **more,
    )  # fmt: skip


def _evidence(row: Record) -> Evidence:
    values = dict(row)
    return Evidence(**values | {"kind": EvidenceKind(row["kind"]), "state": EvidenceState(row["state"])})
