import pytest

from farwatch.domain.finding import Tier
from farwatch.storage.database import Pool
from tests.support.alerting import World, at, early


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool)


async def test_an_enterprise_is_warned_and_cleared_when_it_stops_in_time(world: World) -> None:
    finding, minute = early(), early(rule="limit_min", onset_at=at(-3))
    await world.found(finding, minute)
    await world.settle()
    (told,) = await world.events("warning_told")
    assert (told["enterprise"], told["window_ends_at"]) == ("e2", at(600).isoformat())
    notice = await world.pool.fetchrow("SELECT channel, target, state, message_key FROM notices")
    assert tuple(notice) == ("page", "e2", "sent", "warned"), "from which the ways are planned"
    await world.end(finding, 100)
    world.s = 110
    await world.settle()
    assert await world.events("warning_cleared") == []
    await world.end(minute, 200)
    await world.settle()
    assert len(await world.events("warning_cleared")) == 1
    world.s = 700
    await world.settle()
    assert await world.tasks() == []


async def test_a_warning_that_stands_becomes_a_task_whose_clock_starts_then(world: World) -> None:
    await world.found(early())
    await world.settle()
    world.s = 599
    await world.settle()
    assert await world.tasks() == []
    world.s = 600
    await world.settle()
    task = await world.task()
    assert (task.opened_at, task.matters[0].found_at, task.matters[0].event_at) == (at(600), at(600), at(-5))
    assert await world.pool.fetchval("SELECT state FROM warnings") == "became_task"


async def test_an_end_that_came_after_the_window_does_not_clear_after_an_outage(world: World) -> None:
    finding = early()
    await world.found(finding)
    await world.settle()
    await world.end(finding, 601)
    world.s = 1000
    await world.settle()
    assert (await world.task()).opened_at == at(1000)


async def test_a_violation_overtakes_the_warning_and_a_later_warning_folds(world: World) -> None:
    await world.found(early())
    await world.settle()
    world.s = 10
    await world.found(early(tier=Tier.VIOLATION, severity=2))
    await world.settle()
    world.s = 20
    await world.found(early(onset_at=at(15)))
    await world.settle()
    world.s = 700
    await world.settle()
    task = await world.task()
    assert len(task.matters[0].findings) == 2
    assert await world.pool.fetchval("SELECT count(*) FROM warnings WHERE state = 'open'") == 0


async def test_an_enterprise_without_channel_is_the_centres_to_call(world: World) -> None:
    await world.found(early(enterprise="e1"))
    await world.settle()
    notice = await world.pool.fetchrow("SELECT channel, target, state, message_key FROM notices")
    assert tuple(notice) == ("page", "centre", "sent", "enterprise_has_no_channel")
