"""Signals to a real process: what counts as one request to stop."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PROGRAM = """
import asyncio
from farwatch.runtime import processes

async def main():
    stop = asyncio.Event()
    processes.ONE_REQUEST_S = 0.2
    processes.stop_on_signals(asyncio.get_running_loop(), stop)
    print("ready", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.to_thread(input)
    print("cleaned up", flush=True)

asyncio.run(main())
"""


def started() -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_signal_that_arrives_twice_is_one_request() -> None:
    with started() as process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate("go on\n", timeout=10)
    assert (process.returncode, out) == (0, "stopping\ncleaned up\n")


def test_a_later_one_ends_the_process_at_once() -> None:
    with started() as process:
        assert process.stdout
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stopping\n"
        time.sleep(0.3)  # longer than one request lasts
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM


BEHIND = """
import os, sys
from pathlib import Path
from farwatch.runtime.processes import stand_behind

stand_behind(5)
group = Path("/proc/self/autogroup")
print(os.nice(0), group.read_text().split()[-1] if group.exists() else "none")
"""


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel has no autogroups")
@pytest.mark.parametrize(("leads", "group"), [(True, "5"), (False, None)])
def test_who_stands_behind_does_so_among_sessions_too_if_the_session_is_its_own(
    leads: bool, group: str | None
) -> None:
    ours = Path("/proc/self/autogroup").read_text().split()[-1]
    done = subprocess.run(
        [sys.executable, "-c", BEHIND], start_new_session=leads, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(min(19, os.nice(0) + 5)), group or ours]
