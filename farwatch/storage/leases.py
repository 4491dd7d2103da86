"""One holder per role: a PostgreSQL advisory lock says who, an epoch row fences off whoever was before.

The lock lives with its connection, so the death of the holder's process frees it at once. A holder that was paused and
comes back finds another epoch in the row, and its commits fail.
"""

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from farwatch.storage.database import Connection, connect

log = logging.getLogger(__name__)

WAIT_BETWEEN_TRIES_S = 0.5
CHECK_EVERY_S = 2.0


class LeaseLostError(Exception):
    """Somebody else holds the role now: nothing of this process may be committed any more."""


@dataclass(frozen=True, slots=True)
class Lease:
    """`check` belongs at the start of every transaction of the holder; it also keeps a taker waiting until the commit."""

    role: str
    epoch: int

    async def check(self, connection: Connection) -> None:
        held = await connection.fetchval("SELECT epoch FROM leases WHERE role = $1 FOR SHARE", self.role)
        if held != self.epoch:
            raise LeaseLostError(f"{self.role}: epoch {self.epoch} was replaced by {held}")


@asynccontextmanager
async def hold(url: str, role: str, holder: str) -> AsyncIterator[Lease]:
    """Waits until the role is free, takes it, and watches the lock's connection: when that is lost, the body is
    cancelled and LeaseLostError raised (it leaves as the one member of an ExceptionGroup)."""
    connection = await connect(url)
    try:
        # PostgreSQL would keep the lock of a machine that vanished for hours; on a Unix socket this does nothing.
        await connection.execute(
            "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
        )
        await _lock(connection, role)
        epoch = await connection.fetchval(
            "INSERT INTO leases VALUES ($1, 1, $2, clock_timestamp()) ON CONFLICT (role)"
            " DO UPDATE SET epoch = leases.epoch + 1, holder = excluded.holder, taken_at = excluded.taken_at RETURNING epoch",
            role,
            holder,
        )
        async with asyncio.TaskGroup() as group:
            watch = group.create_task(_watch(connection, role), name=f"lease {role}")
            yield Lease(role, epoch)
            watch.cancel()
    finally:
        connection.terminate()


async def _lock(connection: Connection, role: str) -> None:
    key = zlib.crc32(f"farwatch/{role}".encode())
    is_told = False
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", key):
        if not is_told:
            log.info(
                "another process is the %s: standing by",
                role,
                extra={"event": "standing_by", "role_name": role},
            )
        is_told = True
        await asyncio.sleep(WAIT_BETWEEN_TRIES_S)


async def _watch(connection: Connection, role: str) -> None:
    while True:
        await asyncio.sleep(CHECK_EVERY_S)
        try:
            await connection.fetchval("SELECT 1", timeout=CHECK_EVERY_S * 2)
        except Exception as error:
            raise LeaseLostError(f"{role}: the lock's connection failed: {error}") from error
