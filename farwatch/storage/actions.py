"""What people did to tasks. A client's own id makes a repeat harmless."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.place import Position
from farwatch.storage.database import Connection


class ClientIdUsedError(Exception):
    """Another deed has this id, and nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`claimed_at` is the phone's own time: kept and shown, never decides. `result` is done, or the reason of a refusal."""

    client_id: str
    task: int
    actor: str
    action: str
    claimed_at: datetime
    received_at: datetime
    note: str
    position: Position | None
    result: str


async def earlier(connection: Connection, client_id: str) -> tuple[int, str, str, str] | None:
    """(task, actor, action, result) of the deed with this id."""
    row = await connection.fetchrow(
        "SELECT task_id, actor, action, result FROM actions WHERE client_id = $1", client_id
    )
    return (row["task_id"], row["actor"], row["action"], row["result"]) if row else None


async def add(connection: Connection, deed: Deed) -> None:
    """Raises ClientIdUsedError."""
    at = deed.position
    made = await connection.fetchval(
        "INSERT INTO actions (client_id, task_id, actor, action, claimed_at, received_at, note, lat, lon, accuracy_m, result)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (client_id) DO NOTHING RETURNING true",
        deed.client_id, deed.task, deed.actor, deed.action, deed.claimed_at, deed.received_at, deed.note,
        at.lat if at else None, at.lon if at else None, at.accuracy_m if at else None, deed.result,
    )  # fmt: skip
    if not made:
        raise ClientIdUsedError(deed.client_id)
