"""Live pictures: a stream that drops what its reader is too slow for, and ends with the session."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import pytest

from farwatch.storage import sessions
from farwatch.storage.blobs import live_still_path, live_wish_path, write_atomically
from server.web import live, live_viewers
from server.web.live_viewers import LiveViewers
from tests.support.waiting import until
from tests.support.web_house import House, served

URL = "/api/v1/cameras/c1/live"


def shown(house: House, content: bytes) -> None:
    """What the worker does each fifth of a second while somebody looks."""
    path = live_still_path(house.deps.data_dir, "c1")
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, content)


@asynccontextmanager
async def watching(url: str, token: str) -> AsyncIterator[httpx.Response]:
    async with (
        httpx.AsyncClient(base_url=url, cookies={"farwatch_session": token}, timeout=10) as client,
        client.stream("GET", URL) as response,
    ):
        yield response


def looking_at(house: House) -> Callable[[], Awaitable[int]]:
    async def count() -> int:
        viewers: LiveViewers = house.app.state.web.live
        return viewers.count

    return count


def age_of(file: Path) -> Callable[[], Awaitable[float]]:
    async def look() -> float:
        return file.stat().st_mtime

    return look


async def heard(stream: AsyncIterator[bytes], until_: bytes) -> bytes:
    """What comes up to and with these bytes."""
    got = b""
    async with asyncio.timeout(5):
        while until_ not in got:
            got += await anext(stream)
    return got


async def test_each_new_picture_comes_once_and_is_ended_at_once(house: House) -> None:
    shown(house, b"JPEG-1")
    async with served(house.app) as url, watching(url, await house.token("bo")) as response:
        assert response.headers["content-type"] == "multipart/x-mixed-replace; boundary=farwatch-picture"
        assert response.headers["cache-control"] == "no-store"
        stream = response.aiter_raw()
        boundary = b"--farwatch-picture\r\n"
        first = await heard(stream, b"JPEG-1\r\n" + boundary)
        head, _, rest = first.removeprefix(boundary).partition(b"\r\n\r\n")
        assert rest == b"JPEG-1\r\n" + boundary
        assert re.fullmatch(
            rb"Content-Type: image/jpeg\r\nLast-Modified: \w+, [^\r]+ GMT\r\nContent-Length: 6", head
        )
        shown(house, b"JPEG-22")
        assert (await heard(stream, boundary)).count(b"JPEG-22") == 1
    wish = live_wish_path(house.deps.data_dir, "c1")
    assert wish.exists(), "the worker is told that somebody looks"
    audited = await house.pool.fetch("SELECT actor, subject FROM audit WHERE action = 'live_viewed'")
    assert [tuple(row) for row in audited] == [("bo", "camera/c1")]


async def test_the_wish_is_kept_young_while_somebody_looks(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WISH_EVERY_S", 0.05)
    shown(house, b"JPEG")
    wish = live_wish_path(house.deps.data_dir, "c1")
    async with served(house.app) as url, watching(url, await house.token("bo")) as response:
        stream = response.aiter_raw()
        await anext(stream)
        os.utime(wish, (0, 0))
        await until(age_of(wish), lambda at: at > 1_000_000)


async def test_a_stream_ends_with_its_session_and_with_the_officers_task(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "WISH_EVERY_S", 0.05)
    shown(house, b"JPEG")
    task = await house.task(officer="o1", state="arrived")
    await house.matter(task)
    mine, his = await house.token("bo"), await house.token("wang")
    async with served(house.app) as url, AsyncExitStack() as stack:
        streams = [
            (await stack.enter_async_context(watching(url, token))).aiter_raw() for token in (mine, his)
        ]
        for stream in streams:
            await heard(stream, b"JPEG")
        await sessions.end(house.pool, sessions.digest(mine), house.clock.now())
        await house.pool.execute("UPDATE tasks SET state = 'closed'")
        async with asyncio.timeout(5):
            for stream in streams:
                assert [chunk async for chunk in stream if b"JPEG" in chunk] == []
    await until(looking_at(house), lambda n: n == 0)


async def test_viewers_are_counted_and_bounded_by_account_and_their_places_come_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_viewers, "VIEWERS_PER_ACCOUNT_MAX", 2)
    shown(house, b"JPEG")
    token = await house.token("bo")
    async with served(house.app) as url:
        async with AsyncExitStack() as opened:
            streams = [(await opened.enter_async_context(watching(url, token))).aiter_raw() for _ in range(2)]
            for stream in streams:
                await heard(stream, b"JPEG")
            async with watching(url, token) as refused:
                assert refused.status_code == 503
                assert b"no_stream_free" in await refused.aread()
            async with watching(url, await house.token("ada")) as other:
                assert other.status_code == 200
        await until(looking_at(house), lambda n: n == 0)


async def test_who_reads_slowly_gets_the_newest_picture_and_not_the_ones_between(house: House) -> None:
    big, numbers = 2_000_000, [bytes([128 + n]) for n in range(9)]
    token = await house.token("bo")
    async with served(house.app) as url:
        shown(house, numbers[0] * big)
        async with watching(url, token) as response:
            stream = response.aiter_raw(65536)
            await anext(stream)
            for number in numbers[1:]:
                await asyncio.sleep(0.06)
                shown(house, number * big)
            got = {bytes([b]) for chunk in [await anext(stream) for _ in range(70)] for b in set(chunk)}
    assert len(got & {*numbers[1:-1]}) < 4, "pictures queue up behind a slow reader"


async def test_who_takes_nothing_loses_the_place(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "SEND_WITHIN_S", 0.2)
    shown(house, bytes(30_000_000))
    async with served(house.app) as url:
        async with watching(url, await house.token("bo")) as response:
            stream = response.aiter_raw(1024)
            await anext(stream)
            shown(house, b"the next one finds the first still waiting")
            await until(looking_at(house), lambda n: n == 0)


async def test_a_stopping_server_does_not_wait_for_those_who_look(house: House) -> None:
    shown(house, b"JPEG")
    async with AsyncExitStack() as stack:
        async with served(house.app) as url:
            response = await stack.enter_async_context(watching(url, await house.token("bo")))
            stream = response.aiter_raw()
            await heard(stream, b"JPEG")
            began_s = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - began_s < 2


async def test_where_no_picture_ever_came_that_is_said_and_the_worker_is_told_all_the_same(
    house: House,
) -> None:
    async with house.client("bo") as client:
        answer = await client.get(URL)
    assert (answer.status_code, answer.json()["error"]["key"]) == (404, "no_picture")
    assert live_wish_path(house.deps.data_dir, "c1").exists()


async def test_an_officer_looks_only_while_he_has_a_task_of_that_camera(house: House) -> None:
    async with house.client("li") as client:
        assert (await client.get(URL)).json()["error"]["key"] == "not_found"
