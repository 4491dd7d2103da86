"""Who saw, exported or printed what of a case (保管链): in the chain of the log and in the audit, in one commit."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from farwatch.domain.review import CITY
from farwatch.storage import audit, events
from farwatch.storage.database import Connection, Pool, Record
from farwatch.storage.log_reader import LogEntry


class Purpose(StrEnum):
    """For what somebody takes evidence out of the house."""

    REVIEW = "review"
    CASE = "case"
    TRAINING = "training"
    COMPLAINT = "complaint"


TYPES = (
    "custody",
    "case_reviewed",
    "case_status",
    "hold_set",
    "hold_lifted",
    "evidence_purged",
    "evidence_hashed",
)
"""Events of the log that the chain of custody is made of."""
MOST = 1000


async def note(
    connection: Connection,
    *,
    actor: str,
    action: str,
    task: int | None,
    evidence: UUID | None = None,
    purpose: str = "",
) -> None:
    """In the caller's transaction. `action` is viewed, exported or printed; `actor` an account's name."""
    piece = None if evidence is None else str(evidence)
    await events.append(
        connection, "custody", task=task, actor=actor, what=action, evidence=piece, purpose=purpose
    )
    subject = f"evidence/{piece}" if piece else f"task/{task}"
    await audit.write(connection, actor, f"evidence_{action}", subject, task=task, purpose=purpose)


async def of_task(pool: Pool, task: int) -> Sequence[LogEntry]:
    """The last MOST entries of the log that tell what became of the task's evidence, in order; of mere views what finds room."""
    rows = await pool.fetch(
        "SELECT n, task_id, event FROM log WHERE task_id = $1 AND event::jsonb ->> 'type' = ANY($2)"
        " ORDER BY event::jsonb ->> 'what' IS NOT DISTINCT FROM 'viewed', n DESC LIMIT $3",
        task, list(TYPES), MOST,
    )  # fmt: skip
    return [LogEntry(r["n"], r["task_id"], r["event"]) for r in sorted(rows, key=lambda r: int(r["n"]))]


async def task_of(connection: Connection | Pool, evidence: UUID) -> int | None:
    """The task that a piece belongs to; None while its finding is of none."""
    task: int | None = await connection.fetchval(
        "SELECT coalesce(e.task_id, m.task_id) FROM evidence e LEFT JOIN matter_findings f USING (finding_id)"
        " LEFT JOIN matters m ON m.id = f.matter_id WHERE e.id = $1",
        evidence,
    )
    return task


_PIECES = """
SELECT e.id, e.kind, e.state, e.derived_from, e.sha256, e.sm3, e.phone_sha256, e.claimed_at, e.captured_at, e.stored_at, e.meta,
  coalesce(f.detector, '{}') AS detector
FROM evidence e LEFT JOIN findings f ON f.id = e.finding_id WHERE e.id IN (
  SELECT id FROM evidence WHERE task_id = $1 UNION
  SELECT p.id FROM evidence p JOIN matter_findings mf ON mf.finding_id = p.finding_id JOIN matters m ON m.id = mf.matter_id
    WHERE m.task_id = $1)
ORDER BY e.created_at, e.id
"""


async def pieces(pool: Pool, task: int) -> list[dict[str, object]]:
    """What evidence a task has, with what stands beside each piece; `certificate` is the device's as of then."""
    return [_piece(row) for row in await pool.fetch(_PIECES, task)]


def _piece(row: Record) -> dict[str, object]:
    told = dict(row)
    meta = told.pop("meta")
    return {
        **told,
        "by": meta.get("by"),
        "sm3_later": bool(meta.get("sm3_later")),
        "certificate": meta.get("certificate", ""),
        "certificate_until": meta.get("certificate_until"),
        "certificate_expired": has_expired(meta, row["captured_at"]),
    }


def has_expired(meta: Mapping[str, Any], captured_at: datetime | None) -> bool:
    """Whether the device's certificate had ended on the day, of the city, on which the piece was taken."""
    until = meta.get("certificate_until")
    if until is None or captured_at is None:
        return False
    return captured_at.astimezone(CITY).date() > date.fromisoformat(until)
