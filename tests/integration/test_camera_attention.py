"""How much of a camera the worker decodes, on real streams."""

import asyncio
import os
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import pytest

from farwatch.runtime.clock import SystemClock
from farwatch.storage.blobs import live_still_path, live_wish_path
from farwatch.storage.database import Pool
from ingest.cameras import metrics
from simulators.coded_loop import CodedLoop, CodedPicture
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import Script, at_work, on_air, register, small_loop, worker_of
from tests.support.cameras import coded
from tests.support.waiting import until


def showing(loop: CodedLoop) -> RtspServer:
    server = RtspServer(SystemClock())
    server.show("/a", loop, None)
    return server


def long_groups() -> CodedLoop:
    """Eight seconds, ten pictures a second, one key frame."""
    frames = coded(80, key_every=80)
    pictures = tuple(CodedPicture(pts=f.rtp_time, is_key=f.is_key, packets=f.packets) for f in frames)
    return CodedLoop(parameter_sets=b"", width=320, height=240, duration=8 * 90_000, pictures=pictures)


async def pictures(script: Script, count: int) -> list[datetime]:
    return await until(
        lambda: asyncio.sleep(0, script.seen.get("a", [])), lambda s: len(s) >= count, within_s=30
    )


async def test_who_looks_at_a_camera_sees_it_move_and_its_rules_are_not_asked_more_often(
    pool: Pool, data_dir: Path
) -> None:
    script, server = Script(), showing(small_loop())
    still, wish = live_still_path(data_dir, "a"), live_wish_path(data_dir, "a")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        await pictures(script, 3)
        made = {still.stat().st_mtime_ns}
        assert len(made) == 1
        wish.touch()

        def look() -> int:
            made.add(still.stat().st_mtime_ns)
            return len(made)

        await until(lambda: asyncio.to_thread(look), lambda n: n >= 12, within_s=20)
        shown_for_s = (max(made) - sorted(made)[1]) / 1e9
        assert len(made) / shown_for_s > 2.5
        long_ago = wish.stat().st_mtime - 60
        os.utime(wish, (long_ago, long_ago))
    assert min((b - a).total_seconds() for a, b in pairwise(script.seen["a"])) >= 0.8


async def test_key_frames_eight_seconds_apart_still_give_a_picture_every_two(
    pool: Pool, data_dir: Path
) -> None:
    script, server = Script(), showing(long_groups())
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        seen = await pictures(script, 6)
    assert max((b - a).total_seconds() for a, b in pairwise(seen)) <= 3.5
    assert min((b - a).total_seconds() for a, b in pairwise(seen[1:])) >= 1.0


@pytest.mark.parametrize("wants", [False, True])
async def test_without_cpu_time_for_more_there_are_key_frames_and_it_is_said_where_more_was_needed(
    pool: Pool, data_dir: Path, wants: bool
) -> None:
    script, server = Script(wants_every_frame=wants), showing(small_loop())
    refused = metrics.DECODE_REFUSED.labels("needed")._value
    before = refused.get()
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script, decode_share=0.0)):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        seen = await pictures(script, 4)
        reason = "decode_budget_short" if wants else ""
        await until(
            lambda: pool.fetchval("SELECT reason FROM camera_status WHERE camera = 'a' AND state = 'online'"),
            lambda said: said == reason,
        )
    assert min((b - a).total_seconds() for a, b in pairwise(seen)) >= 0.8
    assert (refused.get() > before) is wants


async def test_hardware_that_is_not_there_costs_no_camera(pool: Pool, data_dir: Path) -> None:
    script, server = Script(), showing(small_loop())
    opened = metrics.DECODERS_OPENED.labels("software")._value
    before = opened.get()
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script, hwaccel="vdpau")):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        await pictures(script, 2)
    assert opened.get() == before + 1
