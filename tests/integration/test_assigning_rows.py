"""Bursts on the real database: given out together, each explained, nobody asked for everything, deaths harmless."""

from collections import Counter

import pytest

from alerting import assigning, rounds
from alerting.triage import City
from farwatch.domain.place import Position
from farwatch.domain.task import Task, TaskState
from farwatch.storage import choices, positions, tasks
from farwatch.storage.database import Pool, transaction
from tests.support.alerting import World, at, city, officer, smoke


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool, city(officers={o.id: o for o in (officer(f"o{n}", 31.2 + n / 100) for n in range(4))}))


def spread(n: int) -> Position:
    """Far enough apart to be businesses of their own."""
    return Position(31.2 + n / 100, 121.42)


async def burst(world: World, count: int) -> None:
    await world.found(*(smoke(f"z{n}", place=spread(n), enterprise=None) for n in range(count)))


async def test_a_burst_is_given_out_together_one_each_and_says_so(world: World) -> None:
    await burst(world, 4)
    await world.settle()
    found = await world.tasks()
    assert sorted(t.offered_to[0] for t in found) == ["o0", "o1", "o2", "o3"]
    assert {t.dispatch.key for t in found if t.dispatch} == {"joint"}
    assert {t.dispatched_at for t in found} == {at(0)}, "no clock waits for it"
    offered = await world.events("task_offered")
    kept = [(await choices.of_task(world.pool, t.id, 9))[0] for t in found]
    assert sorted(e["choice"] for e in offered) == sorted(c.id for c in kept)
    assert all(
        len(c.candidates) == 4 and c.chosen == t.offered_to[0] for c, t in zip(kept, found, strict=True)
    )


async def test_more_than_there_are_officers_is_spread_evenly(world: World) -> None:
    await burst(world, 10)
    await world.settle()
    count = Counter(t.offered_to[0] for t in await world.tasks())
    assert max(count.values()) - min(count.values()) <= 1


async def test_a_single_finding_waits_for_nobody(world: World) -> None:
    await burst(world, 1)
    await world.settle()
    task = await world.task()
    assert (task.offered_to, task.dispatch and task.dispatch.key) == (("o0",), "no_position")
    (choice,) = await choices.of_task(world.pool, task.id, 9)
    assert (choice.wanted, choice.chosen, choice.at) == ("officer", "o0", at(0))


async def left_to_assign(world: World, count: int) -> None:
    """As the engine leaves a burst when it dies right after its findings were disposed of."""
    await burst(world, count)
    engine = world.engine()
    engine.city = City(world.registry, world.policy, burst=True)
    for row in await world.pool.fetch("SELECT id FROM findings ORDER BY found_at"):
        assert await rounds.dispose(engine, row["id"], engine.city)
    assert {t.state for t in await world.tasks()} == {TaskState.OPEN}


async def test_who_dies_between_a_burst_and_its_assignment_goes_on_from_the_rows(world: World) -> None:
    await left_to_assign(world, 3)
    world.s = 3
    await world.settle()
    found = await world.tasks()
    assert sorted(t.offered_to[0] for t in found) == ["o0", "o1", "o2"]
    assert {t.dispatched_at for t in found} == {at(3)}


async def test_who_cannot_be_assigned_keeps_his_clocks(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes wrong while somebody is looked for is not the business of the deadlines."""

    def broken(*_: object) -> None:
        raise TypeError("of another version")

    await left_to_assign(world, 2)
    monkeypatch.setattr(assigning, "decide", broken)
    engine = world.engine()
    while world.s <= 330:
        await engine.tick()
        world.s += 15
    breached = [e["task"] for e in await world.events("deadline_breached") if e["deadline"] == "accept"]
    assert sorted(breached) == [1, 2]


async def test_a_task_that_somebody_is_acting_on_is_left_and_looked_at_again(world: World) -> None:
    await left_to_assign(world, 2)
    async with transaction(world.pool) as connection:
        await tasks.lock(connection, 1)
        await world.engine().tick()
        assert [t.state for t in await _seen(world)] == [TaskState.OPEN, TaskState.OFFERED]
    await world.settle()
    assert {t.state for t in await world.tasks()} == {TaskState.OFFERED}


async def _seen(world: World) -> list[Task]:
    async with world.pool.acquire() as connection:
        return await tasks.read(connection, [1, 2])


async def test_who_is_busy_is_known_by_held_and_asked_tasks_and_drills_apart(world: World) -> None:
    await burst(world, 1)
    await world.settle()
    assert (await choices.loads(world.pool)).real == {"o0": 0.25}
    await world.act("o0", "accept")
    await world.found(smoke("practice", place=spread(3), enterprise=None, drill_id="d1"))
    await world.settle()
    loads = await choices.loads(world.pool)
    assert (loads.real, set(loads.drills.values())) == ({"o0": 1.0}, {0.25})


async def test_positions_are_believed_as_far_as_their_age_allows(world: World) -> None:
    await world.pool.execute("INSERT INTO teams VALUES ('t', 't', NULL) ON CONFLICT DO NOTHING")
    for o in world.registry.officers:
        await world.pool.execute(
            "INSERT INTO officers (id, name, team, lat, lon) VALUES ($1, $1, 't', 0, 0)", o
        )
    for who, age in (("o1", 10), ("o2", 400), ("o3", 900)):
        await positions.put(world.pool, who, spread(0), at(0))
        await world.pool.execute(
            "UPDATE officer_positions SET taken_at = $2 WHERE officer = $1", who, at(-age)
        )
    await burst(world, 1)
    await world.settle()
    (choice,) = await choices.of_task(world.pool, 1, 9)
    ages = {c["officer"]: (c["age_s"], c["stale_s"]) for c in choice.candidates}
    assert ages == {"o1": (10.0, 0.0), "o2": (400.0, 120.0), "o3": (None, 180.0), "o0": (None, 180.0)}
    assert choice.chosen == "o1"


async def test_the_next_shift_is_asked_while_whoever_was_asked_stays_silent(pool: Pool) -> None:
    crew = {o.id: o for o in (officer("night", 31.201), officer("day", 31.21, "10:20-20:00"))}
    world = World(pool, city(officers=crew, teams={}))
    await world.found(smoke())
    while world.s < 22 * 60:
        await world.settle()
        world.s += 60
    assert (await world.task()).offered_to == ("night", "day")
    vain = [e["reason"] for e in await world.events("escalated") if e.get("wanted") == "next_officer"]
    assert vain == ["all_asked"] * 2, "once for each who stayed silent, however often nobody was found"


async def test_the_worst_class_is_given_out_together_too_and_still_asks_two_at_once(world: World) -> None:
    await world.found(*(smoke(f"z{n}", place=spread(n), enterprise=None, severity=3) for n in range(2)))
    await world.settle()
    found = await world.tasks()
    assert [len(t.offered_to) for t in found] == [2, 2]
    assert [t.offered_to[0] for t in found] == ["o0", "o1"]
    kept = [[c.reason.key for c in await choices.of_task(world.pool, t.id, 9)] for t in found]
    assert [keys[-1] for keys in kept] == ["joint", "joint"]
    assert [len(keys) for keys in kept] == [2, 2]
