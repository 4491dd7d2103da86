"""Deadlines as the engine finds them: those that have come, and tasks that nothing would ever look at again."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.task import DeadlineKey, DeadlineKind
from farwatch.storage.database import Connection


@dataclass(frozen=True, slots=True)
class DueDeadline:
    """`kind` as it is stored: one that this program does not know is its task's trouble, and no other's."""

    task: int
    kind: str
    matter: int | None
    step: int

    @property
    def key(self) -> DeadlineKey:
        """Raises ValueError."""
        return (DeadlineKind(self.kind), self.matter, self.step)


async def lock_due(
    connection: Connection, now: datetime, limit: int, without: Collection[DueDeadline] = ()
) -> list[DueDeadline]:
    """The first `limit` deadlines that have come, of all tasks, in the order of their instants, but those `without`; their tasks
    are locked. Of a task that somebody else holds just now none is given."""
    rows = await connection.fetch(
        "SELECT d.task_id, d.kind, d.matter_id, d.step FROM deadlines d JOIN tasks t ON t.id = d.task_id"
        " WHERE d.state = 'pending' AND d.due_at <= $1 AND NOT EXISTS (SELECT"
        " FROM unnest($3::bigint[], $4::text[], $5::bigint[], $6::int[]) AS w (task, kind, matter, step) WHERE w.task = d.task_id"
        " AND w.kind = d.kind AND w.matter IS NOT DISTINCT FROM d.matter_id AND w.step = d.step)"
        " ORDER BY d.due_at, d.id LIMIT $2 FOR UPDATE OF t SKIP LOCKED",
        now,
        limit,
        [w.task for w in without],
        [w.kind for w in without],
        [w.matter for w in without],
        [w.step for w in without],
    )
    return [DueDeadline(r["task_id"], r["kind"], r["matter_id"], r["step"]) for r in rows]


_WAKE = """
INSERT INTO deadlines (task_id, kind, due_at) SELECT id, 'dispatch', $1 FROM (
  SELECT t.id FROM tasks t WHERE t.state = 'offered' AND NOT EXISTS (SELECT FROM deadlines d
    WHERE d.task_id = t.id AND d.state = 'pending' AND d.kind IN ('dispatch', 'offer')) FOR UPDATE SKIP LOCKED
) AS silent
ON CONFLICT (task_id, matter_id, kind, step) DO UPDATE SET due_at = excluded.due_at, state = 'pending', decided_at = NULL
"""


async def wake_silent(connection: Connection, now: datetime) -> int:
    """Somebody is looked for at once for every task that waits for those who were asked and that nothing would ever look at again,
    as an earlier release left some. Returns how many there were."""
    result: str = await connection.execute(_WAKE, now)
    return int(result.rpartition(" ")[2])
