"""What every role begins with."""

import asyncio
import logging
import os
import socket
from contextlib import AsyncExitStack

from farwatch.runtime.clock import Clock
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool, open_pool
from farwatch.storage.heartbeats import database_now
from farwatch.storage.migration import require_current
from server.settings import Settings

log = logging.getLogger(__name__)

CLOCK_WARN_S, CLOCK_STOP_S, CLOCK_EVERY_S = 1.0, 5.0, 30.0


class ClockError(Exception):
    """This machine's clock and PostgreSQL's are too far apart for what is stamped here to count."""


async def watch_clock(pool: Pool, clock: Clock) -> None:
    """For ever: compares this process's clock with PostgreSQL's, by which all running clocks go. Raises ClockError."""
    while True:
        before = clock.now()
        theirs = await database_now(pool)
        offset_s = ((before + (clock.now() - before) / 2) - theirs).total_seconds()
        if abs(offset_s) > CLOCK_STOP_S:
            raise ClockError(f"this machine's clock is {offset_s:+.1f} s off PostgreSQL's")
        if abs(offset_s) > CLOCK_WARN_S:
            log.warning(
                "this machine's clock is %+.1f s off PostgreSQL's", offset_s, extra={"event": "clock_offset"}
            )
        await asyncio.sleep(CLOCK_EVERY_S)


async def checked_pool(stack: AsyncExitStack, settings: Settings, size: int) -> Pool:
    """A pool on a database whose schema is this program's. Raises SchemaError."""
    pool = await stack.enter_async_context(open_pool(settings.database_url, size=size))
    async with pool.acquire() as connection:
        await require_current(connection)
    return pool


def holder() -> str:
    """How this process is named in a lease."""
    return f"{socket.gethostname()}/{os.getpid()}"


def blob_store(settings: Settings) -> BlobStore:
    folder = settings.data_dir / "evidence"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return BlobStore(folder, settings.evidence_floor_mb * 1_000_000)
