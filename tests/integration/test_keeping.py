"""A worker that hangs, is stuck, crashes or leaks is replaced within ten seconds, and the one beside it goes on."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from farwatch.runtime.watchdog import Bounds
from server.keeping import Keeper, RoleProcess
from tests.support.waiting import until

pytestmark = pytest.mark.process

WORKER = """
import argparse, json, os, pathlib, sys, threading, time
from farwatch.runtime.processes import end_with_parent
from farwatch.runtime.vitals import Vitals

parser = argparse.ArgumentParser()
parser.add_argument("--vitals", type=int)
parser.add_argument("--replaces")
parser.add_argument("--rest", action="append", default=[])
parser.add_argument("folder", type=pathlib.Path)
args = parser.parse_args()
end_with_parent()
vitals = Vitals(args.vitals)
lives = len(list(args.folder.glob("life-*")))
(args.folder / f"life-{lives}").write_text(json.dumps([os.getpid(), args.replaces, args.rest]))

def stick():
    with vitals.job("bad camera", time.monotonic() + 0.3):
        time.sleep(60)

taken = []
while True:
    vitals.beat(time.monotonic(), 1)
    order = args.folder / "order"
    if order.exists():
        said = order.read_text()
        order.unlink()
        if said == "stick":
            threading.Thread(target=stick, daemon=True).start()
        elif said == "leak":
            with vitals.job("bad camera", time.monotonic() + 5):
                taken.append(bytearray(os.urandom(1 << 20) * 200))
        elif said == "hang":
            with vitals.job("innocent", time.monotonic() + 60), vitals.serving("bad camera"):
                time.sleep(60)
        elif said == "fail":
            vitals.blame("bad camera")
            raise ZeroDivisionError
        elif said == "leave":
            sys.exit(1)
        elif said == "crash":
            with vitals.job("bad camera", time.monotonic() + 5):
                os.kill(os.getpid(), 11)
    time.sleep(0.05)
"""
SMALL = Bounds(start_s=20, silent_s=6, base_bytes=150_000_000, each_bytes=10_000_000)


class Test(RoleProcess):
    __test__ = False
    folder: Path

    @property
    def arguments(self) -> list[str]:
        assert self.share
        return ["-c", WORKER, self.share]


def worker(folder: Path) -> RoleProcess:
    folder.mkdir()
    return Test("worker", str(folder), SMALL)


@asynccontextmanager
async def kept(*folders: Path) -> AsyncIterator[None]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONFAULTHANDLER": ""}
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(Keeper(worker(folder), environment, folder).keep()) for folder in folders]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()


async def life(folder: Path, number: int, within_s: float = 20) -> list:
    import json

    async def look() -> str:
        path = folder / f"life-{number}"
        return path.read_text() if path.exists() else ""

    return json.loads(await until(look, lambda text: text.endswith("]"), within_s=within_s))


@pytest.mark.parametrize(
    ("order", "trouble"),
    [("stop", "silent"), ("stick", "stuck"), ("leak", "too_big"), ("crash", "crashed"), ("fail", "crashed")],
)
async def test_a_worker_in_trouble_is_replaced_within_ten_seconds_and_its_neighbour_is_not(
    tmp_path: Path, order: str, trouble: str
) -> None:
    bad, good = tmp_path / "bad", tmp_path / "good"
    async with kept(bad, good):
        pid = (await life(bad, 0))[0]
        await life(good, 0)
        began = time.monotonic()
        if order == "stop":
            os.kill(pid, signal.SIGSTOP)
        else:
            (bad / "order").write_text(order)
        successor, replaces, rests = await life(bad, 1)
        assert time.monotonic() - began < 12  # ten to see it, and the new one's start
        assert (replaces, rests) == (trouble, [])
        assert successor != pid
        assert not Path(f"/proc/{pid}").exists()
    assert [p.name for p in good.glob("life-*")] == ["life-0"]


async def test_a_worker_that_ends_in_an_outage_has_not_crashed(tmp_path: Path) -> None:
    folder = tmp_path / "outage"
    async with kept(folder):
        await life(folder, 0)
        (folder / "order").write_text("leave")
        _, replaces, rests = await life(folder, 1)
    assert (replaces, rests) == (None, [])


@pytest.mark.parametrize(
    ("order", "trouble"),
    [("crash", "crashed"), ("fail", "crashed"), ("leak", "too_big"), ("hang", "silent")],
)
async def test_a_camera_that_breaks_its_worker_again_rests(tmp_path: Path, order: str, trouble: str) -> None:
    folder = tmp_path / "bad"
    async with kept(folder):
        for number in range(2):
            await life(folder, number)
            (folder / "order").write_text(order)
        _, replaces, rests = await life(folder, 2)
    assert replaces == trouble
    assert len(rests) == 1
    assert 50 <= float(rests[0].partition(":")[0]) <= 60
    assert rests[0].endswith(":bad camera")
