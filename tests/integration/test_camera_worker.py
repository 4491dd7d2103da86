"""The camera worker on real streams, a real database and a real disk."""

import asyncio
import hashlib
import shutil
import time
from collections import UserDict
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import chain, pairwise
from pathlib import Path

import cv2
import pytest

from farwatch.domain.share import Share
from farwatch.runtime.clock import SystemClock
from farwatch.storage.blobs import BlobStore, live_still_path
from farwatch.storage.database import Pool
from ingest.cameras import metrics, vigil
from ingest.rtsp.auth import Credential
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
from tests.support.camera_rows import become, events, findings, pieces, play, serving
from tests.support.waiting import until


async def test_a_sighting_becomes_a_finding_with_still_marked_still_and_clip(
    pool: Pool, data_dir: Path
) -> None:
    script, server = Script(), serving("/stack")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack", drill=True)
        await become(pool, "c1", "online")
        await until(lambda: asyncio.sleep(0, script.seen.get("c1", [])), lambda seen: len(seen) >= 3)
        script.sights = True
        found = (await until(lambda: findings(pool), bool))[0]
        rows = await pieces(pool)
        assert {k: str(e.state) for k, e in rows.items()} == {
            "still": "stored",
            "still_marked": "stored",
            "clip": "pending",
        }
        assert (found["rule"], found["kind"], found["camera"], found["zone"]) == (
            "smoke",
            "smoke",
            "c1",
            "stack",
        )
        assert (found["tier"], found["drill_id"], found["code"], found["late"]) == (
            "violation",
            "standing",
            None,
            False,
        )
        assert (found["lat"], found["lon"], found["reason_params"]) == (30.5, 120.5, {"share": 0.2})
        assert found["detector"] == {"rule": "smoke", "version": "test"}
        script.sights = False
        rows = await until(lambda: pieces(pool), lambda seen: seen["clip"].state == "stored")
        ended = await until(lambda: findings(pool), lambda seen: seen[0]["ended_at"] is not None)
        assert len(ended) == 1

    blobs = BlobStore(data_dir / "evidence")
    for row in rows.values():
        content = blobs.path(row.sha256).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (row.sha256, row.size_bytes)
    assert rows["still_marked"].derived_from == rows["still"].id
    assert cv2.imread(str(blobs.path(rows["still"].sha256))).shape == (240, 320, 3)
    assert cv2.imread(str(live_still_path(data_dir, "c1"))).shape == (240, 320, 3)
    assert rows["still"].captured_at == found["onset_at"]
    its_clock = datetime.fromisoformat(rows["still"].meta["camera_clock_at"])
    assert abs((its_clock - found["onset_at"]).total_seconds()) < 1
    assert rows["clip"].captured_at < found["onset_at"] - timedelta(seconds=1)
    assert [e["kind"] for e in await events(pool, "evidence_stored")] == ["still", "still_marked", "clip"]
    if shutil.which("ffprobe"):
        said = play(blobs.path(rows["clip"].sha256))
        span_s = (ended[0]["ended_at"] - rows["clip"].captured_at).total_seconds()
        assert said["packets"][0]["flags"].startswith("K")
        assert float(said["streams"][0]["duration"]) == pytest.approx(
            rows["clip"].meta["duration_s"], abs=0.2
        )
        assert float(said["streams"][0]["duration"]) >= span_s - 0.2
        assert int(said["streams"][0]["nb_read_frames"]) == rows["clip"].meta["frames"]


async def test_a_camera_that_dies_is_one_finding_and_one_that_comes_back_ends_it(
    pool: Pool, data_dir: Path
) -> None:
    script, clock, server = Script(), SkippingClock(), serving("/yard", "/other")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script, clock=clock)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/yard")
        await register(pool, "c2", f"rtsp://127.0.0.1:{port}/other")
        await become(pool, "c1", "online")
        await become(pool, "c2", "online")
        server.hide("/yard")
        await until(lambda: asyncio.sleep(0, metrics.RECONNECTS.labels("c1")._value.get()), lambda n: n >= 2)
        clock.skipped_s += 15
        await become(pool, "c1", "offline", "not_found")
        assert await findings(pool) == []
        clock.skipped_s += 60
        outage = (await until(lambda: findings(pool), lambda seen: any(f["camera"] == "c1" for f in seen)))[0]
        assert (outage["rule"], outage["kind"], outage["tier"]) == ("camera_offline", "camera_fault", "fault")
        assert (outage["reason_key"], outage["reason_params"]) == ("camera_offline", {"cause": "not_found"})
        server.show("/yard", small_loop())
        await become(pool, "c1", "online")
        mine = await until(lambda: findings(pool), lambda seen: all(f["ended_at"] for f in seen))
        assert [f["camera"] for f in mine].count("c1") == 1
    said = [(e["state"], e["reason"]) for e in await events(pool, "camera_status") if e["camera"] == "c1"]
    assert [s for s in said if s[0] != "unknown"] == [
        ("online", ""),
        ("offline", "not_found"),
        ("online", ""),
    ]


async def test_hung_refused_and_absent_cameras_have_their_reasons_and_harm_nobody(
    pool: Pool, data_dir: Path
) -> None:
    async def hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with suppress(ConnectionError):
            await reader.read()
        writer.close()

    connections: list[asyncio.StreamWriter] = []
    hung = await asyncio.start_server(hang, "127.0.0.1", 0)
    script, clock, server = Script(), SkippingClock(), serving("/good")
    server.show("/locked", small_loop(), Credential("viewer", "right"))
    tries = metrics.RECONNECTS.labels("locked")._value
    more = {"clock": clock, "credentials": {"gate": ("viewer", "wrong")}}
    async with hung, on_air(server) as port, at_work(worker_of(pool, data_dir, script, **more)):
        await register(pool, "locked", f"rtsp://127.0.0.1:{port}/locked", credential="gate")
        await register(pool, "hung", f"rtsp://127.0.0.1:{hung.sockets[0].getsockname()[1]}/x")
        await register(pool, "absent", "rtsp://127.0.0.1:1/x")
        await register(pool, "nonsense", "http://127.0.0.1/x")
        await register(pool, "good", f"rtsp://127.0.0.1:{port}/good")
        reasons = {
            "locked": "unauthorised",
            "hung": "timed_out",
            "absent": "unreachable",
            "nonsense": "protocol",
        }
        for camera, reason in reasons.items():
            await become(pool, camera, "offline", reason)
        await become(pool, "good", "online")
        assert len(connections) >= 1
        before = len(script.seen["good"])
        await until(lambda: asyncio.sleep(0, len(script.seen["good"])), lambda n: n >= before + 2)
        assert tries.get() == 1
        assert "wrong" not in str([dict(r) for r in await pool.fetch("SELECT * FROM camera_status")])


class Looked(UserDict[str, tuple[str, str]]):
    """Accounts that count how often all of them were looked at."""

    looks = 0

    def __iter__(self) -> Iterator[str]:
        self.looks += 1
        return super().__iter__()


async def test_a_password_that_is_wrong_between_two_looks_at_the_accounts_locks_no_camera_out(
    pool: Pool, data_dir: Path
) -> None:
    right = Credential("viewer", "right")
    script, server, accounts = Script(), RtspServer(SystemClock()), Looked(gate=("viewer", "right"))
    server.show("/gate", small_loop(), right)
    tries, seen = metrics.RECONNECTS.labels("c1")._value, script.seen.setdefault("c1", [])
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script, credentials=accounts)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/gate", credential="gate")
        await until(lambda: asyncio.sleep(0, len(seen)), bool)
        before = accounts.looks
        await until(lambda: asyncio.sleep(0, accounts.looks), lambda looks: looks > before)
        accounts["gate"] = ("viewer", "wrong")
        server.hide("/gate")
        server.show("/gate", small_loop(), right)
        await until(lambda: asyncio.sleep(0, tries.get()), bool)
        before = len(seen)
        await until(lambda: asyncio.sleep(0, tries.get() > 1 or len(seen) > before), bool)
        accounts["gate"] = ("viewer", "right")
        before = len(seen)
        await until(lambda: asyncio.sleep(0, len(seen)), lambda n: n > before, within_s=10)


async def test_a_process_that_stood_still_does_not_blame_the_cameras(
    pool: Pool, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vigil, "ASLEEP_AFTER_S", 0.2)
    script, clock, server = Script(), SkippingClock(), serving("/a")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script, clock=clock)):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        await become(pool, "a", "online")
        clock.skipped_s += 300
        time.sleep(1.5)
        before = len(script.seen["a"])
        await until(lambda: asyncio.sleep(0, len(script.seen["a"])), lambda n: n >= before + 3)
    assert await findings(pool) == []
    assert "offline" not in [e["state"] for e in await events(pool, "camera_status")]


async def test_registry_changes_are_taken_over_while_cameras_are_watched(pool: Pool, data_dir: Path) -> None:
    script, server = Script(), serving("/a", "/b")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        await until(lambda: asyncio.sleep(0, script.seen), lambda seen: "a" in seen, within_s=20)
        await register(pool, "b", f"rtsp://127.0.0.1:{port}/b")
        await until(lambda: asyncio.sleep(0, script.seen), lambda seen: "b" in seen, within_s=20)
        made = script.made
        await pool.execute("UPDATE zones SET name = 'chimney' WHERE camera = 'b'")
        await announce(pool)
        await until(lambda: asyncio.sleep(0, script.made), lambda n: n == made + 1, within_s=20)
        await pool.execute("UPDATE cameras SET active = false WHERE id = 'a'")
        await announce(pool)
        await become(pool, "a", "unknown", "not_watched")
        await until(lambda: asyncio.sleep(0, server.clients), lambda n: n == 1, within_s=20)
        assert not live_still_path(data_dir, "a").exists()
        assert live_still_path(data_dir, "b").exists()


async def test_a_camera_that_is_taken_out_while_the_database_drops_connections_is_left_in_the_end(
    pool: Pool, data_dir: Path
) -> None:
    script, server, still = Script(), serving("/a"), live_still_path(data_dir, "a")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        await become(pool, "a", "online")
        assert still.exists()
        await pool.execute(
            "CREATE SEQUENCE tries;"
            "CREATE FUNCTION drop_me() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
            " PERFORM nextval('tries'), pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;"
            "CREATE TRIGGER drop_me BEFORE UPDATE ON camera_status FOR EACH ROW WHEN (NEW.reason = 'not_watched')"
            " EXECUTE FUNCTION drop_me()"
        )
        await pool.execute("UPDATE cameras SET active = false")
        await announce(pool)
        await until(
            lambda: pool.fetchval("SELECT last_value FROM tries"), lambda tries: tries >= 2, within_s=10
        )
        assert not still.exists()
        await pool.execute("DROP TRIGGER drop_me ON camera_status")
        await become(pool, "a", "unknown", "not_watched")


async def test_a_detector_that_fails_is_counted_and_the_camera_goes_on(pool: Pool, data_dir: Path) -> None:
    script, server, before = Script(raises=True), serving("/a"), metrics.DETECTOR_ERRORS._value.get()
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        await until(lambda: asyncio.sleep(0, script.seen.get("a", [])), lambda seen: len(seen) >= 3)
        await become(pool, "a", "online")
    assert metrics.DETECTOR_ERRORS._value.get() - before >= 3


async def test_a_detector_that_wants_every_frame_sees_at_most_five_pictures_a_second(
    pool: Pool, data_dir: Path
) -> None:
    script, server = Script(wants_every_frame=True), serving("/a")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        seen = await until(lambda: asyncio.sleep(0, script.seen.get("a", [])), lambda s: len(s) >= 12)
    gaps = [(b - a).total_seconds() for a, b in pairwise(seen[2:])]
    assert min(gaps) >= 0.17
    assert sum(gaps) / len(gaps) < 0.35


async def test_a_finding_outlives_a_database_that_drops_its_connections(pool: Pool, data_dir: Path) -> None:
    script, server = Script(), serving("/a")
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "a", f"rtsp://127.0.0.1:{port}/a")
        await become(pool, "a", "online")
        await pool.execute(
            "CREATE FUNCTION drop_me() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$"
        )
        await pool.execute(
            "CREATE TRIGGER drop_me BEFORE INSERT ON findings FOR EACH ROW EXECUTE FUNCTION drop_me()"
        )
        script.sights = True
        await until(lambda: asyncio.sleep(0, len(script.seen["a"])), lambda n: n >= 4)
        assert await findings(pool) == []
        await pool.execute("DROP TRIGGER drop_me ON findings")
        assert len(await until(lambda: findings(pool), bool)) == 1
        assert (await pieces(pool))["still"].state == "stored"


async def test_every_camera_belongs_to_exactly_one_share() -> None:
    cameras = [f"camera {i}" for i in range(500)]
    for count in (1, 2, 5):
        held = [[c for c in cameras if Share(i, count).holds(c)] for i in range(count)]
        assert sorted(chain.from_iterable(held)) == sorted(cameras)
        assert min(map(len, held)) > 500 / count * 0.7
