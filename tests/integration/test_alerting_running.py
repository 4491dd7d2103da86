"""The engine as it runs: woken by NOTIFY, under a real lease, on the database's own clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from alerting.actions import Action, act
from alerting.engine import Engine
from farwatch.domain.place import Position
from farwatch.domain.task import Actor
from farwatch.storage.database import Pool, snapshot, transaction
from farwatch.storage.findings import insert_findings
from farwatch.storage.heartbeats import database_now
from farwatch.storage.leases import LeaseLostError, hold
from tests.support.alerting import World, at, smoke


@asynccontextmanager
async def running(world: World, url: str) -> AsyncIterator[None]:
    async with hold(url, "engine", "test") as lease, asyncio.TaskGroup() as group:
        engine = Engine(world.pool, lease, world.load, {})
        run = group.create_task(engine.run(url))
        yield
        run.cancel()


async def until(pool: Pool, query: str) -> None:
    async with asyncio.timeout(20):
        while not await pool.fetchval(query):
            await asyncio.sleep(0.02)


async def test_a_committed_finding_becomes_an_offered_task_and_a_decline_asks_the_next(
    pool: Pool, database_url: str
) -> None:
    async with running(World(pool), database_url):
        async with transaction(pool) as connection:
            await insert_findings(connection, [smoke()])
        await until(pool, "SELECT offered_to = '{near}' FROM tasks")
        now = await database_now(pool)
        declined = await act(
            pool, 1, Actor("u", "officer", "near"), Action.DECLINE, client_id="c", claimed_at=now
        )
        assert declined.reason.key == "declined"
        await until(pool, "SELECT offered_to = '{near,far}' FROM tasks")
    t1, t2 = await pool.fetchrow("SELECT opened_at, dispatched_at FROM tasks")
    found_at = await pool.fetchval("SELECT found_at FROM findings")
    assert t1 == found_at
    assert t2 > t1


async def test_a_breach_during_an_outage_of_the_engine_says_so(pool: Pool, database_url: str) -> None:
    world = World(pool)
    await world.found(smoke())
    await world.settle()
    await pool.execute("UPDATE heartbeats SET at = $1 WHERE name = 'engine'", at(100))
    async with running(world, database_url):
        await until(pool, "SELECT count(*) = 2 FROM deadlines WHERE state = 'breached'")
    breaches = await world.events("deadline_breached")
    assert [(e["deadline"], e["outage_s"]) for e in breaches] == [("accept", 200.0), ("arrive", 500.0)]


async def _run_and_replace(pool: Pool, url: str) -> None:
    async with running(World(pool), url):
        await pool.execute("UPDATE leases SET epoch = epoch + 1")
        async with transaction(pool) as connection:
            await insert_findings(connection, [smoke()])
        await asyncio.sleep(20)


async def test_a_replaced_engine_stops_loudly(pool: Pool, database_url: str) -> None:
    with pytest.raises(ExceptionGroup) as stopped:
        await _run_and_replace(pool, database_url)
    assert stopped.group_contains(LeaseLostError)
    assert await pool.fetchval("SELECT count(*) FROM tasks") == 0


async def test_a_task_that_somebody_holds_delays_no_clock_of_another(pool: Pool, database_url: str) -> None:
    world = World(pool)
    elsewhere = Position(31.6, 121.8)
    await world.found(smoke(), smoke(zone="b", camera="c2", enterprise="e2", place=elsewhere))
    await world.settle()
    await pool.execute("UPDATE deadlines SET due_at = clock_timestamp() + interval '1 hour'")
    async with pool.acquire() as stopped, stopped.transaction():
        await stopped.execute("SELECT FROM tasks WHERE id = 1 FOR UPDATE")
        await world.found(smoke(zone="new"))
        async with running(world, database_url):
            await pool.execute(
                "UPDATE deadlines SET due_at = clock_timestamp() WHERE task_id = 2 AND kind = 'accept'"
            )
            async with asyncio.timeout(3):
                await until(pool, "SELECT count(*) = 1 FROM deadlines WHERE state = 'breached'")
            await stopped.execute("ROLLBACK")
            await until(pool, "SELECT count(*) = 2 FROM matters WHERE task_id = 1")


async def test_who_rests_within_a_transaction_loses_its_rows(pool: Pool) -> None:
    """But a snapshot, which holds none, may rest."""
    assert await pool.fetchval("SHOW idle_in_transaction_session_timeout") == "10s"
    async with snapshot(pool) as connection:
        assert await connection.fetchval("SHOW idle_in_transaction_session_timeout") == "0"


async def test_a_task_that_nothing_would_look_at_again_is_woken_at_the_start(
    pool: Pool, database_url: str
) -> None:
    """As an earlier release left one that was offered, and whose officer never answered."""
    world = World(pool)
    await world.found(smoke())
    await world.settle()
    await pool.execute("UPDATE deadlines SET state = 'fired', decided_at = now()")
    async with running(world, database_url):
        await until(pool, "SELECT offered_to = '{near,far}' FROM tasks")
    assert await pool.fetchval("SELECT count(*) FROM deadlines WHERE kind = 'dispatch'") == 1


async def test_what_waits_for_a_task_that_somebody_holds_keeps_no_clock_waiting(pool: Pool) -> None:
    world = World(pool)
    await world.found(smoke())
    await world.settle()
    async with pool.acquire() as stopped, stopped.transaction():
        await stopped.execute("SELECT FROM tasks WHERE id = 1 FOR UPDATE")
        await world.found(*(smoke(zone=f"z{n}") for n in range(40)))
        began = await database_now(stopped)
        await world.engine().tick()
        took = await pool.fetchval("SELECT clock_timestamp() - $1::timestamptz", began)
    assert took.total_seconds() < 2.0, "forty findings waited for one row, each for itself"
    await world.settle()
    assert len((await world.task()).matters) == 41
