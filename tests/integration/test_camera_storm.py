"""Hundreds of cameras at once: connected to in turn, and all of them seen within bounded time, also after a switch comes back."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from farwatch.domain.picture import PictureDetector
from farwatch.domain.registry import Zone
from farwatch.runtime.clock import SystemClock
from farwatch.storage.database import Pool
from ingest.cameras.worker import CameraWorker
from simulators.coded_loop import CodedLoop
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import announce, at_work, on_air
from tests.support.cameras import squares
from tests.support.waiting import until

CAMERAS, CONNECTS_PER_S = 500, 60.0


class Busy(RtspServer):
    """Notes when each connection came."""

    def __init__(self) -> None:
        super().__init__(SystemClock())
        self.came_s: list[float] = []

    def joined(self, client: object) -> bool:
        self.came_s.append(time.monotonic())
        return super().joined(client)  # type: ignore[arg-type]


def nobody(zones: Sequence[Zone]) -> Sequence[PictureDetector]:
    return ()


def tiny() -> CodedLoop:
    """A picture each two seconds, all of them key frames."""
    return encode_pictures(squares(2, 64, 48), rate=0.5)


def most_in_three_seconds(came_s: Sequence[float]) -> int:
    return max(sum(1 for at_s in came_s if began_s <= at_s < began_s + 3) for began_s in came_s)


async def test_five_hundred_cameras_start_in_turn_and_come_back_in_turn(pool: Pool, data_dir: Path) -> None:
    server, loop = Busy(), tiny()
    worker = CameraWorker(
        pool=pool, data_dir=data_dir, clock=SystemClock(), detectors=nobody, credentials={},
        connects_per_s=CONNECTS_PER_S,
    )  # fmt: skip
    server.show("/x", loop)

    async def online() -> int:
        return await pool.fetchval("SELECT count(*) FROM camera_status WHERE state = 'online'")

    async with on_air(server) as port, at_work(worker):
        await pool.execute(
            "INSERT INTO cameras (id, name, lat, lon, url) SELECT 'c' || n, 'c' || n, 30.5, 120.5, $1"
            " FROM generate_series(1, $2) AS n",
            f"rtsp://127.0.0.1:{port}/x",
            CAMERAS,
        )
        await announce(pool)
        await until(online, lambda n: n == CAMERAS, within_s=60)
        assert len(server.came_s) == CAMERAS
        assert most_in_three_seconds(server.came_s) <= 4 * CONNECTS_PER_S  # on a busy machine they bunch
        server.came_s.clear()
        server.hide("/x")
        server.show("/x", loop)
        await until(
            lambda: asyncio.sleep(0, (len(server.came_s), server.clients)),
            lambda seen: seen[0] >= CAMERAS and seen[1] == CAMERAS,
            within_s=40,
        )
        assert most_in_three_seconds(server.came_s) <= 4 * CONNECTS_PER_S  # on a busy machine they bunch
        assert await pool.fetchval("SELECT count(*) FROM findings") == 0
