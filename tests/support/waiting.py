"""Waiting for a real process or another transaction: look often, give up at a deadline, say what was seen last."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from farwatch.storage.database import Pool

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], wanted: Callable[[T], bool], within_s: float = 30) -> T:
    give_up_at = time.monotonic() + within_s
    while True:
        seen = await look()
        if wanted(seen):
            return seen
        if time.monotonic() > give_up_at:
            raise AssertionError(f"not within {within_s} s; last seen: {seen}")
        await asyncio.sleep(0.05)


async def until_somebody_waits(pool: Pool) -> None:
    """For what another transaction of this database holds; its server may have others, in which others wait."""
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    await until(lambda: pool.fetchval(sql), bool)
