"""The main job with real footage: `farwatch serve` on an outside broker and database, clips over RTSP, a monitor over MQTT.

The clips stand beside a checkout where they are at hand; they are no part of the project.
"""

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from farwatch.storage.database import Pool, open_pool
from tests.support.monitors import FastPublisher, message
from tests.support.mosquitto import Mosquitto, free_port, needs_mosquitto
from tests.support.registry_files import TestCamera, write
from tests.support.service import Service
from tests.support.waiting import until

CLIPS = Path(__file__).parents[3] / "shared" / "clips"
SHOWN = {
    "yard": ("dumping/aboda_video4.avi", ("ground", "sky")),
    "wreck": ("smoke/burning_wreck_black_smoke_960.mp4", ("sky",)),
    "traffic": ("negative/traffic_overhead_640.avi", ("ground", "sky")),
    "atrium": ("negative/atrium_pedestrians_640.mp4", ("ground", "sky")),
    "shop": ("negative/shopfront_cctv_people_balloons.mp4", ("ground", "sky")),
}
pytestmark = [
    needs_mosquitto,
    pytest.mark.process,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not CLIPS.exists(), reason="the real clips are not beside this checkout"),
]


@pytest.fixture(scope="module")
def cameras() -> Iterator[list[TestCamera]]:
    """Each clip in a loop behind digest authentication, a process each, as `farwatch simulate camera` runs."""
    with ExitStack() as stack:
        shown = []
        for name, (clip, purposes) in SHOWN.items():
            url = f"rtsp://127.0.0.1:{free_port()}/{name}"
            arguments = [
                "simulate",
                "camera",
                "--file",
                str(CLIPS / clip),
                "--url",
                url,
                "--user",
                "viewer",
                "--password",
                "look-at-me",
            ]
            process = subprocess.Popen(
                [sys.executable, "-m", "server.cli", *arguments], stdout=subprocess.PIPE, text=True
            )
            stack.callback(process.wait, 15)
            stack.callback(process.terminate)
            assert process.stdout
            stack.enter_context(process.stdout)
            assert process.stdout.readline().strip() == url
            shown.append(TestCamera(name, url, purposes, "cam"))
        yield shown


@pytest.fixture
async def service(
    tmp_path: Path, database_url: str, cameras: list[TestCamera]
) -> AsyncIterator[tuple[Service, Mosquitto]]:
    broker = Mosquitto(tmp_path / "broker")
    broker.start()
    started = Service(tmp_path / "service", database_url=database_url, mqtt_url=broker.url)
    write(tmp_path / "registry", cameras)
    imported = started.run("registry", "import", str(tmp_path / "registry"))
    assert imported.returncode == 0, imported.stdout + imported.stderr
    started.start("intake,engine,cameras")
    await started.says("connected to the broker")
    yield started, broker
    started.stop()
    broker.stop()


async def rows(pool: Pool, sql: str) -> list[tuple[object, ...]]:
    return [tuple(r) for r in await pool.fetch(sql)]


async def test_clips_and_a_monitor_raise_the_right_tasks_and_quiet_scenes_raise_none(
    service: tuple[Service, Mosquitto], database_url: str
) -> None:
    _, broker = service
    async with open_pool(database_url) as pool:
        monitors = FastPublisher(broker.port)
        start = datetime.now(UTC)  # noqa: TID251
        monitors.publish([("farwatch/v1/MN1/rtd", message(start - timedelta(seconds=20), {"a21026": 60.0}))])
        await until(
            lambda: rows(pool, "SELECT station FROM findings f JOIN warnings w ON w.finding_id = f.id"),
            lambda r: len(r) == 1,
        )
        assert await rows(pool, "SELECT id FROM matters WHERE station IS NOT NULL") == []
        monitors.publish(
            [
                ("farwatch/v1/MN1/rtd", message(start - timedelta(seconds=s), {"a21026": 150.0}))
                for s in (15, 10, 5, 1)
            ]
        )
        monitors.finish()

        wanted = {("exceedance", "MN1"), ("dumping", "yard"), ("smoke", "wreck")}
        matters = "SELECT kind, coalesce(station, camera) FROM matters"
        await until(lambda: rows(pool, matters), lambda seen: wanted <= set(seen), within_s=120)
        stored = "SELECT camera, kind FROM evidence WHERE state = 'stored' AND camera IS NOT NULL"
        both = {(c, k) for c in ("yard", "wreck") for k in ("still", "still_marked", "clip")}
        await until(lambda: rows(pool, stored), lambda seen: both <= set(seen), within_s=60)

        began = datetime.now(UTC)  # noqa: TID251

        async def seconds() -> float:
            return (datetime.now(UTC) - began).total_seconds()  # noqa: TID251

        await until(seconds, lambda s: s > 45, within_s=60)  # every quiet clip comes round at least once more
        assert set(await rows(pool, matters)) == wanted
        assert len(await rows(pool, "SELECT id FROM tasks")) == 3
        places = await rows(
            pool,
            "SELECT t.lat = c.lat AND t.lon = c.lon FROM tasks t JOIN matters m ON m.task_id = t.id"
            " JOIN cameras c ON c.id = m.camera",
        )
        assert places == [(True,), (True,)]
