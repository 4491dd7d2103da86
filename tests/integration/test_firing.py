"""Many deadlines at once: few ways to the database, in their order, and one that cannot be written keeps no other."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime

import pytest

from alerting.engine import Engine
from farwatch.domain.place import Position
from farwatch.domain.policy import SHIPPED
from farwatch.storage.database import Connection, Pool
from tests.support.alerting import NoLease, World, at, smoke

MANY = 50
STUBBORN = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  RAISE EXCEPTION 'not this one' USING ERRCODE = 'check_violation'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON deadlines FOR EACH ROW WHEN (NEW.task_id = 7 AND NEW.{column} = '{value}')
  EXECUTE FUNCTION refuse()
"""


class Counted(Engine):
    """Keeps what it said to the database in its transactions."""

    def __init__(self, world: World) -> None:
        super().__init__(world.pool, NoLease(), world.load, {}, world.now)
        self.said: list[str] = []

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[Connection, datetime]]:
        async with super().transaction() as (connection, now):
            with connection.query_logger(lambda query: self.said.append(query.query)):
                yield connection, now


@pytest.fixture
async def world(pool: Pool) -> World:
    """All accept targets come at once, and nothing else does."""
    world = World(pool, policy=replace(SHIPPED, storm=replace(SHIPPED.storm, tasks=10_000)))
    places = [Position(31.1 + n * 0.015, 121.4) for n in range(MANY)]
    await world.found(*(smoke(camera=f"c{n}", enterprise=None, place=p) for n, p in enumerate(places)))
    await world.settle()
    await pool.execute("UPDATE deadlines SET due_at = due_at + interval '1 day' WHERE kind <> 'accept'")
    world.s = 400
    return world


async def test_many_at_once_are_few_ways_to_the_database(world: World) -> None:
    engine = Counted(world)
    await engine.tick()
    assert len(await world.events("deadline_breached")) == MANY
    assert len(engine.said) < MANY, engine.said


async def test_one_that_cannot_be_written_keeps_no_other(world: World) -> None:
    await world.pool.execute(STUBBORN.format(column="state", value="breached"))
    engine = world.engine()
    while await engine.tick():
        pass
    assert {e["task"] for e in await world.events("deadline_breached")} == {*range(1, MANY + 1)} - {7}
    rows = await world.pool.fetch("SELECT task_id FROM deadlines WHERE kind = 'accept' AND state = 'pending'")
    assert [r["task_id"] for r in rows] == [7]


async def test_a_task_that_cannot_be_dispatched_is_late_all_the_same(world: World) -> None:
    await world.pool.execute(
        "INSERT INTO deadlines (task_id, kind, due_at) VALUES (7, 'dispatch', $1) ON CONFLICT (task_id, matter_id, kind, step)"
        " DO UPDATE SET due_at = excluded.due_at, state = 'pending', decided_at = NULL",
        at(100),
    )
    await world.pool.execute(STUBBORN.format(column="kind", value="dispatch"))
    engine = world.engine()
    while await engine.tick():
        pass
    assert 7 in {e["task"] for e in await world.events("deadline_breached")}
