"""After an outage: what is overdue fires at once, in order, and says how late it truly was and how much of that was ours."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerting.engine import Engine
from farwatch.domain.place import Position
from farwatch.domain.policy import SHIPPED, Policy
from farwatch.domain.registry import Registry
from farwatch.domain.task import DeadlineKind
from farwatch.storage import database
from farwatch.storage.database import PASSING_ERRORS, Pool, connect, open_pool
from farwatch.storage.findings import insert_findings
from farwatch.storage.migration import migrate
from server.embedded.postgres import EmbeddedPostgres
from tests.support.alerting import NoLease, World, at, city, smoke
from tests.support.frozen_database import frozen

REAL_OUTAGE_S = float(os.environ.get("FARWATCH_OUTAGE_S", "8"))
"""`make clocks` stops the database for two minutes across a deadline of five."""
REAL_ACCEPT_S, FROZEN_FROM_S = (300.0, 240.0) if REAL_OUTAGE_S >= 120 else (3.0, 1.0)
STORMLESS = replace(SHIPPED.storm, tasks=10_000)


async def test_what_is_overdue_fires_at_once_in_the_order_of_its_instants_over_all_tasks(pool: Pool) -> None:
    world = World(pool, policy=replace(SHIPPED, storm=STORMLESS))
    world.policy = replace(world.policy, task=replace(world.policy.task, offer_window_s=86400.0))
    for n in range(50):
        world.s = n * 1.7
        place = Position(31.1 + (n * 37 % 50) * 0.015, 121.4)
        await world.found(smoke(camera=f"cam{n}", enterprise=None, place=place))
    await world.settle()
    assert len(await world.tasks()) == 50
    world.s = 5000.0
    await world.settle()
    breached = await world.events("deadline_breached")
    assert len(breached) == 100
    due = [datetime.fromisoformat(e["due_at"]) for e in breached]
    assert due == sorted(due)
    assert [e["late_s"] for e in breached] == [round((at(5000) - d).total_seconds(), 3) for d in due]
    rows = {
        (t.id, d.step): d.due_at
        for t in await world.tasks()
        for d in t.deadlines
        if d.kind is DeadlineKind.ESCALATE
    }
    stepped = [rows[e["task"], e["step"]] for e in await world.events("escalated") if "step" in e]
    assert len(stepped) == 150
    assert stepped == sorted(stepped)


async def test_two_minutes_of_outage_across_a_five_minute_deadline_are_told_with_its_breach(
    pool: Pool,
) -> None:
    world = World(pool)
    await world.found(smoke())
    await world.settle()
    for what, began, ended in (("engine", 240, 360), ("intake", 0, 300)):
        await pool.execute(
            "INSERT INTO outages (what, started_at, ended_at) VALUES ($1, $2, $3)", what, at(began), at(ended)
        )
    world.s = 361.5
    await world.settle()
    (breach,) = await world.events("deadline_breached")
    assert (breach["deadline"], breach["due_at"]) == ("accept", at(300).isoformat())
    assert (breach["late_s"], breach["outage_s"]) == (61.5, 60.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedPostgres]:
    made = EmbeddedPostgres(tmp_path_factory.mktemp("outage"), settings={"fsync": "off"})
    made.start()
    yield made
    made.stop(immediate=True)


@asynccontextmanager
async def running(pool: Pool, url: str, policy: Policy) -> AsyncIterator[None]:
    """The engine, begun again whenever the database lets it down, as its supervisor does."""

    async def load() -> tuple[Registry, Policy]:
        return city(), policy

    async def again_and_again() -> None:
        while True:
            with suppress(*PASSING_ERRORS):
                await Engine(pool, NoLease(), load, {}).run(url)
            await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as group:
        task = group.create_task(again_and_again())
        yield
        task.cancel()


@pytest.mark.process
@pytest.mark.timeout(REAL_OUTAGE_S + REAL_ACCEPT_S + 60)
async def test_a_database_that_stood_still_across_a_deadline_leaves_the_breach_with_its_true_time(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "COMMAND_TIMEOUT_S", 1.0)
    monkeypatch.setattr(database, "CONNECT_TIMEOUT_S", 1.0)
    url = server.url("postgres")
    await migrate(url, url)
    policy = replace(
        SHIPPED, task=replace(SHIPPED.task, accept_s=REAL_ACCEPT_S, offer_window_s=86400.0, escalation=())
    )
    async with open_pool(url) as pool, running(pool, url, policy):
        async with database.transaction(pool) as connection:
            await insert_findings(connection, [smoke()])
        await asyncio.sleep(FROZEN_FROM_S)
        with frozen(server):
            await asyncio.sleep(REAL_OUTAGE_S)
        breach = await _breach(url)
    own = await connect(url)
    found_at, due_at, decided_at = await own.fetchrow(
        "SELECT m.found_at, d.due_at, d.decided_at FROM deadlines d JOIN matters m ON m.id = d.matter_id"
        " WHERE d.kind = 'accept' AND d.state = 'breached'"
    )
    await own.close()
    assert due_at == found_at + timedelta(seconds=REAL_ACCEPT_S)
    assert breach["late_s"] == pytest.approx((decided_at - due_at).total_seconds(), abs=0.001)
    after_s = FROZEN_FROM_S + REAL_OUTAGE_S - REAL_ACCEPT_S
    assert after_s - 1 < breach["late_s"] < after_s + 10
    assert breach["outage_s"] == pytest.approx(REAL_ACCEPT_S - FROZEN_FROM_S, abs=1.0)


async def _breach(url: str) -> dict[str, float]:
    own = await connect(url)
    try:
        for _ in range(300):
            row = await own.fetchval(
                "SELECT event FROM event_queue WHERE event->>'type' = 'deadline_breached' ORDER BY id LIMIT 1"
            )
            if row:
                found: dict[str, float] = row
                return found
            await asyncio.sleep(0.1)
    finally:
        await own.close()
    raise AssertionError("no breach came")
