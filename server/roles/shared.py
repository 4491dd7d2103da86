"""What every role begins with."""

import os
import socket
from contextlib import AsyncExitStack

from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool, open_pool
from farwatch.storage.migration import require_current
from server.settings import Settings


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
    return BlobStore(folder)
