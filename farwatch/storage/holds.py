"""Legal holds (证据保全): while one is set nothing of the case and of its line is purged, whatever quota or retention say.

Setting one refers to the task's row, which purging locks before it takes any bytes: the two wait for each other.
"""

from farwatch.storage import audit, case_reviews, events
from farwatch.storage.database import Connection, Pool, Record

_COLUMNS = "id, task_id, reason, set_by, set_at, lifted_by, lifted_at"


async def current(connection: Connection | Pool, task: int) -> Record | None:
    """The hold in force on this very task."""
    return await connection.fetchrow(
        f"SELECT {_COLUMNS} FROM legal_holds WHERE task_id = $1 AND lifted_at IS NULL", task
    )


async def is_held(connection: Connection | Pool, task: int) -> bool:
    """By its own hold, or by one on a visit of the same line (opened again from it, or it from that)."""
    return bool(await connection.fetchval("SELECT EXISTS (SELECT FROM held_tasks WHERE id = $1)", task))


async def put(connection: Connection, task: int, *, by: str, reason: str) -> Record:
    """The hold in force: a new one, or the one that was set before, unchanged. Waits for whoever holds the task's row."""
    await case_reviews.lock(connection, task)
    row = await connection.fetchrow(
        "INSERT INTO legal_holds (task_id, reason, set_by) VALUES ($1, $2, $3)"
        f" ON CONFLICT (task_id) WHERE lifted_at IS NULL DO NOTHING RETURNING {_COLUMNS}",
        task,
        reason,
        by,
    )
    if row is None:
        return await current(connection, task)
    await events.append(connection, "hold_set", task=task, actor=by, hold=row["id"], reason=reason)
    await audit.write(connection, by, "hold_set", f"task/{task}", hold=row["id"])
    return row


async def lift(connection: Connection, task: int, *, by: str, note: str) -> Record | None:
    """None when there is none in force. Waits for whoever holds the task's row."""
    await case_reviews.lock(connection, task)
    row = await connection.fetchrow(
        "UPDATE legal_holds SET lifted_at = clock_timestamp(), lifted_by = $2 WHERE task_id = $1 AND lifted_at IS NULL"
        f" RETURNING {_COLUMNS}",
        task,
        by,
    )
    if row is not None:
        await events.append(connection, "hold_lifted", task=task, actor=by, hold=row["id"], note=note)
        await audit.write(connection, by, "hold_lifted", f"task/{task}", hold=row["id"])
    return row
