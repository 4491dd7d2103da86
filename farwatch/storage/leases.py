"""One holder per role: a PostgreSQL advisory lock says who, an epoch row fences off whoever was before.

The lock lives with its connection, so the death of the holder's process frees it at once. A holder that was paused and
comes back finds another epoch in the row, and its commits fail.
"""

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn

from farwatch.domain.share import Share
from farwatch.storage.database import PASSING_ERRORS, Connection, Pool, connect

log = logging.getLogger(__name__)

WAIT_BETWEEN_TRIES_S = 0.5
CHECK_EVERY_S = 2.0
TRIES_FOR_OUR_OWN = 8


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
    async with _connection(url, holder) as connection:
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


@asynccontextmanager
async def hold_share(url: str, share: Share, holder: str) -> AsyncIterator[None]:
    """The same for a share of the cameras, without an epoch: what a worker writes that was replaced is what its successor
    writes too. Waits also while others divide the cameras by another number. Needs no right but to connect.

    A database that is away does not end the body, which has findings to write when it is back; LeaseLostError (as the one
    member of an ExceptionGroup) comes when somebody else has taken the share meanwhile.
    """
    async with AsyncExitStack() as stack:
        connection = await stack.enter_async_context(_connection(url, holder))
        await _take_share(connection, share)
        async with asyncio.TaskGroup() as group:
            keep = group.create_task(_keep_share(url, share, holder, connection), name=f"share {share}")
            yield
            keep.cancel()


async def _keep_share(url: str, share: Share, holder: str, connection: Connection) -> NoReturn:
    async with AsyncExitStack() as stack:
        while True:
            await asyncio.sleep(CHECK_EVERY_S)
            try:
                await connection.fetchval("SELECT 1", timeout=CHECK_EVERY_S * 2)
            except PASSING_ERRORS as error:
                log.warning("cameras %s: the lock's connection failed: %s", share, error)
                connection.terminate()
                connection = await stack.enter_async_context(_taken_again(url, share, holder))


@asynccontextmanager
async def _taken_again(url: str, share: Share, holder: str) -> AsyncIterator[Connection]:
    """Raises LeaseLostError. A lock of our own that the server has not missed yet goes within its keep-alives."""
    tries_left = TRIES_FOR_OUR_OWN
    while True:
        async with AsyncExitStack() as stack:
            try:
                connection = await stack.enter_async_context(_connection(url, holder))
                why = await _why_not(connection, share)
            except PASSING_ERRORS as error:
                log.debug("cameras %s: %s", share, error)
            else:
                if why is None:
                    log.info("cameras %s: the share is locked again", share)
                    yield connection
                    return
                tries_left -= 1
                if not tries_left:
                    raise LeaseLostError(f"cameras {share}: {why}")
        await asyncio.sleep(CHECK_EVERY_S)


@asynccontextmanager
async def _connection(url: str, holder: str) -> AsyncIterator[Connection]:
    connection = await connect(url)
    try:
        # PostgreSQL would keep the lock of a machine that vanished for hours; on a Unix socket this does nothing.
        await connection.execute(
            "SET tcp_keepalives_idle = 3; SET tcp_keepalives_interval = 2; SET tcp_keepalives_count = 3"
        )
        await connection.execute("SELECT set_config('application_name', $1, false)", holder)
        yield connection
    finally:
        connection.terminate()


_SHARES = 0x43414D53  # "CAMS": the first half of the locks' keys; the second is 1024 * count + index, and 0 for the gate
_LOCKS = f"""(SELECT objid::bigint, pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2
  AND classid = {_SHARES} AND database = (SELECT oid FROM pg_database WHERE datname = current_database())) AS locks"""
_OTHERS = f"""
SELECT count(*) FILTER (WHERE objid / 1024 <> $1) AS divided_otherwise, count(*) FILTER (WHERE objid = $1 * 1024 + $2) AS held
FROM {_LOCKS} WHERE objid > 0
"""
_HOLDERS = f"""
SELECT objid / 1024 AS count, objid % 1024 AS index, application_name AS holder
FROM {_LOCKS} JOIN pg_stat_activity USING (pid) WHERE objid > 0
"""


async def share_holders(connection: Connection | Pool) -> dict[Share, str]:
    """Which shares are held now, all of one division, and by whom; every role of the database may ask."""
    rows = await connection.fetch(_HOLDERS)
    return {Share(r["index"], r["count"]): r["holder"] for r in rows}


async def _take_share(connection: Connection, share: Share) -> None:
    told = ""
    while (why := await _why_not(connection, share)) is not None:
        if why != told:
            log.info(
                "cameras %s: %s: standing by",
                share,
                why,
                extra={"event": "standing_by", "role_name": f"cameras {share}"},
            )
        told = why
        await asyncio.sleep(WAIT_BETWEEN_TRIES_S)


async def _why_not(connection: Connection, share: Share) -> str | None:
    """Takes the share's lock and returns None, or why it cannot be had now. The gate keeps two from taking at once what
    excludes each other."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1, 0)", _SHARES)
        others = await connection.fetchrow(_OTHERS, share.count, share.index)
        assert others is not None
        if others["divided_otherwise"]:
            return f"others divide the cameras by another number than {share.count}"
        if others["held"]:
            return "another process watches these"
        await connection.execute("SELECT pg_advisory_lock($1, $2)", _SHARES, 1024 * share.count + share.index)
    return None


_HELD = """
SELECT coalesce(nullif(application_name, ''), 'a process') FROM pg_locks LEFT JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND objsubid = 1 AND classid = 0 AND objid = $1::bigint::oid
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


async def holders(connection: Connection) -> dict[str, str]:
    """Which roles somebody holds now, and who, by the locks; none where the schema knows no roles yet."""
    if await connection.fetchval("SELECT to_regclass('leases') IS NULL"):
        return {}
    roles = [r["role"] for r in await connection.fetch("SELECT role FROM leases ORDER BY role")]
    held = {role: await connection.fetchval(_HELD, _key(role)) for role in roles}
    return {role: holder for role, holder in held.items() if holder is not None}


def _key(role: str) -> int:
    return zlib.crc32(f"farwatch/{role}".encode())


async def _lock(connection: Connection, role: str) -> None:
    is_told = False
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _key(role)):
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
