"""Child processes that end with their parent: a child watches its standard input, which the parent never writes to."""

import asyncio
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

ORPHAN_GRACE_S = 8.0
ONE_REQUEST_S = 2.0


def end_with_parent() -> None:
    """Call once early in a child: when the parent's pipe closes the process gets SIGTERM, and SIGKILL when that did not
    end it within ORPHAN_GRACE_S, whatever its loop is doing."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(ORPHAN_GRACE_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="parent watch", daemon=True).start()


def stop_on_signals(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    """The first SIGTERM or SIGINT asks for an orderly stop; one that comes later than ONE_REQUEST_S ends the process at once.

    What comes sooner belongs to the first: a signal to the whole group arrives once from the sender and again from `make`.
    """
    asked_at_s = 0.0

    def asked(number: int) -> None:
        nonlocal asked_at_s
        if not stop.is_set():
            asked_at_s = loop.time()
            stop.set()
        elif loop.time() - asked_at_s > ONE_REQUEST_S:
            os._exit(128 + number)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked, number)


def allow_open_files() -> int:
    """Raises the soft limit of open files to the hard one, for a process with thousands of connections; returns it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


async def spawn(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None, inherited: Sequence[int] = ()
) -> asyncio.subprocess.Process:
    """Starts `python ARGUMENTS...` with a pipe as its standard input, in a session of its own so that a terminal's
    Ctrl-C reaches only the parent, which stops its children in order. `inherited` file descriptors keep their numbers."""
    return await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdin=asyncio.subprocess.PIPE, env=dict(environment) if environment is not None else None,
        start_new_session=True, pass_fds=inherited,
    )  # fmt: skip


def stand_behind(niceness: int) -> None:
    """Where cores are short this process comes after the others. Under Linux's autogroups (sched(7)) niceness only counts
    within a session, and each session has the same share: the session of its own that `spawn` gave it gets the niceness too."""
    os.nice(niceness)
    if os.getsid(0) == os.getpid():
        with suppress(OSError):  # no autogroups here
            Path("/proc/self/autogroup").write_text(str(niceness))


def resident_bytes(pid: int) -> int:
    """Memory of a process that is in use; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * resource.getpagesize()
    except (OSError, IndexError):
        return 0


class OwnMemory:
    """What `resident_bytes` tells, of this process and at a tenth of the cost. Thread-safe."""

    def __init__(self) -> None:
        try:
            self._descriptor: int | None = os.open("/proc/self/statm", os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            self._descriptor = None

    def resident_bytes(self) -> int:
        if self._descriptor is None:
            return 0
        return int(os.pread(self._descriptor, 128, 0).split()[1]) * resource.getpagesize()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def waited_s(pid: int, thread: int) -> float:
    """For how long a thread wanted a core so far and had none; 0 where the system does not tell."""
    try:
        return int(Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def cores() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def terminate(process: asyncio.subprocess.Process, grace_s: float) -> int:
    """SIGTERM, then SIGKILL after `grace_s` or when cancelled meanwhile; returns the exit code."""
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(grace_s):
                return await process.wait()
        except TimeoutError:
            process.kill()
        except asyncio.CancelledError:
            process.kill()
            raise
    return await process.wait()
