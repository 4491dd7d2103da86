"""One embedded PostgreSQL per process of a run, a migrated template, a fresh database per test."""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from farwatch.storage.database import Pool, connect, open_pool
from farwatch.storage.migration import migrate
from server.embedded.postgres import EmbeddedPostgres

_numbers = itertools.count(1)
_OURS = f"farwatch_test_{uuid4().hex[:12]}"
"""Runs, on whatever machine, and the processes of one may share a server; one that was killed leaves its databases there."""
_TEMPLATE = f"{_OURS}_template"


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path_factory.mktemp("pg"), settings={"fsync": "off"})
    server.start()
    yield server
    server.stop(immediate=True)


@pytest.fixture(scope="session")
def _template(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A migrated database to copy. FARWATCH_TEST_DATABASE_URL (an owner's, e.g. on TimescaleDB) replaces the embedded server."""
    admin = os.environ.get("FARWATCH_TEST_DATABASE_URL") or postgres.url("postgres")

    async def make() -> None:
        connection = await connect(admin)
        await connection.execute(f"CREATE DATABASE {_TEMPLATE}")
        await connection.close()
        url = _with_database(admin, _TEMPLATE)
        await migrate(url, url)

    async def drop() -> None:
        connection = await connect(admin)
        await connection.execute(f"DROP DATABASE {_TEMPLATE} WITH (FORCE)")
        await connection.close()

    asyncio.run(make())
    yield admin
    asyncio.run(drop())


def _with_database(url: str, database: str) -> str:
    head, _, tail = url.rpartition("/") if "?" not in url else url[: url.index("?")].rpartition("/")
    query = url[url.index("?") :] if "?" in url else ""
    return f"{head}/{database}{query}" if head else url + tail


@pytest.fixture
async def database_url(_template: str) -> AsyncIterator[str]:
    """A fresh, migrated database of this test's own."""
    name = f"{_OURS}_{next(_numbers)}"
    url = _with_database(_template, name)
    connection = await connect(_template)
    if "timescaledb" in await connection.fetchval("SHOW shared_preload_libraries"):
        # Its workers keep connections to every database that has the extension, so none can be copied.
        await connection.execute(f"CREATE DATABASE {name}")
        await migrate(url, url)
    else:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy")
    yield url
    await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await connection.close()


@pytest.fixture
async def pool(database_url: str) -> AsyncIterator[Pool]:
    async with open_pool(database_url) as opened:
        yield opened


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"
