import asyncio

import pytest

from alerting.actions import Result, mark_delivered
from farwatch.domain.place import Position
from farwatch.domain.task import DeadlineKind, DeadlineState, Outcome, TaskState
from farwatch.storage.database import Pool, transaction
from tests.support.alerting import WORKS, World, at, smoke, together

HERE = Position(WORKS.lat, WORKS.lon, 10.0)


@pytest.fixture
async def world(pool: Pool) -> World:
    world = World(pool)
    await world.found(smoke())
    await world.settle()
    return world


async def test_a_task_goes_from_offer_to_close_with_all_its_times(world: World) -> None:
    for s, who, action, more in (
        (20, "near", "accept", {}),
        (200, "near", "arrive", {"position": HERE}),
        (400, "near", "handle", {"note": "灭火"}),
        (500, "centre", "verify", {}),
        (600, "centre", "close", {}),
    ):
        world.s = s
        assert (await world.act(who, action, **more)).result is Result.DONE, action
    task = await world.task()
    times = (
        task.opened_at,
        task.dispatched_at,
        task.accepted_at,
        task.arrived_at,
        task.handled_at,
        task.verified_at,
        task.closed_at,
    )
    assert times == tuple(at(s) for s in (0, 0, 20, 200, 400, 500, 600))
    assert (task.state, task.outcome, task.officer) == (TaskState.CLOSED, Outcome.HANDLED, "near")
    assert {d.state for d in task.deadlines if d.kind in (DeadlineKind.ACCEPT, DeadlineKind.ARRIVE)} == {
        DeadlineState.MET
    }
    assert [m.closed_at for m in task.matters] == [at(600)]
    types = [e["type"] for e in await world.events()]
    assert types[:3] == ["finding_found", "task_opened", "task_offered"]
    assert types[3:] == ["task_accepted", "task_arrived", "task_handled", "task_verified", "task_closed"]


async def test_a_repeat_does_nothing_and_a_refusal_is_refused_again(world: World) -> None:
    first = await world.act("near", "accept", client_id="a")
    again = await world.act("near", "accept", client_id="a")
    assert (first.result, again.result) == (Result.DONE, Result.REPEATED)
    far_away = {"client_id": "b", "position": Position(31.3, 121.4, 5.0)}
    refused = [await world.act("near", "arrive", **far_away) for _ in range(2)]
    assert [(r.result, r.reason.key) for r in refused] == [(Result.REFUSED, "too_far")] * 2
    assert (await world.act("near", "handle", client_id="a")).reason.key == "client_id_used"
    assert len(await world.events("task_accepted")) == 1


async def test_one_client_id_at_the_same_time_acts_once(world: World) -> None:
    results = await together(*(world.act("near", "accept", client_id="a") for _ in range(6)))
    assert sorted(r.result for r in results) == [Result.DONE, *[Result.REPEATED] * 5]


async def test_one_client_id_at_the_same_time_on_two_tasks_acts_on_one(world: World) -> None:
    await world.found(smoke("yard", enterprise="e2", camera="cam2", place=Position(31.19, 121.4)))
    await world.settle()
    results = await together(*(world.act("near", "accept", task=t, client_id="a") for t in (1, 2)))
    assert sorted(r.reason.key for r in results) == ["accepted", "client_id_used"]
    assert sorted(t.state for t in await world.tasks()) == [TaskState.ACCEPTED, TaskState.OFFERED]


async def test_of_two_officers_who_accept_at_once_one_has_the_task(world: World) -> None:
    world.s = 95
    await world.settle()
    results = await together(world.act("near", "accept"), world.act("far", "accept"))
    assert sorted(r.reason.key for r in results) == ["accepted", "taken_by_other"]


async def test_a_task_that_does_not_exist_is_not_found(world: World) -> None:
    assert (await world.act("near", "accept", task=999)).reason.key == "not_found"


async def test_an_accept_received_in_time_beats_the_breach_that_overtook_it(world: World) -> None:
    """The officer's tap waits for the task's row while the engine, late itself, decides the breach."""
    world.s = 299
    async with transaction(world.pool) as holder:
        await holder.execute("SELECT 1 FROM tasks FOR UPDATE")
        tapped = asyncio.get_running_loop().create_future()

        async def received(connection: object) -> object:
            tapped.set_result(None)
            return at(299)

        async with asyncio.TaskGroup() as group:
            tap = group.create_task(world.act("near", "accept", now=received))
            await tapped
            await holder.execute(
                "UPDATE deadlines SET state = 'breached', decided_at = now() WHERE kind = 'accept'"
            )
            await holder.execute("COMMIT; BEGIN")
    assert tap.result().result is Result.DONE
    task = await world.task()
    assert task.accepted_at == at(299)
    assert [d.state for d in task.deadlines if d.kind is DeadlineKind.ACCEPT] == [DeadlineState.MET]
    assert [e["deadline"] for e in await world.events("breach_revoked")] == ["accept"]


async def test_an_accept_that_comes_too_late_is_a_breach_even_before_the_engine_looks(world: World) -> None:
    world.s = 301
    assert (await world.act("near", "accept")).result is Result.DONE
    await world.settle()
    (breach,) = await world.events("deadline_breached")
    assert (breach["deadline"], breach["late_s"], breach["actor"]) == ("accept", 1.0, "user-near")


async def test_the_offer_is_delivered_once(world: World) -> None:
    world.s = 3
    async with transaction(world.pool) as connection:
        for _ in range(2):
            await mark_delivered(connection, 1, "near", now=world.now)
        assert await mark_delivered(connection, 99, "near", now=world.now) is None
    assert (await world.task()).delivered_at == at(3)
    assert len(await world.events("task_delivered")) == 1


async def test_an_arrival_at_one_site_of_an_enterprise_is_none_at_another_and_the_next_one_is(
    world: World,
) -> None:
    await world.act("near", "accept")
    world.s = 30
    site = Position(31.45, 121.7)
    await world.found(smoke(zone="site2", camera="c2", place=site))
    await world.settle()
    for s, position, states in ((60, HERE, ["met", "pending"]), (500, site, ["met", "met"])):
        world.s = s
        assert (await world.act("near", "arrive", position=position)).result is Result.DONE
        task = await world.task()
        assert [d.state for d in task.deadlines if d.kind is DeadlineKind.ARRIVE] == states
    assert (task.arrived_at, [m.arrived_at for m in task.matters]) == (at(60), [at(60), at(500)])
    assert [m.place for m in task.matters] == [WORKS, site]
    assert [e["matters"] for e in await world.events("task_arrived")] == [[1], [2]]
    await world.pool.execute("UPDATE matters SET lat = NULL, lon = NULL")
    old = await world.task()
    assert [old.place_of(m) for m in old.matters] == [WORKS, WORKS]


async def test_an_arrival_in_a_storm_counts_for_its_own_place_alone(pool: Pool) -> None:
    world = World(pool)
    await world.found(
        *(
            smoke(f"z{n}", camera=f"c{n}", enterprise=f"x{n}", place=Position(31.01 + n * 0.0025, 121.4))
            for n in range(40)
        )
    )
    await world.settle()
    task = max(await world.tasks(), key=lambda t: len(t.matters))
    assert len(task.matters) > 10
    await world.act(task.offered_to[0], "accept", task=task.id)
    await world.act(task.offered_to[0], "arrive", task=task.id, position=task.place)
    (task,) = [t for t in await world.tasks() if t.id == task.id]
    met = [d for d in task.deadlines if d.kind is DeadlineKind.ARRIVE and d.state is DeadlineState.MET]
    assert len(met) == 1


@pytest.mark.parametrize("damage", ["policy = '\"lost\"'", "state = 'of a later release'"])
async def test_a_deed_on_a_task_that_makes_no_sense_is_refused_by_name_and_done_once_it_does(
    world: World, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    before = await world.pool.fetchrow("SELECT policy, state FROM tasks")
    await world.pool.execute(f"UPDATE tasks SET {damage}")
    refused = await world.act("near", "accept", client_id="a")
    assert (refused.result, refused.reason.key) == (Result.REFUSED, "task_unreadable")
    async with transaction(world.pool) as connection:
        assert await mark_delivered(connection, 1, "near", now=world.now) is None
    assert len([r for r in caplog.records if r.name == "alerting.actions" and r.exc_info]) == 2
    await world.pool.execute("UPDATE tasks SET policy = $1, state = $2", *before)
    assert (await world.act("near", "accept", client_id="a")).result is Result.DONE
