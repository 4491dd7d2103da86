"""Numbered SQL files, applied once, in order, under an advisory lock."""

import hashlib
from dataclasses import dataclass
from importlib import resources
from urllib.parse import unquote, urlsplit

import asyncpg

from farwatch.storage import camera_role, leases
from farwatch.storage.database import Connection, SchemaError, connect

_LOCK = 0x46415257  # "FARW"
LOCK_TIMEOUT = "60s"
"""While a change of a table waits for its lock, everybody else waits behind it."""
_APPENDED = ("log", "log_seals", "seal_stamps", "signing_keys")
"""The service adds rows here and does nothing else to them."""
_BY_FUNCTION = ("log_seals", "signing_keys")
"""Of these it adds rows by functions that look whether each is the next one."""
_FUNCTIONS = ("ensure_partitions", "drop_readings_before", "add_first_key", "append_seal")


@dataclass(frozen=True, slots=True)
class Migrated:
    """Names of the files that were applied, and of the roles that were given their rights, again or for the first time."""

    applied: list[str]
    granted: list[str]


@dataclass(frozen=True, slots=True)
class Migration:
    number: int
    name: str
    sql: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.sql.encode()).hexdigest()


def shipped() -> list[Migration]:
    files = [
        f
        for f in resources.files("farwatch.storage").joinpath("migrations").iterdir()
        if f.name.endswith(".sql")
    ]
    return [
        Migration(int(f.name[:4]), f.name, f.read_text("utf-8")) for f in sorted(files, key=lambda f: f.name)
    ]


async def migrate(owner_url: str, service_url: str) -> Migrated:
    """Brings the schema up to date as the owner, lets the service role and the cameras' role write, and says what was done.

    Raises SchemaError when the database was migrated by a newer program or a shipped file was changed afterwards, or when there
    is something to apply while a service runs.
    """
    connection = await connect(owner_url, command_timeout_s=None)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
        await _begin(connection)
        pending = await _pending(connection)
        if pending:
            await _require_stopped(connection)
        await connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        for migration in pending:
            async with connection.transaction():
                await _apply(connection, migration)
                await connection.execute(
                    "INSERT INTO migrations (number, name, sha256) VALUES ($1, $2, $3)",
                    migration.number,
                    migration.name,
                    migration.sha256,
                )
        granted = [await _grant(connection, service_url), await camera_role.grant(connection)]
        return Migrated([m.name for m in pending], [role for role in granted if role])
    finally:
        await connection.close()


async def _require_stopped(connection: Connection) -> None:
    """An older service may no longer write what the new schema guards, and would end sooner or later."""
    if held := await leases.holders(connection):
        who = ", ".join(f"{holder} ({role})" for role, holder in held.items())
        raise SchemaError(f"the schema changes only while no service runs: stop {who} and try again")


async def _apply(connection: Connection, migration: Migration) -> None:
    try:
        await connection.execute(migration.sql)
    except asyncpg.LockNotAvailableError:
        raise SchemaError(
            f"{migration.name} did not get its lock within {LOCK_TIMEOUT}: stop what else uses the database and try again"
        ) from None


async def _begin(connection: Connection) -> None:
    """The table of what was applied; only the schema's owner may make it."""
    try:
        await connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number integer PRIMARY KEY, name text NOT NULL, sha256 text NOT NULL,"
            " applied_at timestamptz NOT NULL DEFAULT now())"
        )
    except asyncpg.InsufficientPrivilegeError as error:
        raise SchemaError(
            f"this role may not change the schema ({error}): set FARWATCH_OWNER_DATABASE_URL"
        ) from None


async def require_current(connection: Connection) -> None:
    """Raises SchemaError unless every shipped migration is applied."""
    try:
        pending = await _pending(connection)
    except asyncpg.UndefinedTableError:
        pending = shipped()
    if pending:
        raise SchemaError(f"the database lacks {pending[0].name}: run 'farwatch migrate' first")


async def _pending(connection: Connection) -> list[Migration]:
    applied = {
        r["number"]: r["sha256"] for r in await connection.fetch("SELECT number, sha256 FROM migrations")
    }
    known = {m.number: m for m in shipped()}
    if newer := sorted(applied.keys() - known.keys()):
        raise SchemaError(
            f"the database has migration {newer[0]}, which this program does not know: it is too old"
        )
    for number, sha256 in applied.items():
        if known[number].sha256 != sha256:
            raise SchemaError(f"{known[number].name} is not the file that was applied to this database")
    return [m for m in known.values() if m.number not in applied]


async def _grant(connection: Connection, service_url: str) -> str | None:
    """The service role may write rows, but neither change nor delete what the log holds. None where the owner is the service."""
    role = unquote(urlsplit(service_url).username or "")
    owner = await connection.fetchval("SELECT current_user")
    if role in ("", owner) or not await connection.fetchval(
        "SELECT 1 FROM pg_roles WHERE rolname = $1", role
    ):
        return None
    name = await connection.fetchval("SELECT quote_ident($1)", role)
    schema = await connection.fetchval("SELECT quote_ident(current_schema())")
    await connection.execute(
        f"GRANT USAGE ON SCHEMA {schema} TO {name};"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {schema} TO {name};"
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {name};"
        f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(_APPENDED)}, migrations FROM {name};"
        f"REVOKE INSERT ON {', '.join(_BY_FUNCTION)}, migrations FROM {name};"
    )
    functions = (*camera_role.FUNCTIONS, *_FUNCTIONS)
    await connection.execute(f"GRANT EXECUTE ON FUNCTION {', '.join(functions)} TO {name}")
    return role
