"""A share of the cameras on another machine: with a role that may do little, and a token for what it sends."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from farwatch.domain.share import WHOLE
from farwatch.runtime.clock import SystemClock
from farwatch.storage import worker_tokens
from farwatch.storage.blobs import live_still_path
from farwatch.storage.database import Pool, open_pool
from ingest.cameras.server_line import ServerAddress
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import Script, at_work, on_air, register, small_loop, worker_of
from tests.support.roles import camera_login
from tests.support.service import Service
from tests.support.waiting import until
from tests.support.web_house import House, served


@pytest.fixture
async def worker_url(pool: Pool, database_url: str) -> AsyncIterator[str]:
    async with camera_login(pool, database_url) as login:
        yield login.url


async def a_server(pool: Pool, folder: Path) -> tuple[House, str]:
    """A web server's application and a token for all cameras."""
    folder.mkdir()
    _, token = await worker_tokens.add(pool, [WHOLE])
    return House(pool, folder), token


async def test_what_it_finds_arrives_with_stills_and_clip(
    pool: Pool, worker_url: str, tmp_path: Path
) -> None:
    script, cameras = Script(), RtspServer(SystemClock())
    cameras.show("/stack", small_loop())
    house, token = await a_server(pool, tmp_path / "server")
    away = tmp_path / "worker"
    async with served(house.app) as url, on_air(cameras) as port, open_pool(worker_url) as theirs:
        worker = worker_of(theirs, away, script, server=ServerAddress(url, token))
        async with at_work(worker):
            await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
            await until(lambda: asyncio.sleep(0, script.seen.get("c1", [])), lambda seen: len(seen) >= 3)
            script.sights = True
            await until(lambda: pool.fetchval("SELECT count(*) FROM findings"), bool)
            script.sights = False

            async def states() -> set[tuple[str, str]]:
                rows = await pool.fetch("SELECT kind, state FROM evidence")
                return {(row["kind"], row["state"]) for row in rows}

            wanted = {("still", "stored"), ("still_marked", "stored"), ("clip", "stored")}
            await until(states, lambda seen: seen == wanted)
            await until(lambda: pool.fetchval("SELECT ended_at FROM findings"), bool)
            arrived = live_still_path(house.deps.data_dir, "c1")
            await until(lambda: asyncio.sleep(0, arrived.exists()), bool)
    for sha256 in [row["sha256"] for row in await pool.fetch("SELECT sha256 FROM evidence")]:
        assert house.deps.blobs.verify(sha256)
    assert [p for p in (away / "outgoing").rglob("*") if p.is_file()] == []
    assert not (away / "evidence").exists()


@pytest.fixture
def services(tmp_path: Path, worker_url: str) -> Iterator[list[Service]]:
    two = [Service(tmp_path / name, database_url=worker_url, camera_processes="1") for name in "ab"]
    yield two
    for service in two:
        service.stop_if_running()


@pytest.mark.process
async def test_another_machine_stands_by_and_takes_over(
    pool: Pool, services: list[Service], tmp_path: Path
) -> None:
    cameras = RtspServer(SystemClock())
    cameras.show("/stack", small_loop())
    house, token = await a_server(pool, tmp_path / "server")
    first, second = services
    async with served(house.app) as url, on_air(cameras) as port:
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        for service in services:
            service.environment |= {"FARWATCH_SERVER_URL": url, "FARWATCH_WORKER_TOKEN": token}
            service.start_command("cameras", "--share", "1/1")
            await service.says("are watched" if service is first else "standing by")
        arrived = live_still_path(house.deps.data_dir, "c1")
        await until(lambda: asyncio.sleep(0, arrived.exists()), bool)
        assert cameras.clients == 1
        first.kill_parent()
        await second.says("are watched")
        await until(lambda: asyncio.sleep(0, cameras.clients), lambda n: n == 1)
        arrived.unlink()
        await until(lambda: asyncio.sleep(0, arrived.exists()), bool)
        assert token not in first.log + second.log


@pytest.mark.process
async def test_a_token_of_other_shares_is_told_in_one_line(
    pool: Pool, services: list[Service], tmp_path: Path
) -> None:
    house, token = await a_server(pool, tmp_path / "server")
    async with served(house.app) as url:
        for token_sent, complaint in ((token, "share 1/1, not 2/3"), ("guess", "401 bad_worker_token")):
            services[0].environment |= {"FARWATCH_SERVER_URL": url, "FARWATCH_WORKER_TOKEN": token_sent}
            ended = await asyncio.to_thread(services[0].run, "cameras", "--share", "2/3")
            assert ended.returncode == 2
            assert complaint in ended.stderr
            assert "Traceback" not in ended.stderr


@pytest.mark.process
async def test_a_camera_process_that_stands_still_is_replaced_and_the_other_is_not(
    pool: Pool, services: list[Service]
) -> None:
    service = services[0]
    service.start_command("cameras", "--share", "1/2", "--share", "2/2")

    async def pids() -> dict[str, int]:
        return service.shares()

    before = await until(pids, lambda found: len(found) == 2)
    await until(
        lambda: pool.fetchval("SELECT count(*) FROM heartbeats WHERE name LIKE 'cameras %'"), lambda n: n == 2
    )
    os.kill(before["1/2"], signal.SIGSTOP)
    after = await until(pids, lambda found: found.get("1/2", before["1/2"]) != before["1/2"], within_s=15)
    assert after["2/2"] == before["2/2"]
    await service.says("cameras 1/2 ended with -9 (silent), starting it again")
    await until(lambda: asyncio.sleep(0, service.log.count("cameras 1/2 are watched")), lambda n: n == 2)
