"""Events enter the log through a queue row in the caller's own transaction; the sequencer numbers them afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from farwatch.storage.database import Connection


@dataclass(frozen=True, slots=True)
class Event:
    type: str
    task: int | None = None
    actor: str | None = None
    detail: dict[str, object] = field(default_factory=dict)


async def append(
    connection: Connection,
    type: str,
    *,
    task: int | None = None,
    actor: str | None = None,
    **detail: object,
) -> None:
    """Adds an event to the caller's transaction. `detail` must be JSON and name people by id only."""
    event = {"type": type, "task": task, "actor": actor, **detail}
    await connection.execute("INSERT INTO event_queue (event) VALUES ($1)", event)


async def append_all(connection: Connection, events: Sequence[Event]) -> None:
    """The same for several, in their order and on one way to the database."""
    rows = [({"type": e.type, "task": e.task, "actor": e.actor, **e.detail},) for e in events]
    await connection.executemany("INSERT INTO event_queue (event) VALUES ($1)", rows)
