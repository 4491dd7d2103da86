"""`farwatch serve`: one child process per role, started again when it dies, ended with their parent.

A page or a PDF never delays a clock, and a camera never delays anything, because they are not in the same process.
"""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from farwatch.domain.share import Share
from farwatch.runtime.processes import cores
from farwatch.runtime.watchdog import Bounds
from server.keeping import Keeper, RoleError, RoleProcess
from server.settings import Settings, to_environment

ROLES = ("intake", "engine", "review", "web", "cameras")
MOST_CAMERA_PROCESSES = 32


def processes_of(roles: Sequence[str], settings: Settings) -> list[RoleProcess]:
    found: list[RoleProcess] = []
    for role in roles:
        if role == "cameras":
            n = settings.camera_processes or min(-(-cores() // 2), MOST_CAMERA_PROCESSES)
            found += [camera_process(Share(i, n), settings) for i in range(n)]
        else:
            found.append(RoleProcess(role))
    return found


def camera_process(share: Share, settings: Settings) -> RoleProcess:
    bounds = Bounds(
        base_bytes=int(settings.camera_memory_base_mb * 1e6),
        each_bytes=int(settings.camera_memory_each_mb * 1e6),
    )
    return RoleProcess("cameras", str(share), bounds)


async def serve(settings: Settings, processes: Sequence[RoleProcess], stop: asyncio.Event) -> None:
    """Runs until `stop` is set. Raises RoleError when a role cannot run with these settings."""
    metrics_dir = _fresh_metrics_dir(settings.data_dir)
    environment = {**os.environ, **to_environment(settings), "PROMETHEUS_MULTIPROC_DIR": str(metrics_dir)}
    for name in ("FARWATCH_CONFIG", "FARWATCH_OWNER_DATABASE_URL"):  # no role is the owner
        environment.pop(name, None)
    try:
        async with asyncio.TaskGroup() as group:
            keepers = [
                group.create_task(Keeper(p, environment, metrics_dir).keep(), name=p.name) for p in processes
            ]
            await stop.wait()
            for keeper in keepers:
                keeper.cancel()
    except* RoleError as failed:
        raise RoleError(str(failed.exceptions[0])) from None
    finally:
        shutil.rmtree(metrics_dir, ignore_errors=True)


def _fresh_metrics_dir(data_dir: Path) -> Path:
    """A folder of this process; those of dead ones are swept."""
    parent = data_dir.absolute() / "metrics"
    parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    for old in parent.iterdir():
        if not (old.name.isdigit() and Path(f"/proc/{old.name}").exists()):
            shutil.rmtree(old, ignore_errors=True)
    folder = parent / str(os.getpid())
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder
