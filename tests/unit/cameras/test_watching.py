"""One camera's session."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from farwatch.domain.place import Position
from farwatch.domain.registry import Camera
from farwatch.runtime.clock import SystemClock
from farwatch.storage.blobs import BlobStore
from ingest.cameras.attention import Batch, Want
from ingest.cameras.budget import BudgetSettings, DecodeBudget
from ingest.cameras.desk import Desk
from ingest.cameras.faults import Faults
from ingest.cameras.focus import Focus
from ingest.cameras.gaze import Gaze, Look
from ingest.cameras.live import LiveWish
from ingest.cameras.patience import Patience
from ingest.cameras.watching import Watch
from ingest.cameras.workshop import Workshop
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import CodedFrame, StreamDescription
from tests.support.cameras import H264, frame

CAMERA = Camera(
    id="c1", name="Gate", enterprise="e1", place=Position(30, 120), heading_deg=None, url="rtsp://127.0.0.1/x"
)


class OneMoment(SystemClock):
    """However busy the machine is."""

    def monotonic(self) -> float:
        return 1.0


class Flooding:
    """A reader of tiny frames without end."""

    clock_offset_s: Final = None

    def __init__(self) -> None:
        self.given = 0

    async def open(self) -> StreamDescription:
        return H264

    async def read(self) -> list[CodedFrame]:
        self.given += 100
        assert self.given < 20_000
        return [frame(i, key=i == 0, size=2) for i in range(self.given - 100, self.given)]

    async def close(self) -> None: ...


async def test_a_flood_of_frames_ends_the_session_whoever_reads_it(tmp_path: Path) -> None:
    clock, blobs, reader = OneMoment(), BlobStore(tmp_path / "evidence"), Flooding()
    desk = Desk(pool=None)  # type: ignore[arg-type]
    focus = Focus("c1", DecodeBudget(BudgetSettings()), LiveWish(tmp_path / "c1.wish", clock), clock)
    with ThreadPoolExecutor(1) as threads:
        workshop = Workshop(threads, threads, threads, blobs, desk, Faults(desk), clock)
        gaze = Gaze("c1", [], blobs, tmp_path / "c1.jpg")
        watch = Watch(CAMERA, lambda: reader, gaze, focus, workshop, Patience(), keep_s=20.0)
        with pytest.raises(RtspError) as ended:
            await watch.run_once()
    assert ended.value.reason is Problem.PROTOCOL


class Startled(Gaze):
    """Wants to see all after its first look; tells in which pool it looked."""

    def __init__(self, folder: Path) -> None:
        super().__init__("c1", [], BlobStore(folder / "evidence"), folder / "c1.jpg")
        self.looks: list[tuple[bool, str]] = []
        self.looked = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def look(self, batch: Batch, *_: object, **__: object) -> Look:
        self.looks.append((batch.alone, threading.current_thread().name.partition("_")[0]))
        self.wanted = Want.NEEDED
        self._loop.call_soon_threadsafe(self.looked.set)
        return Look(decoded=1, last_at=batch.frames[-1].received_at)


class Following:
    """A key frame; and once that was looked at, the frames behind it."""

    clock_offset_s: Final = None

    def __init__(self, gaze: Startled) -> None:
        self._gaze = gaze
        self._given = 0

    async def open(self) -> StreamDescription:
        return H264

    async def read(self) -> list[CodedFrame]:
        if self._given:
            await self._gaze.looked.wait()
            self._gaze.looked.clear()
        self._given += 1
        return [frame(20 * self._given + i, key=self._given == 1 and i == 0) for i in range(20)]

    async def close(self) -> None: ...


async def test_no_key_frame_waits_for_cameras_that_are_decoded_as_a_whole(tmp_path: Path) -> None:
    clock, gaze = SystemClock(), Startled(tmp_path)
    desk = Desk(pool=None)  # type: ignore[arg-type]
    focus = Focus("c1", DecodeBudget(BudgetSettings()), LiveWish(tmp_path / "c1.wish", clock), clock)
    with ThreadPoolExecutor(1, "key") as keys, ThreadPoolExecutor(1, "burst") as bursts:
        workshop = Workshop(keys, bursts, keys, BlobStore(tmp_path / "evidence"), desk, Faults(desk), clock)
        watch = Watch(CAMERA, lambda: Following(gaze), gaze, focus, workshop, Patience(), keep_s=20.0)
        async with asyncio.timeout(10), asyncio.TaskGroup() as group:
            watching = group.create_task(watch.run())
            while len(gaze.looks) < 2:
                await asyncio.sleep(0.01)
            watching.cancel()
    assert gaze.looks[:2] == [(True, "key"), (False, "burst")]
