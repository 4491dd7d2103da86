"""A camera whose pictures hang a thread, and one that rests because they did: the others go on."""

import asyncio
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from farwatch.domain.picture import Picture, Sighting, SightingEnded
from farwatch.domain.registry import Zone
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.vitals import Vitals
from farwatch.storage.database import Pool
from ingest.cameras.threads import LOOK_WITHIN_S
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import (
    Script,
    SkippingClock,
    announce,
    at_work,
    on_air,
    register,
    small_loop,
    worker_of,
)
from tests.support.waiting import until


class Hanging:
    """Never comes back from a picture of camera `bad` until the test ends."""

    rule, version, wants_every_frame = "smoke", "test", False

    def __init__(self, seen: dict[str, int], end: threading.Event) -> None:
        self._seen, self._end = seen, end

    def observe(self, picture: Picture) -> list[Sighting | SightingEnded]:
        self._seen[picture.camera] = self._seen.get(picture.camera, 0) + 1
        if picture.camera == "bad":
            self._end.wait(60)
        return []


async def test_a_look_that_hangs_is_told_to_the_watcher_and_the_other_cameras_are_looked_at(
    pool: Pool, data_dir: Path
) -> None:
    seen: dict[str, int] = {}
    end, vitals, clock = threading.Event(), Vitals(None), SystemClock()
    server = RtspServer(clock)
    server.show("/x", small_loop())

    def detectors(zones: Sequence[Zone]) -> Sequence[Hanging]:
        return [Hanging(seen, end)]

    script = Script()
    script.detectors = detectors  # type: ignore[method-assign,assignment]
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script, vitals=vitals)):
        for camera in ("bad", "good"):
            await register(pool, camera, f"rtsp://127.0.0.1:{port}/x")
        try:
            await until(lambda: asyncio.sleep(0, seen), lambda n: "bad" in n and n.get("good", 0) >= 4)
            (job,) = [job for job in vitals.read().jobs if job.subject == "bad"]
            assert 0 < job.due_s - clock.monotonic() < LOOK_WITHIN_S
            assert seen["bad"] == 1
        finally:
            end.set()
    assert vitals.read().jobs == ()


async def test_a_camera_that_rests_says_so_and_is_watched_again_afterwards(
    pool: Pool, data_dir: Path
) -> None:
    clock, server = SkippingClock(), RtspServer(SystemClock())
    server.show("/x", small_loop())

    async def states() -> dict[str, tuple[str, str]]:
        rows = await pool.fetch("SELECT camera, state, reason FROM camera_status")
        return {row["camera"]: (row["state"], row["reason"]) for row in rows}

    worker = worker_of(pool, data_dir, Script(), clock=clock, rests={"bad": 600.0})
    async with on_air(server) as port, at_work(worker):
        for camera in ("bad", "good"):
            await register(pool, camera, f"rtsp://127.0.0.1:{port}/x")
        online = ("online", "")
        await until(states, lambda seen: seen == {"bad": ("offline", "resting"), "good": online})
        assert server.clients == 1
        clock.skipped_s += 601
        await until(states, lambda seen: seen == {"bad": online, "good": online})


class Senseless:
    """Says of camera `bad` what no detector says: an error of ours, as far as the worker can tell."""

    rule, version, wants_every_frame = "smoke", "test", False

    def observe(self, picture: Picture) -> list[object]:
        return ["smoke!"] if picture.camera == "bad" else []


async def test_whose_error_ends_the_process_is_told_to_the_watcher(pool: Pool, data_dir: Path) -> None:
    vitals, server, script = Vitals(None), RtspServer(SystemClock()), Script()
    server.show("/x", small_loop())
    script.detectors = lambda _: [Senseless()]  # type: ignore[method-assign,assignment,list-item]
    async with on_air(server) as port:
        for camera in ("bad", "good"):
            await register(pool, camera, f"rtsp://127.0.0.1:{port}/x")
        with pytest.raises(ExceptionGroup):
            async with asyncio.timeout(20), at_work(worker_of(pool, data_dir, script, vitals=vitals)):
                await asyncio.Event().wait()
    assert vitals.read().blamed == "bad"


class NotingClock(SystemClock):
    """Notes whom the loop serves whenever it is asked for the time: it is for the bytes that come and for each look."""

    def __init__(self, vitals: Vitals) -> None:
        self._vitals = vitals
        self.served: set[str] = set()

    def now(self) -> datetime:
        self.served.add(self._vitals.read().served)
        return super().now()

    def monotonic(self) -> float:
        self.served.add(self._vitals.read().served)
        return super().monotonic()


async def test_the_watcher_reads_which_camera_the_loop_serves(pool: Pool, data_dir: Path) -> None:
    vitals = Vitals(None)
    clock, server = NotingClock(vitals), RtspServer(SystemClock())
    server.show("/x", small_loop())
    worker = worker_of(pool, data_dir, Script(), vitals=vitals, clock=clock)
    async with on_air(server) as port, at_work(worker):
        for camera, reader in (("bytes", "own"), ("frames", "ffmpeg")):
            await register(pool, camera, f"rtsp://127.0.0.1:{port}/x")
            await pool.execute("UPDATE cameras SET reader = $1 WHERE id = $2", reader, camera)
            await announce(pool)
        await until(lambda: asyncio.sleep(0, clock.served), lambda served: {"bytes", "frames"} <= served)
        assert vitals.read().served == ""
