"""Waiting for a real process: look often, give up at a deadline, say what was seen last."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

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
