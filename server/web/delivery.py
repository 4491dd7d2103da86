"""t3: an offer is delivered when the officer's own page was sent it, by the stream or by asking."""

from collections.abc import Sequence

from alerting.actions import mark_delivered
from farwatch.domain.task import TaskState
from farwatch.storage.database import Pool, Record, transaction
from farwatch.storage.log_reader import LogEntry
from farwatch.storage.sessions import Session


async def sent_event(pool: Pool, session: Session, entry: LogEntry) -> None:
    """After the event went out to this session's page."""
    if session.officer is None or entry.task is None:
        return
    event = entry.event
    if event["type"] == "task_offered" and event.get("officer") == session.officer:
        await _deliver(pool, session.officer, entry.task)


async def sent_tasks(pool: Pool, session: Session, tasks: Sequence[Record]) -> None:
    """When this session asks for tasks: a page that was opened after the offer hears no event of it."""
    for task in tasks:
        waiting = task["state"] == TaskState.OFFERED and task["delivered_at"] is None
        if session.officer is not None and waiting and session.officer in task["offered_to"]:
            await _deliver(pool, session.officer, task["id"])


async def _deliver(pool: Pool, officer: str, task: int) -> None:
    async with transaction(pool) as connection:
        await mark_delivered(connection, task, officer)
