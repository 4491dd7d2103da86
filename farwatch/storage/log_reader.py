"""Reads the numbered log: pages after a number, and a wake-up when it grows."""

import asyncio
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

import orjson

from farwatch.storage.database import CONNECT_TIMEOUT_S, Connection, Pool

CHANNEL = "farwatch_log"


@dataclass(frozen=True, slots=True)
class LogEntry:
    """`text` is the event's canonical JSON, with `n`, `at`, `type`, `task` and `actor` in it."""

    n: int
    task: int | None
    text: str

    @property
    def event(self) -> dict[str, Any]:
        parsed: dict[str, Any] = orjson.loads(self.text)
        return parsed


async def last_n(connection: Connection | Pool) -> int:
    """0 while the log is empty."""
    return int(await connection.fetchval("SELECT coalesce(max(n), 0) FROM log"))


async def after(
    connection: Connection | Pool, n: int, limit: int, up_to: int | None = None
) -> Sequence[LogEntry]:
    """At most `limit` entries with numbers above `n` (and not above `up_to`), in order."""
    rows = await connection.fetch(
        "SELECT n, task_id, event FROM log WHERE n > $1 AND ($3::bigint IS NULL OR n <= $3) ORDER BY n LIMIT $2",
        n,
        limit,
        up_to,
    )
    return [LogEntry(r["n"], r["task_id"], r["event"]) for r in rows]


async def of_task(
    connection: Connection | Pool, task: int, limit: int, but: Collection[str] = ()
) -> Sequence[LogEntry]:
    """The last `limit` entries about a task that are of none of the types `but`, in order."""
    rows = await connection.fetch(
        "SELECT n, task_id, event FROM log WHERE task_id = $1 AND event::jsonb ->> 'type' <> ALL($3) ORDER BY n DESC LIMIT $2",
        task, limit, list(but),
    )  # fmt: skip
    return [LogEntry(r["n"], r["task_id"], r["event"]) for r in reversed(rows)]


class Growth:
    """Wakes whoever waits for the log to grow. It may miss one, and carries no data: look at the rows as well."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()
        self._lost = False

    def wake(self, *_: object) -> None:
        self._changed.set()

    def lose(self, *_: object) -> None:
        self._lost = True
        self._changed.set()

    async def wait(self, timeout_s: float) -> None:
        """Returns when the log grew or the time is up. Raises ConnectionResetError when the connection is lost."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._changed.wait()
        self._changed.clear()
        if self._lost:
            raise ConnectionResetError("the connection that listens to the log is lost")


@asynccontextmanager
async def growth(pool: Pool) -> AsyncIterator[Growth]:
    """Keeps one connection of the pool, to listen on; it ends with the listening."""
    growth = Growth()
    async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
        connection.add_termination_listener(growth.lose)
        await connection.add_listener(CHANNEL, growth.wake)
        try:
            yield growth
        finally:
            # Ended, not given back: saying UNLISTEN on a connection that has just been lost is an error of its own.
            connection.remove_termination_listener(growth.lose)
            connection.terminate()
