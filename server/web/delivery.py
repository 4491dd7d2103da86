"""t3: an offer is delivered when the officer's own page was sent it, by the stream or by asking. So is every notice of a task."""

from collections.abc import Sequence

from alerting.actions import mark_delivered
from farwatch.domain.task import TaskState
from farwatch.storage import notices
from farwatch.storage.database import Pool, Record, transaction
from farwatch.storage.sessions import Session
from server.web.context import Web
from server.web.event_hub import Frame, targets_of


async def sent_event(web: Web, session: Session, frame: Frame) -> None:
    """After the event went out to this session's page."""
    if frame.task is None:
        return
    web.hub.shown(frame.task, session)
    to_him = session.officer is not None and frame.officer == session.officer
    if frame.type == "task_offered" and to_him and web.hub.first(frame):
        assert session.officer is not None
        await _deliver(web.pool, session.officer, frame.task)


async def sent_tasks(pool: Pool, session: Session, tasks: Sequence[Record]) -> None:
    """When this session asks for tasks: a page that was opened after the offer hears no event of it."""
    for task in tasks:
        waiting = task["state"] == TaskState.OFFERED and task["delivered_at"] is None
        if session.officer is not None and waiting and session.officer in task["offered_to"]:
            await _deliver(pool, session.officer, task["id"])
    await notices.shown(pool, {(task["id"], target) for task in tasks for target in targets_of(session)})


async def _deliver(pool: Pool, officer: str, task: int) -> None:
    async with transaction(pool) as connection:
        await mark_delivered(connection, task, officer)
