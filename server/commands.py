"""What the sub-commands do. Raises CommandError with one line for the operator."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from farwatch.storage.database import connect
from farwatch.storage.migration import migrate, require_current
from server import roles
from server.settings import Settings


class CommandError(Exception):
    """The command cannot do what was asked; the message says why."""


async def run_migrate(settings: Settings) -> int:
    applied = await migrate(settings.owner_url, settings.database_url)
    for name in applied:
        print(f"applied {name}")
    print("the schema is up to date")
    return 0


async def require_ready(settings: Settings, wanted: Sequence[str]) -> None:
    """Before any child starts: the database answers and is migrated, and the wanted roles have what they need."""
    connection = await connect(settings.database_url)
    try:
        await require_current(connection)
    finally:
        await connection.close()
    if "intake" in wanted and settings.mqtt_url is None:
        raise CommandError("FARWATCH_MQTT_URL is not set, and role intake needs a broker")


async def run_role(settings: Settings, role: str, share: str, stop: asyncio.Event) -> None:
    match role:
        case "intake":
            await roles.run_intake(settings, stop)
        case _:
            raise CommandError(f"role {role} {share} is not wired")
