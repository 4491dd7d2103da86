"""A database that stops answering without closing anything: every wait has an end, and nothing is lost or doubled by it."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from detectors.sensors.judge import LimitJudge
from farwatch.runtime.clock import SystemClock
from farwatch.storage import database, leases, listening
from farwatch.storage.database import Pool, connect, open_pool
from farwatch.storage.migration import migrate
from ingest.delivery import Delivery
from ingest.intake import Intake
from server.embedded.postgres import EmbeddedPostgres
from tests.support.city import settle
from tests.support.frozen_database import frozen
from tests.support.monitors import message

pytestmark = [pytest.mark.process, pytest.mark.timeout(60)]
NOW = datetime.now(UTC)  # noqa: TID251


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    """Of this file's own: it is frozen as a whole."""
    made = EmbeddedPostgres(tmp_path_factory.mktemp("frozen"), settings={"fsync": "off"})
    made.start()
    yield made
    made.stop(immediate=True)


@pytest.fixture
async def url(server: EmbeddedPostgres) -> str:
    admin = await connect(server.url("postgres"))
    await admin.execute("DROP DATABASE IF EXISTS frozen WITH (FORCE)")
    await admin.execute("CREATE DATABASE frozen")
    await admin.close()
    made = server.url("frozen")
    await migrate(made, made)
    await settle(made, stations=1)
    return made


@pytest.fixture(autouse=True)
def short_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "COMMAND_TIMEOUT_S", 1.0)
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_S", 1.0)
    monkeypatch.setattr(leases, "CHECK_EVERY_S", 0.3)


def deliveries(count: int) -> list[Delivery]:
    return [
        Delivery(
            "farwatch/v1/MN1/rtd",
            message(NOW - timedelta(seconds=count - i), {"a21026": 10.0 + i}),
            1,
            i + 1,
            1,
        )
        for i in range(count)
    ]


async def test_the_intake_waits_it_out_and_each_reading_is_there_once(
    server: EmbeddedPostgres, url: str
) -> None:
    async with open_pool(url) as pool:
        epoch = await pool.fetchval("INSERT INTO leases VALUES ('intake', 1, 'test', now()) RETURNING epoch")
        intake = Intake(pool, leases.Lease("intake", epoch), LimitJudge(), SystemClock())
        await intake.resume()
        batch = deliveries(50)
        await intake.take(batch[:10])
        with frozen(server):
            taking = asyncio.get_running_loop().create_task(intake.take(batch[10:]))
            done, _ = await asyncio.wait([taking], timeout=4)
            assert not done, "nothing is acknowledged that is not committed"
        await asyncio.wait_for(taking, 20)
        assert await pool.fetchval("SELECT count(*) FROM readings") == 50
        assert await pool.fetchval("SELECT count(*) FROM reading_revisions") == 0


async def test_one_backend_that_hangs_in_a_commit_does_not_hold_the_intake(
    server: EmbeddedPostgres, url: str
) -> None:
    async with open_pool(url) as pool:
        epoch = await pool.fetchval("INSERT INTO leases VALUES ('intake', 1, 'test', now()) RETURNING epoch")
        intake = Intake(pool, leases.Lease("intake", epoch), LimitJudge(), SystemClock())
        await intake.resume()
        async with pool.acquire() as connection:
            hung = await connection.fetchval("SELECT pg_backend_pid()")
        os.kill(hung, signal.SIGSTOP)
        try:
            batch = deliveries(20)
            await asyncio.wait_for(intake.take(batch), 15)
        finally:
            os.kill(hung, signal.SIGCONT)
        assert await pool.fetchval("SELECT count(*) FROM readings") == 20


async def _ends(what: object, within_s: float) -> BaseException | None:
    """How it ended, which it must within the time."""
    began = time.monotonic()
    try:
        await asyncio.wait_for(what, within_s)  # type: ignore[arg-type]
    except BaseException as error:  # noqa: BLE001  # whatever it is, it is looked at
        assert time.monotonic() - began < within_s, "it did not end by itself"
        return error
    return None


async def test_every_way_to_the_database_has_an_end(server: EmbeddedPostgres, url: str) -> None:
    async with open_pool(url, size=1) as pool:
        await pool.fetchval("SELECT 1")
        with frozen(server):
            assert isinstance(await _ends(pool.fetchval("SELECT 1"), 5), database.PASSING_ERRORS)
            assert isinstance(await _ends(connect(url), 5), database.PASSING_ERRORS)
            assert isinstance(await _ends(migrate(url, url), 5), database.PASSING_ERRORS)

            async def listen() -> None:
                async with listening.listening(url, "farwatch_findings"):
                    pass

            assert isinstance(await _ends(listen(), 5), database.PASSING_ERRORS)


async def test_a_lease_on_a_frozen_database_is_lost(server: EmbeddedPostgres, url: str) -> None:
    async def hold() -> None:
        async with leases.hold(url, "intake", "test"):
            held.set()
            await asyncio.Event().wait()

    held = asyncio.Event()
    holding = asyncio.get_running_loop().create_task(hold())
    await asyncio.wait_for(held.wait(), 10)
    with frozen(server):
        error = await _ends(holding, 8)
    assert isinstance(error, BaseExceptionGroup)
    assert isinstance(error.exceptions[0], leases.LeaseLostError)


async def test_the_pool_is_whole_again_after_a_freeze(server: EmbeddedPostgres, url: str) -> None:
    pool: Pool
    async with open_pool(url, size=2) as pool:
        await asyncio.gather(*(pool.fetchval("SELECT 1") for _ in range(2)))
        with frozen(server):
            await asyncio.gather(*(_ends(pool.fetchval("SELECT 1"), 5) for _ in range(4)))
        deadline = time.monotonic() + 10
        while True:
            try:
                assert await asyncio.gather(*(pool.fetchval("SELECT 1") for _ in range(4))) == [1, 1, 1, 1]
                break
            except database.PASSING_ERRORS:
                assert time.monotonic() < deadline
                await asyncio.sleep(0.1)
