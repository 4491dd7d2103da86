"""`farwatch serve`: one child process per role, started again when it dies, ended with their parent.

A page or a PDF never delays a clock, and a camera never delays anything, because they are not in the same process.
"""

import asyncio
import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import multiprocess

from farwatch.runtime.processes import spawn, terminate
from server.settings import Settings, to_environment

log = logging.getLogger(__name__)

ROLES = ("intake", "engine", "review", "web", "cameras")
CONFIGURATION_EXIT = 78
"""EX_CONFIG of sysexits.h: starting the role again would not help."""

FIRST_DELAY_S, LONGEST_DELAY_S, STEADY_AFTER_S = 0.2, 5.0, 30.0
GRACE_S = 7.0
"""How long a role may take to end; all of `serve` ends within 10 s."""


class RoleError(Exception):
    """A role ended with a configuration error and said why in its own log."""


@dataclass(frozen=True, slots=True)
class RoleProcess:
    """A child: `farwatch role NAME`; several of role cameras share the cameras among them."""

    role: str
    share: str | None = None

    @property
    def name(self) -> str:
        return self.role if self.share is None else f"{self.role} {self.share}"

    @property
    def arguments(self) -> list[str]:
        return ["-m", "server.cli", "role", self.role, *(["--share", self.share] if self.share else [])]


def processes_of(roles: Sequence[str], settings: Settings) -> list[RoleProcess]:
    found: list[RoleProcess] = []
    for role in roles:
        if role == "cameras":
            n = settings.camera_processes
            found += [RoleProcess(role, f"{i}/{n}") for i in range(1, n + 1)]
        else:
            found.append(RoleProcess(role))
    return found


async def serve(settings: Settings, roles: Sequence[str], stop: asyncio.Event) -> None:
    """Runs until `stop` is set. Raises RoleError when a role cannot run with these settings."""
    metrics_dir = _fresh_metrics_dir(settings.data_dir)
    environment = {**os.environ, **to_environment(settings), "PROMETHEUS_MULTIPROC_DIR": str(metrics_dir)}
    for name in ("FARWATCH_CONFIG", "FARWATCH_OWNER_DATABASE_URL"):  # no role is the owner
        environment.pop(name, None)
    try:
        async with asyncio.TaskGroup() as group:
            keepers = [
                group.create_task(_keep(p, environment, metrics_dir), name=p.name)
                for p in processes_of(roles, settings)
            ]
            await stop.wait()
            for keeper in keepers:
                keeper.cancel()
    except* RoleError as failed:
        raise RoleError(str(failed.exceptions[0])) from None
    finally:
        shutil.rmtree(metrics_dir, ignore_errors=True)


async def _keep(role: RoleProcess, environment: dict[str, str], metrics_dir: Path) -> None:
    loop = asyncio.get_running_loop()
    delay_s, has_run = FIRST_DELAY_S, False
    while True:
        began = loop.time()
        process = await spawn(role.arguments, environment)
        try:
            code = await process.wait()
        finally:
            await terminate(process, GRACE_S)
            multiprocess.mark_process_dead(process.pid, str(metrics_dir))  # type: ignore[no-untyped-call]
        if loop.time() - began >= STEADY_AFTER_S:
            delay_s, has_run = FIRST_DELAY_S, True
        # Once it has run it is tried again: a database being restored may say the same.
        if code == CONFIGURATION_EXIT and not has_run:
            raise RoleError(f"{role.name} cannot run like this")
        log.error(
            "%s ended with %s, starting it again",
            role.name,
            code,
            extra={"event": "role_ended", "code": code},
        )
        await asyncio.sleep(delay_s)
        delay_s = min(delay_s * 2, LONGEST_DELAY_S)


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
