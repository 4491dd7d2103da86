"""From the pages to the worker and back: somebody looks, somebody draws, and a worker beside them takes it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from farwatch.runtime.clock import SystemClock
from farwatch.storage.blobs import live_still_path
from farwatch.storage.database import Pool
from simulators.rtsp_server import RtspServer
from tests.integration.web.test_web_live import watching
from tests.support.camera_house import (
    Drawn,
    announce,
    at_work,
    on_air,
    small_loop,
    worker_of,
)
from tests.support.waiting import until
from tests.support.web_house import House, a_city, served


@pytest.fixture
async def house(pool: Pool, tmp_path: Path) -> House:
    await a_city(pool)
    return House(pool, tmp_path)


async def shows(house: House, port: int) -> None:
    await house.pool.execute("UPDATE cameras SET url = $1", f"rtsp://127.0.0.1:{port}/c1")
    await announce(house.pool)


async def test_what_is_drawn_and_who_looks_reaches_the_worker_and_its_stream_the_page(house: House) -> None:
    server, script = RtspServer(SystemClock()), Drawn()
    server.show("/c1", small_loop())
    still = live_still_path(house.deps.data_dir, "c1")

    async def state() -> dict[str, Any]:
        async with house.client("bo") as client:
            page: dict[str, Any] = (await client.get("/api/v1/cameras/c1")).json()
            return page

    async with on_air(server) as port:
        await shows(house, port)
        async with at_work(worker_of(house.pool, house.deps.data_dir, script)):
            page = await until(state, lambda seen: bool(seen["stream"]["codec"]) and bool(seen["picture_at"]))
            assert page["state"] == "online"
            assert page["stream"].items() >= {"codec": "h264", "width": 320, "height": 240}.items()
            await look(house, still)
            version = page["drawing"]["version"]
            mask = {"name": "window", "purpose": "mask", "polygon": [[0, 0], [0.2, 0], [0.2, 0.2]]}
            began_s = asyncio.get_running_loop().time()
            async with house.client("bo") as client:
                answer = await client.put(
                    "/api/v1/cameras/c1/zones", json={"version": version, "zones": [mask]}
                )
            assert answer.status_code == 200
            await until(script.latest, lambda zones: zones == [("mask", "window")])
            assert asyncio.get_running_loop().time() - began_s < 3


async def look(house: House, still: Path) -> None:
    """Nobody looks: a picture each two seconds. Somebody looks: up to five a second."""
    async with served(house.app) as url, watching(url, await house.token("bo")) as response:
        stream, seen = response.aiter_raw(), 0
        async with asyncio.timeout(15):
            while seen < 12:
                seen += (await anext(stream)).count(b"Content-Type: image/jpeg")
            began_s = asyncio.get_running_loop().time()
            while seen < 20:
                seen += (await anext(stream)).count(b"Content-Type: image/jpeg")
    took_s = asyncio.get_running_loop().time() - began_s
    assert 1.2 < took_s < 6, f"8 pictures in {took_s:.1f} s"
    assert still.read_bytes().startswith(b"\xff\xd8")
