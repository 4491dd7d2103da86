"""Clips and findings of a camera worker that loses cameras, is stopped, killed and started again."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from farwatch.domain.picture import Picture, Sighting, SightingEnded
from farwatch.domain.registry import Zone
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from ingest.cameras import clips, filming, worker
from tests.support.camera_house import (
    Script,
    ScriptedDetector,
    SkippingClock,
    announce,
    at_work,
    on_air,
    register,
    worker_of,
)
from tests.support.camera_rows import become, findings, pieces, serving
from tests.support.waiting import until


async def test_a_clip_whose_camera_is_lost_keeps_what_there_was(pool: Pool, data_dir: Path) -> None:
    script, server = Script(), serving("/stack")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        await become(pool, "c1", "online")
        script.sights = True
        await until(lambda: pieces(pool), bool)
        server.hide("/stack")
        rows = await until(lambda: pieces(pool), lambda seen: seen["clip"].state != "pending")
    assert (rows["clip"].state, rows["clip"].meta["cut_short"]) == ("stored", "camera_lost")
    assert BlobStore(data_dir / "evidence").verify(rows["clip"].sha256)


async def test_a_worker_that_is_stopped_stores_the_clips_it_was_collecting(
    pool: Pool, data_dir: Path
) -> None:
    script, server = Script(), serving("/stack")
    async with on_air(server) as port:
        async with at_work(worker_of(pool, data_dir, script)):
            await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
            await become(pool, "c1", "online")
            script.sights = True
            await until(lambda: pieces(pool), bool)
        clip = (await pieces(pool))["clip"]
    assert (clip.state, clip.meta["cut_short"]) == ("stored", "watch_ended")
    assert [f["ended_at"] >= f["onset_at"] for f in await findings(pool)] == [True]


class Slow(ScriptedDetector):
    """Needs long for the picture in which it sees something."""

    def __init__(self, script: Script, zone: Zone, began: threading.Event, go_on: threading.Event) -> None:
        super().__init__(script, zone)
        self._script, self._began, self._go_on = script, began, go_on

    def observe(self, picture: Picture) -> list[Sighting | SightingEnded]:
        if self._script.sights:
            self._began.set()
            self._go_on.wait(20)
        said = super().observe(picture)
        self._script.sights = False
        return said


async def test_what_a_look_sees_while_its_camera_changes_is_found_and_ended_and_nobody_looks_beside_it(
    pool: Pool, data_dir: Path
) -> None:
    began, go_on = threading.Event(), threading.Event()
    script, server, made = Script(), serving("/stack"), []

    def detectors(zones: Sequence[Zone]) -> list[ScriptedDetector]:
        made.append(zones)
        return [Slow(script, zone, began, go_on) for zone in zones]

    script.detectors = detectors  # type: ignore[method-assign]
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        await become(pool, "c1", "online")
        script.sights = True
        try:
            await until(lambda: asyncio.sleep(0, began.is_set()), bool)
            await pool.execute("UPDATE cameras SET name = 'the other' WHERE id = 'c1'")
            await announce(pool)
            await until(lambda: asyncio.sleep(0, server.clients), lambda n: n == 0, within_s=10)
            assert len(made) == 1
        finally:
            go_on.set()
        await until(lambda: asyncio.sleep(0, made), lambda seen: len(seen) == 2, within_s=10)
        rows = await until(
            lambda: pieces(pool), lambda seen: bool(seen) and seen["clip"].state != "pending", within_s=10
        )
        (found,) = await findings(pool)
    assert (found["zone"], found["ended_at"] >= found["onset_at"]) == ("stack", True)
    assert (rows["still"].state, rows["clip"].meta["cut_short"]) == ("stored", "watch_ended")


async def test_new_zones_end_what_the_old_ones_saw_and_are_looked_at_on_the_same_stream(
    pool: Pool, data_dir: Path
) -> None:
    script, server = Script(), serving("/stack")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        await become(pool, "c1", "online")
        script.sights = True
        await until(lambda: pieces(pool), bool)
        (client,) = server._clients
        await pool.execute("UPDATE zones SET name = 'chimney', purpose = 'ground' WHERE camera = 'c1'")
        await announce(pool)
        old, new = await until(lambda: findings(pool), lambda seen: len(seen) == 2)
        clip = "SELECT state, meta FROM evidence WHERE kind = 'clip' AND finding_id = $1"
        rows = await until(lambda: pool.fetch(clip, old["id"]), lambda seen: seen[0]["state"] != "pending")
        assert server._clients == {client}, "the stream was not asked for again"
    assert (old["zone"], old["ended_at"] >= old["onset_at"], new["zone"]) == ("stack", True, "chimney")
    assert (rows[0]["state"], rows[0]["meta"]["cut_short"]) == ("stored", None)


async def test_a_worker_that_is_stopped_while_it_cuts_a_clip_stores_it(
    pool: Pool, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    began, again = threading.Event(), threading.Event()

    def slow(*footage: object) -> object:
        if began.is_set():
            again.set()
        began.set()
        again.wait(3)
        return clips.keep(*footage)  # type: ignore[arg-type]

    monkeypatch.setattr(filming, "keep", slow)
    script, server = Script(), serving("/stack")
    async with on_air(server) as port:
        async with at_work(worker_of(pool, data_dir, script)):
            await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
            await become(pool, "c1", "online")
            script.sights = True
            await until(lambda: pieces(pool), bool)
            script.sights = False
            await until(lambda: asyncio.sleep(0, began.is_set()), bool)
        assert (await pieces(pool))["clip"].state == "stored"


async def test_a_worker_that_starts_again_gives_up_old_clips_and_goes_on_with_the_outage(
    pool: Pool, data_dir: Path
) -> None:
    clock = SkippingClock()
    async with at_work(worker_of(pool, data_dir, Script(), clock=clock)):
        await register(pool, "c1", "rtsp://127.0.0.1:1/x")
        await become(pool, "c1", "offline", "unreachable")
        clock.skipped_s += 61
        outage = (await until(lambda: findings(pool), bool))[0]
    await pool.execute(
        "INSERT INTO evidence (id, finding_id, kind, state, media_type, camera, created_at)"
        " VALUES (gen_random_uuid(), $1, 'clip', 'pending', 'video/mp4', 'c1', now() - interval '3 minutes')",
        outage["id"],
    )
    server = serving("/x")
    async with at_work(worker_of(pool, data_dir, Script(), clock=clock)):
        rows = await until(lambda: pieces(pool), lambda seen: seen["clip"].state == "lost")
        assert rows["clip"].reason == "worker_restarted"
        clock.skipped_s += 120
        await become(pool, "c1", "offline", "unreachable")
        async with on_air(server) as port:
            await pool.execute("UPDATE cameras SET url = $1", f"rtsp://127.0.0.1:{port}/x")
            await announce(pool)
            ended = await until(
                lambda: findings(pool), lambda seen: seen[0]["ended_at"] is not None, within_s=15
            )
    assert [f["id"] for f in ended] == [outage["id"]]


async def test_clips_of_a_worker_that_was_killed_a_moment_ago_are_given_up_later_also_of_cameras_that_are_gone(
    pool: Pool, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker, "LOOK_FOR_OLD_CLIPS_S", 0.05)
    await register(pool, "c1", "rtsp://127.0.0.1:1/x")
    await pool.execute(
        "INSERT INTO evidence (id, kind, state, media_type, camera) VALUES"
        " (gen_random_uuid(), 'clip', 'pending', 'video/mp4', 'c1'), (gen_random_uuid(), 'clip', 'pending', 'video/mp4', 'gone')"
    )

    async def left() -> int:
        return await pool.fetchval("SELECT count(*) FROM evidence WHERE state = 'pending'")

    async with at_work(worker_of(pool, data_dir, Script())):
        await become(pool, "c1", "offline", "unreachable")
        assert await left() == 2  # somebody may be cutting them yet
        await pool.execute("UPDATE evidence SET created_at = now() - interval '3 minutes'")
        await until(left, lambda n: n == 0)


@pytest.mark.parametrize("is_taken_out", [False, True])
async def test_a_clip_that_waits_long_for_the_disk_is_no_clip_of_an_earlier_worker(
    pool: Pool, data_dir: Path, monkeypatch: pytest.MonkeyPatch, is_taken_out: bool
) -> None:
    monkeypatch.setattr(worker, "LOOK_FOR_OLD_CLIPS_S", 0.05)
    began, go_on = threading.Event(), threading.Event()

    def slow(*footage: object) -> object:
        began.set()
        go_on.wait(20)
        return clips.keep(*footage)  # type: ignore[arg-type]

    async def states() -> dict[str, str]:
        rows = await pool.fetch("SELECT camera, state, reason FROM evidence WHERE kind = 'clip'")
        return {r["camera"]: r["reason"] or r["state"] for r in rows}

    monkeypatch.setattr(filming, "keep", slow)
    script, server = Script(), serving("/stack")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        await become(pool, "c1", "online")
        script.sights = True
        await until(lambda: pieces(pool), bool)
        script.sights = False
        try:
            await until(lambda: asyncio.sleep(0, began.is_set()), bool)
            if is_taken_out:
                await pool.execute("UPDATE cameras SET active = false")
                await announce(pool)
                await until(lambda: asyncio.sleep(0, server.clients), lambda n: n == 0, within_s=10)
            await pool.execute(
                "WITH older AS (INSERT INTO evidence (id, kind, state, media_type, camera, created_at)"
                " VALUES (gen_random_uuid(), 'clip', 'pending', 'video/mp4', 'gone', now() - interval '3 minutes'))"
                " UPDATE evidence SET created_at = now() - interval '3 minutes' WHERE kind = 'clip'"
            )
            seen = await until(states, lambda seen: seen["gone"] == "worker_restarted", within_s=10)
            assert seen["c1"] == "pending"
        finally:
            go_on.set()
        await until(states, lambda seen: seen["c1"] == "stored", within_s=10)
