"""One camera's session."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import pytest

from farwatch.domain.place import Position
from farwatch.domain.registry import Camera
from farwatch.runtime.clock import SystemClock
from farwatch.storage.blobs import BlobStore
from ingest.cameras.budget import BudgetSettings, DecodeBudget
from ingest.cameras.desk import Desk
from ingest.cameras.faults import Faults
from ingest.cameras.focus import Focus
from ingest.cameras.gaze import Gaze
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
        workshop = Workshop(threads, threads, blobs, desk, Faults(desk), clock)
        gaze = Gaze("c1", [], blobs, tmp_path / "c1.jpg")
        watch = Watch(CAMERA, lambda: reader, gaze, focus, workshop, Patience(), keep_s=20.0)
        with pytest.raises(RtspError) as ended:
            await watch.run_once()
    assert ended.value.reason is Problem.PROTOCOL
