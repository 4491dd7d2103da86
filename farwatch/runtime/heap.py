"""What the C library keeps of memory that nobody uses any more."""

import asyncio
import ctypes
from collections.abc import Awaitable, Callable
from typing import NoReturn

TRIM_EVERY_S = 60.0


def trimmer() -> Callable[[], None] | None:
    """Gives every free page of the heap back to the system (glibc's malloc_trim); None where the C library has no such thing.

    glibc by itself gives back only what is free at the heap's very end, so that a process in which large and small pieces come and
    go grows for days while it holds no more.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return None if trim is None else lambda: trim(0)


async def keep_trimmed(
    trim: Callable[[], None], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> NoReturn:
    """For ever, in a thread: it takes milliseconds for each hundred megabytes."""
    while True:
        await sleep(TRIM_EVERY_S)
        await asyncio.to_thread(trim)
