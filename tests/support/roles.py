"""Roles of the database's server, which the processes of a run, and runs, may share."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import uuid4

from farwatch.storage.camera_role import ROLE
from farwatch.storage.database import Pool
from farwatch.storage.migration import migrate


@dataclass(frozen=True, slots=True)
class Login:
    name: str
    url: str


@asynccontextmanager
async def login(pool: Pool, url: str) -> AsyncIterator[Login]:
    """A role of this test's own; at the end it is gone, with what it has in this database."""
    name = f"farwatch_test_{uuid4().hex}"
    await pool.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    try:
        yield Login(name, re.sub(r"//[^@]*@", f"//{name}:x@", url))
    finally:
        await pool.execute(f"DROP OWNED BY {name} CASCADE")
        await pool.execute(f"DROP ROLE {name}")


@asynccontextmanager
async def camera_login(pool: Pool, url: str) -> AsyncIterator[Login]:
    """A camera machine's. Its group has one name on the whole server: it is made where it is missing, and stays, as another
    test may have rights for it in a database of its own."""
    await pool.execute(
        f"DO $$ BEGIN CREATE ROLE {ROLE} NOLOGIN;"
        " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    async with login(pool, url) as made:
        await pool.execute(f"GRANT {ROLE} TO {made.name}")
        assert ROLE in (await migrate(url, url)).granted
        yield made
