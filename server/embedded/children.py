"""Child processes that are written down, so that a start after a kill -9 can end what was left of the last one."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

FILE_NAME = "children.json"
LEFTOVER_GRACE_S = 8.0


def started_at_ticks(pid: int) -> int | None:
    """When the process began, in clock ticks since boot; None when there is none (or only its corpse).

    A number that the kernel gave to another process since has another beginning.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] == "Z" else int(fields[19])


class Children:
    """The children of one data folder, by name."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / FILE_NAME
        self._running: dict[str, asyncio.subprocess.Process] = {}

    async def start(
        self, name: str, command: Sequence[str], *, log: Path, environment: Mapping[str, str] | None = None
    ) -> asyncio.subprocess.Process:
        """Starts a program that ends with us, its words go to `log`. Its standard input is ours to write to."""
        with log.open("ab") as words:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "server.embedded.with_parent", str(os.getpid()), *command,
                stdin=asyncio.subprocess.PIPE, stdout=words, stderr=words, start_new_session=True,
                env=dict(environment) if environment is not None else None,
            )  # fmt: skip
        self._running[name] = process
        self._write()
        return process

    async def stop(self, name: str, grace_s: float) -> None:
        """SIGTERM, then SIGKILL of its whole session after `grace_s`. Nothing happens when it is not running."""
        process = self._running.get(name)
        if process is None:
            return
        if process.returncode is None:
            process.terminate()
            try:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(grace_s):
                        await process.wait()
            finally:  # also when somebody loses patience and cancels this
                if process.returncode is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
        del self._running[name]
        self._write()

    async def end_leftovers(self) -> list[str]:
        """Ends what an earlier start left running, and returns the names."""
        ended = []
        for name, (pid, began) in self._written().items():
            if started_at_ticks(pid) != began:
                continue
            ended.append(name)
            os.kill(pid, signal.SIGTERM)
            if not await _gone(pid, began, LEFTOVER_GRACE_S):
                os.killpg(pid, signal.SIGKILL)
                await _gone(pid, began, LEFTOVER_GRACE_S)
        self._write()
        return ended

    def _write(self) -> None:
        known = {
            name: (process.pid, began)
            for name, process in self._running.items()
            if (began := started_at_ticks(process.pid)) is not None
        }
        self._file.write_text(json.dumps(known))

    def _written(self) -> dict[str, tuple[int, int]]:
        try:
            return {
                str(name): (int(pid), int(began))
                for name, (pid, began) in json.loads(self._file.read_text()).items()
            }
        except (OSError, ValueError, TypeError, AttributeError):
            return {}


async def _gone(pid: int, began: int, within_s: float) -> bool:
    try:
        async with asyncio.timeout(within_s):
            while started_at_ticks(pid) == began:
                await asyncio.sleep(0.05)
    except TimeoutError:
        return False
    return True
