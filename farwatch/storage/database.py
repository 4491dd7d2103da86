"""Connections to PostgreSQL: pools with time limits, and the errors that callers may see."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg
import orjson

Connection: TypeAlias = asyncpg.Connection
Pool: TypeAlias = asyncpg.Pool
Record: TypeAlias = asyncpg.Record

CONNECT_TIMEOUT_S = 5.0
COMMAND_TIMEOUT_S = 30.0
IDLE_IN_TRANSACTION_S = 10.0
"""After so long within a transaction without a word its rows are free again: whoever holds them was stopped or cut off."""


class SchemaError(Exception):
    """The database's schema is not the one this program was written for."""


OUTAGE_ERRORS: tuple[type[Exception], ...] = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.QueryCanceledError,
    asyncpg.IdleInTransactionSessionTimeoutError,
)
"""What a restart, an outage, a take-over, a full disk or a moment's contention of the database looks like, and little else."""

PASSING_ERRORS: tuple[type[Exception], ...] = (OSError, TimeoutError, *OUTAGE_ERRORS)
"""All that it can look like, worth another try; a disk or another server may look so too."""

CONTENTION_ERRORS: tuple[type[Exception], ...] = (asyncpg.SerializationError, asyncpg.DeadlockDetectedError)
"""Somebody else changed the same rows at the same moment: the same again will do."""

HELD_ERRORS: tuple[type[Exception], ...] = (asyncpg.LockNotAvailableError,)
"""Somebody else holds the rows for longer than the transaction wants to wait."""

DATA_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    UnicodeEncodeError,
)
"""A row that the database will never take."""

AUTHENTICATION_ERRORS: tuple[type[Exception], ...] = (
    asyncpg.InvalidAuthorizationSpecificationError,
    asyncpg.InvalidCatalogNameError,
)


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", encoder=lambda v: orjson.dumps(v).decode(), decoder=orjson.loads
    )


async def connect(url: str, *, command_timeout_s: float | None = COMMAND_TIMEOUT_S) -> Connection:
    """One connection of its own, for locks and LISTEN; for migrations without a limit on each command."""
    connection = await asyncpg.connect(url, timeout=CONNECT_TIMEOUT_S, command_timeout=command_timeout_s)
    await _prepare(connection)
    return connection


@asynccontextmanager
async def open_pool(url: str, *, size: int = 4) -> AsyncIterator[Pool]:
    """A pool of at most `size` connections; acquiring one, connecting, each command and each rest within a transaction have
    time limits."""
    pool = await asyncpg.create_pool(
        url,
        min_size=0,
        max_size=size,
        timeout=CONNECT_TIMEOUT_S,
        command_timeout=COMMAND_TIMEOUT_S,
        server_settings={"idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_S:.0f}s"},
        init=_prepare,
    )
    try:
        yield pool
    finally:
        pool.terminate()


@asynccontextmanager
async def snapshot(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction all of whose statements see the same moment, that of its first one. It is for reading and may rest as long
    as it likes, as while what it read is written to a file. Raises CONTENTION_ERRORS."""
    async with (
        pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection,
        connection.transaction(isolation="repeatable_read"),
    ):
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield connection


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One transaction on a connection of the pool; commits at the end, rolls back on any error."""
    async with pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection, connection.transaction():
        yield connection


@asynccontextmanager
async def savepoint(connection: Connection) -> AsyncIterator[None]:
    """Within a transaction: what fails in here is undone, and the transaction goes on."""
    async with connection.transaction():
        yield
