"""The camera worker on patrol, behind a platform, and before a camera that shows nothing: real streams, real database."""

import asyncio
from functools import cache
from pathlib import Path

import numpy as np

from detectors.vision.camera_health.detector import CameraHealthDetector
from detectors.vision.camera_health.settings import HealthSettings
from farwatch.domain.registry import Zone
from farwatch.runtime.clock import SystemClock
from farwatch.storage.database import Pool
from ingest.cameras import metrics
from ingest.cameras.patrol import PatrolSettings
from ingest.cameras.worker import CameraWorker
from simulators.coded_loop import CodedLoop
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import (
    QUICK,
    Script,
    announce,
    at_work,
    on_air,
    register,
    small_loop,
    worker_of,
)
from tests.support.platform import platform
from tests.support.waiting import until

STREAM = "34020000001320000001/34020000001310000001"


async def statuses(pool: Pool) -> dict[str, tuple[str, str]]:
    rows = await pool.fetch("SELECT camera, state, reason FROM camera_status")
    return {r["camera"]: (r["state"], r["reason"]) for r in rows}


async def faults(pool: Pool) -> list[dict]:
    return [dict(r) for r in await pool.fetch("SELECT * FROM findings ORDER BY found_at")]


def decoded(camera: str) -> float:
    return metrics.FRAMES_DECODED.labels(camera)._value.get()


async def test_more_cameras_than_slots_are_seen_in_turn_and_rest_in_between(
    pool: Pool, data_dir: Path
) -> None:
    script, server = Script(), RtspServer(SystemClock())
    ids = ("p1", "p2", "p3")
    for id_ in ids:
        server.show(f"/{id_}", small_loop())
    patrol = PatrolSettings(slots=1, dwell_s=0.5, give_up_s=10)
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script, patrol=patrol)):
        for id_ in ids:
            await register(pool, id_, f"rtsp://127.0.0.1:{port}/{id_}")
        await pool.execute("UPDATE cameras SET watch = 'patrol'")
        await announce(pool)
        most = 0

        async def look() -> bool:
            nonlocal most
            most = max(most, server.clients)
            return all(len(script.seen.get(id_, ())) >= 2 for id_ in ids)

        await until(look, bool)
        told = await until(
            lambda: statuses(pool), lambda seen: [s for s, _ in seen.values()].count("resting") == 2
        )
    assert set(script.seen) == set(ids)
    assert {state for state, _ in told.values()} <= {"resting", "online"}
    assert most <= 2, "one that comes, and one that goes"
    assert await faults(pool) == []


async def test_a_camera_behind_a_platform_is_started_watched_and_let_go(pool: Pool, data_dir: Path) -> None:
    script, server = Script(), RtspServer(SystemClock())
    server.show("/rtp/1", small_loop())
    accounts = {"wvp": ("api-key", "topsecret")}
    async with on_air(server) as port, platform() as fake:
        fake.plays(STREAM, f"rtsp://127.0.0.1:{port}/rtp/1")
        async with at_work(worker_of(pool, data_dir, script, credentials=accounts)):
            await register(pool, "gb", "rtsp://127.0.0.1/")
            await pool.execute(
                "UPDATE cameras SET start_url = $1, stop_url = $2, start_credential = 'wvp'",
                f"{fake.url}/api/play/start/{STREAM}", f"{fake.url}/api/play/stop/{STREAM}",
            )  # fmt: skip
            await announce(pool)
            await until(lambda: statuses(pool), lambda seen: seen.get("gb") == ("online", ""))
            assert len(script.seen["gb"]) >= 1
            await pool.execute("UPDATE cameras SET active = false")
            await announce(pool)
            await until(
                lambda: asyncio.sleep(0, fake.paths), lambda paths: f"/api/play/stop/{STREAM}" in paths
            )
    assert {headers["api-key"] for _, headers in fake.asked} == {"topsecret"}


async def test_a_platform_that_names_a_strange_host_is_the_cameras_reason(pool: Pool, data_dir: Path) -> None:
    async with platform() as fake:
        fake.plays(STREAM, "rtsp://192.0.2.1/rtp/1")
        async with at_work(worker_of(pool, data_dir, Script())):
            await register(pool, "gb", "rtsp://127.0.0.1/")
            await pool.execute("UPDATE cameras SET start_url = $1", f"{fake.url}/api/play/start/{STREAM}")
            await announce(pool)
            await until(lambda: statuses(pool), lambda seen: seen.get("gb") == ("offline", "foreign_host"))


@cache
def black_loop() -> CodedLoop:
    return encode_pictures((np.zeros((240, 320, 3), np.uint8) for _ in range(20)), rate=10)


def hasty(zones: list[Zone]) -> list[CameraHealthDetector]:
    """What lasts two seconds is a fault, and half a second well is well."""
    settings = HealthSettings(
        spacing_s=0.3, least_pictures=2, black_after_s=1.0, lasting_s=1.0, quiet_s=0.5, frozen_after_s=1e9
    )
    return [CameraHealthDetector(zones, settings)]


async def test_a_black_picture_is_one_fault_over_a_restart_and_ends_with_a_good_one(
    pool: Pool, data_dir: Path
) -> None:
    server = RtspServer(SystemClock())
    server.show("/dark", black_loop())

    def worker() -> CameraWorker:
        return CameraWorker(
            pool=pool, data_dir=data_dir, clock=SystemClock(), detectors=hasty, credentials={}, patience=QUICK
        )

    async with on_air(server) as port:
        async with at_work(worker()):
            await register(pool, "c1", f"rtsp://127.0.0.1:{port}/dark")
            (found,) = await until(lambda: faults(pool), bool)
            await until(lambda: statuses(pool), lambda seen: seen.get("c1") == ("online", "camera_black"))
        assert (found["rule"], found["kind"], found["tier"], found["zone"]) == (
            "camera_black",
            "camera_fault",
            "fault",
            None,
        )
        kept = await pool.fetch("SELECT kind, state FROM evidence WHERE finding_id = $1", found["id"])
        assert [(r["kind"], r["state"]) for r in kept] == [("still", "stored")]
        async with at_work(worker()):
            await until(lambda: statuses(pool), lambda seen: seen.get("c1") == ("online", "camera_black"))
            seen = decoded("c1")
            await until(lambda: asyncio.sleep(0, decoded("c1")), lambda count: count >= seen + 4)
            assert len(await faults(pool)) == 1
            assert (await faults(pool))[0]["ended_at"] is None
            server.show("/dark", small_loop())
            (ended,) = await until(lambda: faults(pool), lambda seen: seen[0]["ended_at"] is not None)
            await until(lambda: statuses(pool), lambda seen: seen.get("c1") == ("online", ""))
    assert ended["id"] == found["id"]
