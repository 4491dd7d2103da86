"""Events enter the log through a queue row in the caller's own transaction; the sequencer numbers them afterwards."""

from farwatch.storage.database import Connection


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
