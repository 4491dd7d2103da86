"""Up to which number of the log each program outside was told, what it refused, and what its events say of people and drills."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.database import Connection, Pool


@dataclass(frozen=True, slots=True)
class Course:
    """How a program fares: `behind` entries of the log wait for it, the oldest since `behind_s`; `aside` were given up, the last
    one at `aside_at`."""

    name: str
    behind: int
    behind_s: float
    aside: int
    aside_at: datetime | None


async def get(connection: Connection | Pool, name: str) -> int | None:
    """None: it was never told anything."""
    n: int | None = await connection.fetchval("SELECT n FROM webhook_cursors WHERE name = $1", name)
    return n


async def put(connection: Connection, name: str, n: int, now: datetime) -> None:
    """Never backwards."""
    await connection.execute(
        "INSERT INTO webhook_cursors (name, n, at) VALUES ($1, $2, $3) ON CONFLICT (name) DO UPDATE"
        " SET n = excluded.n, at = excluded.at, refusals = 0 WHERE webhook_cursors.n < excluded.n",
        name,
        n,
        now,
    )


async def refused(connection: Connection, name: str) -> int:
    """It did not want the next entry; returns how often it did not by now."""
    refusals: int = await connection.fetchval(
        "UPDATE webhook_cursors SET refusals = refusals + 1 WHERE name = $1 RETURNING refusals", name
    )
    return refusals


async def set_aside(connection: Connection, name: str, n: int, now: datetime) -> None:
    """Goes on after entry `n`, which it never took."""
    await put(connection, name, n, now)
    await connection.execute(
        "UPDATE webhook_cursors SET aside = aside + 1, aside_at = $2 WHERE name = $1", name, now
    )


async def configure(connection: Connection, names: Collection[str]) -> None:
    """Those in `names` are told; of others the place is kept, and nobody waits for them."""
    await connection.execute(
        "UPDATE webhook_cursors SET active = (name = ANY($1::text[])) WHERE active <> (name = ANY($1::text[]))",
        list(names),
    )


async def courses(connection: Connection | Pool) -> list[Course]:
    """Of those that are told, by name."""
    rows = await connection.fetch(
        "SELECT c.name, greatest(0, coalesce(last.n, 0) - c.n) AS behind, c.aside, c.aside_at,"
        " coalesce(greatest(0, extract(epoch FROM clock_timestamp() - next.at)), 0)::float8 AS behind_s"
        " FROM webhook_cursors c LEFT JOIN log next ON next.n = c.n + 1 LEFT JOIN (SELECT max(n) AS n FROM log) last ON true"
        " WHERE c.active ORDER BY c.name"
    )
    return [Course(**row) for row in rows]


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
