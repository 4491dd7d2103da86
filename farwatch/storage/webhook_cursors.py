"""Up to which number of the log each program outside was told, and what its events say of people and drills."""

from collections.abc import Collection
from datetime import datetime

from farwatch.storage.database import Connection, Pool


async def get(connection: Connection | Pool, name: str) -> int | None:
    """None: it was never told anything."""
    n: int | None = await connection.fetchval("SELECT n FROM webhook_cursors WHERE name = $1", name)
    return n


async def put(connection: Connection, name: str, n: int, now: datetime) -> None:
    """Never backwards."""
    await connection.execute(
        "INSERT INTO webhook_cursors VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE SET n = excluded.n, at = excluded.at"
        " WHERE webhook_cursors.n < excluded.n",
        name,
        n,
        now,
    )


async def ids_of(connection: Connection | Pool, users: Collection[str]) -> dict[str, str]:
    """What stands for an account outside: the officer's id, else the role."""
    rows = await connection.fetch(
        "SELECT name, coalesce(officer, role) AS id FROM users WHERE name = ANY($1::text[])", list(users)
    )
    return {r["name"]: r["id"] for r in rows}


async def drills_of(connection: Connection | Pool, tasks: Collection[int]) -> dict[int, str]:
    """The drill of each of these tasks that belongs to one."""
    rows = await connection.fetch(
        "SELECT id, drill_id FROM tasks WHERE id = ANY($1::bigint[]) AND drill_id IS NOT NULL", list(tasks)
    )
    return {r["id"]: r["drill_id"] for r in rows}
