"""Driving times by road from a real HTTP server that answers, errs, or hangs: never waited for longer than the budget."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import pytest

from alerting import routing
from alerting.routing import BUDGET_S, MOST_POINTS, Roads
from farwatch.domain.place import Position
from farwatch.storage.database import Pool
from tests.support.alerting import World, at, city, officer, smoke
from tests.support.web_house import FakeClock

STARTS = {"a": Position(31.2, 121.4), "b": Position(31.25, 121.45)}
ENDS = {7: Position(31.3, 121.5)}


@pytest.fixture
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is answered, however busy this machine is."""
    monkeypatch.setattr(routing, "BUDGET_S", 10.0)


def table(rows: object, code: str = "Ok") -> bytes:
    body = json.dumps({"code": code, "durations": rows}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


@dataclass
class Osrm:
    """`answer` makes the raw answer from the target of the request; None: it never answers."""

    answer: Callable[[str], bytes | None]
    asked: list[str] = field(default_factory=list)
    url: str = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = head.split(b" ")[1].decode()
                self.asked.append(target)
                raw = self.answer(target)
                if raw is None:
                    await reader.read()  # until the client goes
                    return
                writer.write(raw)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def router(answer: Callable[[str], bytes | None]) -> AsyncIterator[Osrm]:
    osrm = Osrm(answer)
    server = await asyncio.start_server(osrm.serve, "127.0.0.1", 0)
    osrm.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield osrm
    finally:
        server.close()


async def test_the_table_is_asked_for_in_wgs84_and_read_pair_by_pair(unhurried: None) -> None:
    async with router(lambda _: table([[120.4], [None]])) as osrm, Roads(osrm.url) as roads:
        told = await roads.table(STARTS, ENDS)
        assert (dict(told.etas_s), told.slow) == ({("a", 7): 120.4}, False), "b has no road there"
        assert roads.recent() == {("a", 7): 120.4}
    parts = urlsplit(osrm.asked[0])
    assert parts.path == "/table/v1/driving/121.40000,31.20000;121.45000,31.25000;121.50000,31.30000"
    assert parse_qs(parts.query) == {"sources": ["0;1"], "destinations": ["2"], "annotations": ["duration"]}


BAD = {
    "an error": b"HTTP/1.1 500 no\r\nContent-Length: 0\r\n\r\n",
    "a redirect": b"HTTP/1.1 302 go\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    "no HTTP": b"hello\r\n\r\n",
    "no JSON": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{]",
    "another code": table([[1], [2]], "NoTable"),
    "too few rows": table([[1]]),
    "too many columns": table([[1, 2], [3, 4]]),
    "a negative time": table([[-1], [2]]),
    "a text": table([["1"], [2]]),
    "a day and more": table([[1e9], [2]]),
    "no table": table(None),
}


@pytest.mark.parametrize("what", BAD)
async def test_anything_else_than_a_table_is_no_answer_and_the_router_rests(what: str) -> None:
    clock = FakeClock()
    async with router(lambda _: BAD[what]) as osrm, Roads(osrm.url, clock) as roads:
        assert await roads.table(STARTS, ENDS) == await roads.table(STARTS, ENDS)
        assert (await roads.table(STARTS, ENDS)).slow
        assert len(osrm.asked) == 1, "it is left alone for a while"
        clock.seconds += 10.1
        await roads.table(STARTS, ENDS)
        assert len(osrm.asked) == 2


async def test_a_router_that_hangs_or_drips_is_given_up_after_the_budget() -> None:
    for answer in (lambda _: None, lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n{"):
        async with router(answer) as osrm, Roads(osrm.url) as roads:
            began_s = time.monotonic()
            assert (await roads.table(STARTS, ENDS)).slow
            assert time.monotonic() - began_s < BUDGET_S + 1.0


async def test_nobody_there_and_no_router_are_harmless() -> None:
    async with Roads("http://127.0.0.1:1") as roads:
        assert (await roads.table(STARTS, ENDS)).slow
    async with Roads() as roads:
        assert not roads.known
        assert not (await roads.table(STARTS, ENDS)).slow


async def test_no_more_points_are_asked_for_than_a_router_takes(unhurried: None) -> None:
    starts = {str(n): Position(31.0 + n / 1000, 121.0) for n in range(300)}
    ends = {n: Position(31.5, 121.0 + n / 1000) for n in range(30)}

    def answer(target: str) -> bytes:
        query = parse_qs(urlsplit(target).query)
        return table([[1.0] * len(query["destinations"][0].split(";"))] * len(query["sources"][0].split(";")))

    async with router(answer) as osrm, Roads(osrm.url) as roads:
        told = await roads.table(starts, ends)
    assert len(urlsplit(osrm.asked[0]).path.split(";")) == MOST_POINTS
    assert len(told.etas_s) == 70 * 30


async def test_the_engine_sends_whom_the_road_says_and_the_reason_tells(pool: Pool, unhurried: None) -> None:
    """`near` is nearer as the crow flies; by road the river lies between."""

    def answer(target: str) -> bytes:
        starts = urlsplit(target).path.split("/")[-1].split(";")
        n = len(parse_qs(urlsplit(target).query)["sources"][0].split(";"))
        return table([[60.0 if start.startswith("121.40000,31.25") else 900.0] for start in starts[:n]])

    world = World(pool, city(officers={o.id: o for o in (officer("near", 31.201), officer("far", 31.25))}))
    async with router(answer) as osrm, Roads(osrm.url) as roads:
        engine = world.engine(roads=roads)
        await world.found(smoke())
        while await engine.tick():
            pass
    task = await world.task()
    assert (task.offered_to, task.dispatch and task.dispatch.params["road"]) == (("far",), True)
    assert task.dispatched_at == at(0)


async def test_a_router_that_hangs_delays_a_task_by_no_more_than_its_budget(pool: Pool) -> None:
    world = World(pool)
    async with router(lambda _: None) as osrm, Roads(osrm.url) as roads:
        engine = world.engine(roads=roads)
        await world.found(smoke())
        began_s = time.monotonic()
        while await engine.tick():
            pass
        assert time.monotonic() - began_s < BUDGET_S + 3.0
    task = await world.task()
    assert (task.offered_to, task.dispatch and task.dispatch.params["road"]) == (("near",), "slow")
