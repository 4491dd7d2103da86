"""Storms as rows: at most one runs. Who begins, goes on with or ends one holds the correlation lock."""

from datetime import datetime

from farwatch.domain.silence import Storm
from farwatch.storage import events
from farwatch.storage.database import Connection, Pool, Record


async def running(connection: Connection | Pool) -> Storm | None:
    row = await connection.fetchrow("SELECT id, began_at, last_at, tasks FROM storms WHERE ended_at IS NULL")
    return Storm(**row) if row else None


async def tasks_since(connection: Connection, since: datetime, until: datetime) -> int:
    """Real tasks with t1 in [since, until]."""
    n: int = await connection.fetchval(
        "SELECT count(*) FROM tasks WHERE opened_at >= $1 AND opened_at <= $2 AND drill_id IS NULL",
        since,
        until,
    )
    return n


async def matters_since(connection: Connection, since: datetime, until: datetime) -> int:
    """Real matters with t1 in [since, until]."""
    n: int = await connection.fetchval(
        "SELECT count(*) FROM matters WHERE found_at >= $1 AND found_at <= $2 AND drill_id IS NULL",
        since,
        until,
    )
    return n


async def begin(connection: Connection, at: datetime) -> Storm:
    """`at`: the commit of the finding that was one too many."""
    begun: int = await connection.fetchval(
        "INSERT INTO storms (began_at, last_at) VALUES ($1, $1) RETURNING id", at
    )
    await events.append(connection, "storm_began", storm=begun, began_at=at.isoformat())
    return Storm(id=begun, began_at=at, last_at=at)


async def goes_on(connection: Connection, storm: int, at: datetime) -> None:
    await connection.execute("UPDATE storms SET last_at = greatest(last_at, $2) WHERE id = $1", storm, at)


async def count_task(connection: Connection, storm: int) -> None:
    await connection.execute("UPDATE storms SET tasks = tasks + 1 WHERE id = $1", storm)


_MATTERS = "SELECT count(*) FROM matters m JOIN tasks t ON t.id = m.task_id WHERE t.storm_id = $1"


async def end(connection: Connection, storm: Storm, at: datetime) -> None:
    tasks = await connection.fetchval(
        "UPDATE storms SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL RETURNING tasks", storm.id, at
    )
    if tasks is None:
        return
    matters = await connection.fetchval(_MATTERS, storm.id)
    await events.append(
        connection, "storm_ended", storm=storm.id, ended_at=at.isoformat(), tasks=tasks, matters=matters
    )


_LISTED = """
SELECT s.id, s.began_at, s.last_at, s.ended_at, s.tasks,
  (SELECT count(*) FROM tasks t JOIN matters m ON m.task_id = t.id WHERE t.storm_id = s.id) AS matters,
  (SELECT count(*) FROM tasks t WHERE t.storm_id = s.id AND t.state <> 'closed') AS open
FROM storms s ORDER BY s.id DESC LIMIT $1
"""


async def listed(connection: Connection | Pool, limit: int) -> list[Record]:
    """Newest first, with what each brought: tasks, their matters, and how many of the tasks are not closed."""
    rows: list[Record] = await connection.fetch(_LISTED, limit)
    return rows
