"""Two persons, one for the law and one for the technique, before what was kept may be called evidence. Pure rules, thin shell."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from farwatch.domain.finding import Reason
from farwatch.storage import audit, case_reviews, events
from farwatch.storage.blobs import BlobStore
from farwatch.storage.case_reviews import Piece, Review
from farwatch.storage.database import Connection, Pool, transaction

REVIEWABLE = ("handled", "verified", "closed")


class Verdict(StrEnum):
    """`withdrawn` takes the review back that stands."""

    PASSED = "passed"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a reviewer wants; `part` is legal or technical."""

    part: str
    verdict: Verdict
    reviewer: str
    note: str = ""


def refusal(wish: Wish, standing: Sequence[Review], pieces: Sequence[Piece], state: str) -> Reason | None:
    """Why not; None when it may be. `standing` are the reviews that still speak of these pieces."""
    same = next((r for r in standing if r.part == wish.part), None)
    if wish.verdict is not Verdict.PASSED and not wish.note.strip():
        return Reason("note_needed")
    if wish.verdict is Verdict.WITHDRAWN:
        return None if same else Reason("no_review")
    if state not in REVIEWABLE:
        return Reason("wrong_state", {"state": state})
    if same:
        return Reason("already_reviewed", {"reviewer": same.reviewer})
    if any(r.reviewer == wish.reviewer for r in standing):
        return Reason("same_reviewer")
    return _unfit(pieces)


def _unfit(pieces: Sequence[Piece]) -> Reason | None:
    """Of a case that is not whole yet, or has nothing to review."""
    pending = sum(p.state == "pending" for p in pieces)
    if pending:
        return Reason("evidence_pending", {"count": pending})
    return None if any(p.state == "stored" for p in pieces) else Reason("no_evidence")


async def review(pool: Pool, blobs: BlobStore, task_id: int, wish: Wish) -> Reason | None:
    """Does it, or says by name why not. Every stored piece is held against both its hashes first; what came or changed
    meanwhile is `evidence_changed`."""
    before = await case_reviews.load(pool, task_id)
    if before is None:
        return Reason("not_found")
    if why := refusal(wish, before.standing, before.pieces, before.state):
        return why
    if wish.verdict is not Verdict.WITHDRAWN and (spoiled := await _spoiled(blobs, before.pieces)):
        return Reason("hash_differs", {"evidence": str(spoiled.id)})
    async with transaction(pool) as connection:
        await case_reviews.lock(connection, task_id)
        case = await case_reviews.load(connection, task_id)
        assert case is not None, "a task does not go"
        if case.digest != before.digest:
            return Reason("evidence_changed")
        if why := refusal(wish, case.standing, case.pieces, case.state):
            return why
        await _write(connection, task_id, wish, case)
    return None


async def _write(connection: Connection, task_id: int, wish: Wish, case: case_reviews.Case) -> None:
    if wish.verdict is Verdict.WITHDRAWN:
        await case_reviews.withdraw(connection, task_id, wish.part, by=wish.reviewer, note=wish.note)
    else:
        await case_reviews.add(
            connection, task_id, part=wish.part, verdict=wish.verdict, reviewer=wish.reviewer, note=wish.note,
            pieces=case.digest,
        )  # fmt: skip
    await events.append(
        connection, "case_reviewed", task=task_id, actor=wish.reviewer, part=wish.part, verdict=wish.verdict.value,
        note=wish.note, pieces=case.digest,
    )  # fmt: skip
    await audit.write(
        connection, wish.reviewer, "case_reviewed", f"task/{task_id}", part=wish.part, verdict=wish.verdict
    )
    status = await case_reviews.status(connection, task_id)
    if status != case.status:
        await events.append(connection, "case_status", task=task_id, status=status, before=case.status)


async def _spoiled(blobs: BlobStore, pieces: Sequence[Piece]) -> Piece | None:
    """The first stored piece whose bytes are missing or not what they were."""
    for piece in pieces:
        if piece.state == "stored" and not await asyncio.to_thread(_holds, blobs, piece):
            return piece
    return None


def _holds(blobs: BlobStore, piece: Piece) -> bool:
    assert piece.sha256 is not None
    try:
        found = blobs.digests(piece.sha256)
    except FileNotFoundError:
        return False
    return found.sha256 == piece.sha256 and piece.sm3 in (None, found.sm3)
