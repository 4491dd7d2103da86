"""Signals to a real process: what counts as one request to stop."""

import os
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, sys
from farwatch.runtime import processes

async def main():
    stop = asyncio.Event()
    processes.ONE_REQUEST_S = float(sys.argv[1])
    processes.stop_on_signals(asyncio.get_running_loop(), stop)
    print("ready", flush=True)
    await stop.wait()
    print("stopping", flush=True)
    await asyncio.to_thread(input)
    print("cleaned up", flush=True)

asyncio.run(main())
"""


def started(one_request_s: float) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(one_request_s)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_signal_that_arrives_twice_is_one_request() -> None:
    with started(one_request_s=60) as process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate("go on\n", timeout=10)
    assert (process.returncode, out) == (0, "stopping\ncleaned up\n")


def test_a_later_one_ends_the_process_at_once() -> None:
    with started(one_request_s=0) as process:
        assert process.stdout
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "stopping\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 128 + signal.SIGTERM


BEHIND = """
import os, sys
from pathlib import Path
from farwatch.runtime.processes import stand_behind

stand_behind(int(sys.argv[1]))
group = Path("/proc/self/autogroup")
print(os.nice(0), *(group.read_text().split()[-1:] if group.exists() else ()))
"""


def niceness_behind(step: int, *, leads: bool) -> list[str]:
    """Of the process, and where the kernel has put its session into an autogroup, that group's."""
    done = subprocess.run(
        [sys.executable, "-c", BEHIND, str(step)],
        start_new_session=leads,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split()


def test_who_stands_behind_does_so_among_sessions_too_if_the_session_is_its_own() -> None:
    expected = str(min(19, os.nice(0) + 5))
    own_session = niceness_behind(5, leads=True)
    if len(own_session) == 1:
        pytest.skip("this kernel gives a session no autogroup")
    assert own_session == [expected, "5"]


def test_who_stands_behind_leaves_a_session_alone_that_is_not_its_own() -> None:
    before = niceness_behind(0, leads=False)
    assert niceness_behind(5, leads=False) == [str(min(19, os.nice(0) + 5)), *before[1:]]
