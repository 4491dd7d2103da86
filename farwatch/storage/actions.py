"""What people did to tasks. A client's own id makes a repeat harmless."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.place import Position
from farwatch.storage import audit, events
from farwatch.storage.database import Connection, Pool, transaction


class ClientIdUsedError(Exception):
    """Another deed has this id, and nothing was written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """`claimed_at` is the phone's own time: kept and shown, never decides. `result` is done, or the reason of a refusal. With
    `salt` the log's commitment can be made again from note and position."""

    client_id: str
    task: int
    actor: str
    action: str
    claimed_at: datetime
    received_at: datetime
    note: str
    position: Position | None
    result: str
    salt: bytes


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
        "INSERT INTO actions (client_id, task_id, actor, action, claimed_at, received_at, note, lat, lon, accuracy_m, result, salt)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (client_id) DO NOTHING RETURNING true",
        deed.client_id, deed.task, deed.actor, deed.action, deed.claimed_at, deed.received_at, deed.note,
        at.lat if at else None, at.lon if at else None, at.accuracy_m if at else None, deed.result, deed.salt,
    )  # fmt: skip
    if not made:
        raise ClientIdUsedError(deed.client_id)


async def erase_note(pool: Pool, client_id: str, *, by: str) -> bool:
    """Note and position go, and the salt, so that nobody can guess them from the log's commitment; an excuse that
    they were goes with them. The chain stays whole. False when there is no such deed, or it was done before."""
    async with transaction(pool) as connection:
        row = await connection.fetchrow(
            "UPDATE actions SET note = '', lat = NULL, lon = NULL, accuracy_m = NULL, salt = NULL, erased_at = clock_timestamp()"
            " WHERE client_id = $1 AND erased_at IS NULL RETURNING task_id, actor, received_at",
            client_id,
        )
        if row is None:
            return False
        task = row["task_id"]
        await connection.execute(
            "UPDATE deadlines SET excuse = '' WHERE task_id = $1 AND excused_by = $2 AND excused_at = $3",
            task, row["actor"], row["received_at"],
        )  # fmt: skip
        await events.append(connection, "note_erased", task=task, actor=by, deed=client_id)
        await audit.write(connection, by, "note_erased", f"action/{client_id}", task=task)
    return True


async def reasons(pool: Pool, task: int) -> dict[str, str]:
    """By deed why the task changed hands or a breach stands excused: the log cannot have these words, since they can be erased."""
    rows = await pool.fetch(
        "SELECT client_id, note FROM actions WHERE task_id = $1 AND action IN ('reassign', 'hand-over', 'excuse') AND note <> ''",
        task,
    )
    return {row["client_id"]: row["note"] for row in rows}
