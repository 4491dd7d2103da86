"""What a decision makes of the notices that were written before it: some were answered, others are worth nothing any more."""

from collections.abc import Sequence
from datetime import datetime

from farwatch.domain.task import Task, TaskState
from farwatch.storage import notices
from farwatch.storage.database import Connection

OFFERS = ("offer",)
"""Steps that ask somebody to take the task, or to take it over, begin so."""
ASKING = ("offer", "matter:")
VISIT = (*ASKING, "escalated:", "nobody:", "unheard:", "lapsed:")
"""Steps that matter only until the visit is over."""
OVER = (TaskState.HANDLED, TaskState.VERIFIED, TaskState.CLOSED)


async def follow(connection: Connection, changes: Sequence[tuple[Task | None, Task]], now: datetime) -> None:
    """In the commit of the decisions, under the tasks' row locks. All notices that they settle are locked first, since each
    statement here has an order of its own."""
    known = [(before, after) for before, after in changes if before is not None and _settles(before, after)]
    if known:
        await notices.lock(connection, [after.id for _, after in known])
    for before, after in known:
        await _follow(connection, before, after, now)


def _settles(before: Task, after: Task) -> bool:
    return (
        _answers(after) != _answers(before)
        or not _asked(before) <= _asked(after)
        or (after.state in OVER and before.state not in OVER)
    )


async def _follow(connection: Connection, before: Task, after: Task, now: datetime) -> None:
    if after.officer is not None and _answers(after) != _answers(before):
        await notices.receipt(
            connection, "accepted", now, task=after.id, targets=[after.officer], steps=ASKING
        )
        await notices.supersede(connection, after.id, ASKING, only=after.officer)
    if after.officer is not None and after.officer != before.officer:
        await notices.supersede(connection, after.id, OFFERS, but=after.officer)
    for officer in sorted(_asked(before) - _asked(after)):
        await notices.supersede(connection, after.id, ASKING, only=officer)
    if after.state in OVER and before.state not in OVER:
        await notices.supersede(connection, after.id, VISIT)


def _answers(task: Task) -> tuple[object, ...]:
    """What an accepting changes."""
    return (task.officer, *(matter.accepted_at for matter in task.matters if matter.accepted_at))


def _asked(task: Task) -> set[str]:
    asked = {officer for officer in task.offered_to if officer not in task.declined_by}
    return asked | ({task.handover_to} if task.handover_to else set())
