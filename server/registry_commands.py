"""`farwatch registry …`: apart from the other commands, because no process of a role needs what it imports."""

import json
import os
import sys
from pathlib import Path

from farwatch.runtime.clock import SystemClock
from farwatch.storage.database import open_pool
from server.commands import CommandError, make_data_dir, require_migrated, say
from server.registry import commands, presets
from server.settings import Settings


def show_presets(*, as_json: bool) -> int:
    """What channels.csv may name in its column preset."""
    known = list(presets.catalogue().values())
    try:
        if as_json:
            print(json.dumps([presets.as_json(preset) for preset in known], ensure_ascii=False, indent=2))
        else:
            print("\n".join(presets.listed(known)))
        sys.stdout.flush()
    except BrokenPipeError:
        # `farwatch registry presets | head` has seen enough; what Python would flush at its end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


async def check(folder: Path) -> int:
    return say(await commands.check(folder))


async def export(settings: Settings, folder: Path) -> int:
    await require_migrated(settings)
    async with open_pool(settings.database_url, size=2) as pool:
        try:
            return say(await commands.export(folder, pool))
        except OSError as error:
            raise CommandError(f"{folder}: {error.strerror}") from None


async def import_(
    settings: Settings, folder: Path, *, prune: bool, zones_from_files: bool, dry_run: bool
) -> int:
    await require_migrated(settings)
    async with open_pool(settings.database_url, size=2) as pool:
        make_data_dir(settings.data_dir)
        return say(
            await commands.import_(
                folder,
                pool,
                settings.data_dir,
                prune=prune,
                now=SystemClock().now(),
                zones_from_files=zones_from_files,
                dry_run=dry_run,
            )
        )
