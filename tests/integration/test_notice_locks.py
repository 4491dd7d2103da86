"""Decisions about several tasks settle their notices without ever waiting for one while another is held that comes later."""

import asyncio
import itertools
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from alerting import superseding, writing
from alerting.steps import Decision, Notify
from farwatch.domain.finding import Reason
from farwatch.domain.place import Position
from farwatch.domain.task import Task, TaskState
from farwatch.storage.database import Pool, transaction
from tests.support.alerting import World, at, smoke
from tests.support.waiting import until_somebody_waits

SENT = "SELECT id FROM notices WHERE state = 'sent' ORDER BY id"


async def three_tasks(world: World) -> list[Task]:
    for n in range(3):
        place = Position(31.2 + n / 5, 121.4)
        await world.found(smoke(zone=f"z{n}", camera=f"c{n}", enterprise=None, place=place))
    await world.settle()
    return await world.tasks()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
async def test_whoever_waits_for_a_notice_holds_none_that_comes_after_it(
    pool: Pool, order: tuple[int, ...]
) -> None:
    world = World(pool)
    tasks = await three_tasks(world)
    changes = [(tasks[n], replace(tasks[n], state=TaskState.HANDLED)) for n in order]

    async def settle() -> None:
        async with transaction(pool) as connection:
            await superseding.follow(connection, changes, at(10))

    ids = [r["id"] for r in await pool.fetch(SENT)]
    assert len(ids) >= 3
    async with asyncio.TaskGroup() as group:
        async with transaction(pool) as other:
            await other.execute("SELECT FROM notices WHERE id = $1 FOR UPDATE", ids[0])
            group.create_task(settle())
            await until_somebody_waits(pool)
            await other.execute("SELECT FROM notices WHERE id = ANY($1) ORDER BY id FOR UPDATE NOWAIT", ids)
    assert await pool.fetch(SENT) == []


async def test_what_is_told_by_a_decision_is_settled_by_the_next_one_of_the_same_transaction(
    pool: Pool,
) -> None:
    world = World(pool)
    first, other, _ = await three_tasks(world)
    asked = Decision(first, Reason("escalated"), (Notify("offer:again", "near", "offered"),))
    over = Decision(replace(first, state=TaskState.HANDLED), Reason("handled"))
    async with transaction(pool) as connection:
        await writing.write_all(
            connection, [(first, asked), (other, Decision(other, Reason("seen"))), (first, over)], at(10)
        )
    assert [
        dict(r) for r in await pool.fetch("SELECT DISTINCT state, plan_at FROM notices WHERE task_id = 1")
    ] == [{"state": "superseded", "plan_at": None}]


@pytest.mark.parametrize(
    "error", [asyncpg.DeadlockDetectedError, asyncpg.SerializationError, asyncpg.LockNotAvailableError]
)
async def test_a_row_that_others_wanted_at_the_same_moment_is_held_for_a_moment_and_no_failure(
    pool: Pool, error: Any
) -> None:
    world = World(pool)
    engine = world.engine()

    async def decide() -> bool:
        raise error

    assert not await engine.attempt(7, decide())
    assert engine.aside(int) == [7]
    world.s = 0.5
    await engine.tick()
    assert engine.aside(int) == []
