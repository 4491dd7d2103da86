"""Reviews of a case's evidence as rows. A review speaks of the pieces that there were; with others it no longer stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from farwatch.storage import events
from farwatch.storage.database import Connection, Pool, transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """`stands`: the evidence is still what the reviewer had before him."""

    part: str
    verdict: str
    reviewer: str
    note: str
    at: datetime
    stands: bool


@dataclass(frozen=True, slots=True)
class Piece:
    id: UUID
    state: str
    sha256: str | None
    sm3: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`status` is none, in_review, rejected or evidence; `digest` names the pieces as they are now."""

    state: str
    status: str
    digest: str
    reviews: Sequence[Review]
    pieces: Sequence[Piece]

    @property
    def standing(self) -> list[Review]:
        return [r for r in self.reviews if r.stands]


_REVIEWS = """SELECT part, verdict, reviewer, note, at, pieces = case_pieces(task_id) AS stands FROM case_reviews
WHERE task_id = $1 AND withdrawn_at IS NULL ORDER BY at, id"""
_PIECES = """SELECT e.id, e.state, e.sha256, e.sm3 FROM evidence e WHERE e.task_id = $1 UNION
SELECT e.id, e.state, e.sha256, e.sm3 FROM evidence e JOIN matter_findings f ON f.finding_id = e.finding_id
  JOIN matters m ON m.id = f.matter_id WHERE m.task_id = $1 ORDER BY id"""


async def lock(connection: Connection, task: int) -> None:
    """Nobody else changes the case, and nothing of it is purged, until the transaction's end."""
    await connection.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", task)


async def load(connection: Connection | Pool, task: int) -> Case | None:
    """None when there is no such task. Under `lock` no photo comes in between."""
    head = await connection.fetchrow("SELECT state, case_pieces(id) AS digest FROM tasks WHERE id = $1", task)
    if head is None:
        return None
    return Case(
        state=head["state"],
        digest=head["digest"],
        status=await status(connection, task),
        reviews=[Review(**r) for r in await connection.fetch(_REVIEWS, task)],
        pieces=[Piece(**r) for r in await connection.fetch(_PIECES, task)],
    )


async def status(connection: Connection | Pool, task: int) -> str:
    """none, in_review, rejected or evidence."""
    found: str | None = await connection.fetchval("SELECT status FROM case_statuses WHERE task_id = $1", task)
    return found or "none"


async def add(
    connection: Connection, task: int, *, part: str, verdict: str, reviewer: str, note: str, pieces: str
) -> None:
    """In place of one of this part that no longer stands."""
    await withdraw(connection, task, part, by=reviewer, note="overtaken")
    await connection.execute(
        "INSERT INTO case_reviews (task_id, part, verdict, reviewer, note, pieces) VALUES ($1, $2, $3, $4, $5, $6)",
        task, part, verdict, reviewer, note, pieces,
    )  # fmt: skip


async def withdraw(connection: Connection, task: int, part: str, *, by: str, note: str) -> None:
    await connection.execute(
        "UPDATE case_reviews SET withdrawn_at = clock_timestamp(), withdrawn_by = $3, withdrawn_note = $4"
        " WHERE task_id = $1 AND part = $2 AND withdrawn_at IS NULL",
        task, part, by, note,
    )  # fmt: skip


AT_ONCE = 100


async def note_overtaken(pool: Pool) -> int:
    """Tells the log of reviews whose case has other evidence by now: it is in review again. Returns of how many tasks."""
    overtaken = await pool.fetch(
        "SELECT DISTINCT task_id FROM case_reviews WHERE withdrawn_at IS NULL AND overtaken_at IS NULL"
        " AND pieces <> case_pieces(task_id) LIMIT $1",
        AT_ONCE,
    )
    for row in overtaken:
        async with transaction(pool) as connection:
            task = row["task_id"]
            parts = await connection.fetch(
                "UPDATE case_reviews SET overtaken_at = clock_timestamp() WHERE task_id = $1 AND withdrawn_at IS NULL"
                " AND overtaken_at IS NULL AND pieces <> case_pieces(task_id) RETURNING part",
                task,
            )
            if parts:
                overtook = sorted(r["part"] for r in parts)
                now = await status(connection, task)
                await events.append(connection, "case_status", task=task, status=now, overtaken=overtook)
    return len(overtaken)
