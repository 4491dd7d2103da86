"""Being woken by NOTIFY. It only wakes: whoever listens also looks by itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from farwatch.storage.database import connect


@asynccontextmanager
async def listening(url: str, *channels: str) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever one of the channels is notified."""
    connection = await connect(url)
    woken = asyncio.Event()

    def wake(*_: object) -> None:
        woken.set()

    try:
        for channel in channels:
            await connection.add_listener(channel, wake)
        yield woken
    finally:
        connection.terminate()
