from dataclasses import replace

import pytest

from alerting import rounds
from alerting.engine import AGAIN_AFTER_S, Engine
from alerting.triage import City
from farwatch.domain.finding import Kind
from farwatch.domain.place import Position
from farwatch.domain.policy import Policy
from farwatch.domain.task import Deadline, DeadlineKind, DeadlineState, Task, TaskState
from farwatch.storage.database import Connection, Pool
from farwatch.storage.leases import LeaseLostError
from tests.support.alerting import World, at, city, early, officer, smoke, together

ELSEWHERE = Position(31.5, 121.5)


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool)


def of_kind(task: Task, kind: DeadlineKind) -> list[Deadline]:
    return [d for d in task.deadlines if d.kind is kind]


async def test_a_finding_becomes_a_task_offered_to_the_nearest_officer_with_its_clocks(world: World) -> None:
    await world.found(smoke())
    world.s = 0.2
    await world.settle()
    task = await world.task()
    assert (task.state, task.grid, task.offered_to, task.severity) == (TaskState.OFFERED, "g", ("near",), 2)
    assert (task.opened_at, task.dispatched_at) == (at(0), at(0.2))
    assert task.dispatch is not None
    assert (task.dispatch.key, task.dispatch.params["candidates"], task.dispatch.params["distance_m"]) == (
        "no_position",
        3,
        111.0,
    )
    assert task.dispatch.params["fresh_position"] is False, "and it says so"
    assert [d.due_at for d in of_kind(task, DeadlineKind.ACCEPT)] == [at(300)]
    assert [d.due_at for d in of_kind(task, DeadlineKind.ARRIVE)] == [at(600)]
    (opened,) = await world.events("task_opened")
    assert (opened["kinds"], opened["grid"], opened["place"]) == (["smoke"], "g", {"lat": 31.2, "lon": 121.4})


async def test_a_fresh_position_beats_the_registrys_place_and_an_old_one_does_not(world: World) -> None:
    for o in world.registry.officers.values():
        await world.pool.execute("INSERT INTO teams VALUES ('t', 't', NULL) ON CONFLICT DO NOTHING")
        await world.pool.execute(
            "INSERT INTO officers (id, name, team, lat, lon) VALUES ($1, $1, 't', 0, 0)", o.id
        )
    await world.pool.execute(
        "INSERT INTO officer_positions VALUES ('far', 31.2, 121.4, 5, $1, $1), ('lead', 31.2, 121.4, 5, $2, $2)",
        at(-170),
        at(-190),
    )
    await world.found(smoke())
    await world.settle()
    assert (await world.task()).offered_to == ("far",)


def patient(policy: Policy) -> Policy:
    """Nobody's offer lapses."""
    return replace(policy, task=replace(policy.task, offer_window_s=86400.0))


async def test_the_ladder_asks_the_next_officer_then_the_lead_then_the_centre_once_each(world: World) -> None:
    world.policy = patient(world.policy)
    await world.found(smoke())
    offered = {}
    for s in (0, 89.9, 90, 179, 180, 299, 300, 301, 601, 700):
        world.s = s
        await world.settle()
        offered[s] = (await world.task()).offered_to
    assert offered[89.9] == ("near",)
    assert offered[90] == offered[179] == ("near", "far")
    assert offered[180] == offered[700] == ("near", "far", "lead")
    assert (await world.task()).dispatched_at == at(0)
    assert [(e["to"], e["step"]) for e in await world.events("escalated")] == [
        ("next_officer", 0),
        ("lead", 1),
        ("centre", 2),
    ]
    assert [(e["deadline"], e["late_s"]) for e in await world.events("deadline_breached")] == [
        ("accept", 1.0),
        ("arrive", 1.0),
    ]
    assert (await world.act("far", "accept")).reason.key == "accepted"


async def test_deadlines_that_came_during_an_outage_fire_at_once_in_order_and_only_once(world: World) -> None:
    await world.found(smoke())
    world.s = 1
    await world.settle()
    world.s = 3600
    await together(*(world.settle() for _ in range(3)))
    await world.settle()
    fired = [(e.get("step"), e.get("deadline")) for e in await world.events("escalated", "deadline_breached")]
    assert fired == [(0, None), (1, None), (None, "accept"), (2, None), (None, "arrive")]
    assert [e["late_s"] for e in await world.events("deadline_breached")] == [3300.0, 3000.0]
    assert set((await world.task()).offered_to) == {"near", "far", "lead"}


async def test_two_findings_of_one_enterprise_are_two_matters_of_one_visit(world: World) -> None:
    await world.found(smoke())
    await world.settle()
    world.s = 60
    await world.act("near", "accept")
    await world.found(smoke("yard", camera="cam2", kind=Kind.DUMPING, rule="left_object", place=ELSEWHERE))
    await world.settle()
    task = await world.task()
    assert [m.kind for m in task.matters] == [Kind.SMOKE, Kind.DUMPING]
    accept = {d.matter: (d.due_at, d.state) for d in of_kind(task, DeadlineKind.ACCEPT)}
    assert accept == {
        task.matters[0].id: (at(300), DeadlineState.MET),
        task.matters[1].id: (at(360), DeadlineState.PENDING),
    }
    world.s = 361
    await world.settle()
    assert [e["matter"] for e in await world.events("deadline_breached")] == [task.matters[1].id]
    assert (await world.act("near", "accept")).reason.key == "matters_answered"
    assert [m.accepted_at for m in (await world.task()).matters] == [at(60), at(361)]
    assert [e["reason"] for e in await world.events("matter_joined")] == ["same_enterprise"]


async def test_a_near_finding_joins_and_a_far_one_or_a_handled_visit_does_not(world: World) -> None:
    await world.found(smoke(enterprise=None))
    await world.found(smoke("b", enterprise="e2", place=Position(31.201, 121.4)))
    await world.found(smoke("c", enterprise=None, place=Position(31.203, 121.4)))
    await world.settle()
    assert [len(t.matters) for t in await world.tasks()] == [2, 1]
    await world.act("centre", "false-alarm", note="练习")
    await world.found(smoke("d", enterprise=None))
    await world.settle()
    assert [len(t.matters) for t in await world.tasks()] == [2, 1, 1]


async def test_the_same_fingerprint_folds_and_after_a_quiet_while_opens_anew(world: World) -> None:
    await world.found(smoke())
    await world.settle()
    world.s = 30
    await world.found(smoke(onset_at=at(29)))
    await world.settle()
    assert len((await world.task()).matters[0].findings) == 2
    await world.act("admin", "handle", note="电话核实")
    world.s = 100
    await world.found(smoke(onset_at=at(99)))
    await world.settle()
    assert len((await world.task()).matters[0].findings) == 3
    world.s = 30 + 1801
    await world.found(smoke(onset_at=at(world.s)))
    await world.settle()
    first, second = await world.tasks()
    assert (second.reopened_from, first.matters[0].closed_at) == (first.id, at(world.s))
    assert [t.state for t in (first, second)] == [TaskState.HANDLED, TaskState.OFFERED]


async def test_a_drill_and_the_real_thing_never_share_a_task(world: World) -> None:
    await world.found(smoke(drill_id="d1"))
    await world.found(smoke(onset_at=at(-4)))
    await world.settle()
    assert [(t.drill_id, len(t.matters)) for t in await world.tasks()] == [("d1", 1), (None, 1)]
    assert {
        r["drill_id"] for r in await world.pool.fetch("SELECT drill_id FROM notices WHERE task_id = 1")
    } == {"d1"}


async def test_a_worse_matter_is_offered_anew(world: World) -> None:
    await world.found(smoke(severity=1))
    await world.settle()
    await world.found(smoke("yard", severity=3))
    await world.settle()
    task = await world.task()
    assert (task.severity, task.offered_to) == (3, ("near", "far"))
    assert [e["officer"] for e in await world.events("task_offered")] == ["near", "near", "far"]
    assert len(of_kind(task, DeadlineKind.ESCALATE)) == 3 + 5


NOBODY = {
    "no_grid": (city(grids={}), ()),
    "no_officers": (city(officers={}), ()),
    "nobody_on_shift": (city(officers={o: officer(o, 31.2, "14:00-18:00") for o in ("a", "b")}), ()),
    "all_declined": (city(), ("near", "far", "lead")),
}


@pytest.mark.parametrize("reason", NOBODY)
async def test_with_nobody_to_send_the_centre_is_told_the_clock_runs_and_it_is_tried_again(
    world: World, reason: str
) -> None:
    registry, decliners = NOBODY[reason]
    world.registry = registry
    await world.found(smoke())
    await world.settle()
    for n, who in enumerate(decliners):
        world.s = n + 1
        assert (await world.act(who, "decline")).reason.key == "declined"
        await world.settle()
    task = await world.task()
    assert (task.state, task.dispatch and task.dispatch.key) == (TaskState.OPEN, reason)
    assert [d.due_at for d in of_kind(task, DeadlineKind.ACCEPT)] == [at(300)]
    told = await world.pool.fetch("SELECT message_key FROM notices WHERE target = 'centre'")
    assert [r["message_key"] for r in told] == [reason]
    world.registry = city(officers={"new": officer("new", 31.3)})
    world.s += 16
    await world.settle()
    task = await world.task()
    assert (task.state, task.offered_to) == (TaskState.OFFERED, (*decliners, "new"))


async def test_what_is_late_or_not_listed_is_recorded_and_nobody_is_sent(world: World) -> None:
    await world.found(smoke(late=True), smoke("b", rule="unlisted"))
    await world.settle()
    rows = await world.pool.fetch("SELECT disposition, disposition_reason FROM findings ORDER BY found_at")
    assert [tuple(r) for r in rows] == [("record", "late"), ("record", "policy")]
    assert await world.tasks() == []


async def test_the_end_of_a_finding_is_on_the_time_line_once_and_the_visit_goes_on(world: World) -> None:
    finding = smoke()
    await world.found(finding)
    await world.settle()
    await world.end(finding, 50)
    await world.settle()
    await world.settle()
    assert [e["finding"] for e in await world.events("finding_ended")] == [str(finding.id)]
    assert (await world.task()).state is TaskState.OFFERED


async def test_a_task_keeps_the_policy_it_was_opened_with(world: World) -> None:
    world.policy = patient(world.policy)
    await world.found(smoke())
    await world.settle()
    world.policy = replace(world.policy, task=replace(world.policy.task, accept_s=1.0, escalation=()))
    world.s = 90
    await world.settle()
    assert (await world.task()).offered_to == ("near", "far")


async def test_many_engines_at_once_open_one_task(world: World) -> None:
    await world.found(*(smoke(zone, onset_at=at(-n)) for n in range(4) for zone in ("a", "b", "c")))
    await together(*(world.settle() for _ in range(6)))
    task = await world.task()
    assert sorted(len(m.findings) for m in task.matters) == [4, 4, 4]
    assert len(await world.events("task_opened")) == 1


async def test_findings_of_one_enterprise_decided_at_the_same_moment_are_one_visit(world: World) -> None:
    findings = [smoke(zone, camera=f"cam-{zone}") for zone in ("a", "b", "c", "d")]
    await world.found(*findings)
    engines = [world.engine() for _ in findings]
    for engine in engines:
        engine.city = City(world.registry, world.policy)
    await together(*(rounds.dispose(engine, f.id) for engine, f in zip(engines, findings, strict=True)))
    assert len((await world.task()).matters) == 4


async def test_an_engine_that_lost_its_lease_writes_nothing(world: World) -> None:
    class Lost:
        async def check(self, _: Connection) -> None:
            raise LeaseLostError("replaced")

    await world.found(smoke())
    with pytest.raises(LeaseLostError):
        await Engine(world.pool, Lost(), world.load, {}, world.now).tick()
    assert await world.tasks() == []


async def test_a_row_that_makes_no_sense_keeps_nobody_waiting_and_is_tried_again(world: World) -> None:
    engine, bad = world.engine(), [smoke(f"z{i}", onset_at=at(-60)) for i in range(60)]
    await world.found(*bad)
    await world.pool.execute("UPDATE findings SET kind = 'of a later version'")
    world.s = 1
    await world.found(smoke())
    for world.s in range(2, 12):
        await engine.tick()
    assert (await world.task()).offered_to == ("near",)
    assert await world.pool.fetchval("SELECT count(*) FROM findings WHERE disposition IS NULL") == len(bad)

    await world.pool.execute("UPDATE findings SET kind = 'smoke'")
    world.s = 12 + AGAIN_AFTER_S
    while await engine.tick():
        pass
    assert await world.pool.fetchval("SELECT count(*) FROM findings WHERE disposition IS NULL") == 0


@pytest.mark.parametrize("damage", [ValueError, TypeError, KeyError, AttributeError])
async def test_whatever_a_damaged_row_raises_it_is_set_aside(world: World, damage: type[Exception]) -> None:
    async def decide() -> bool:
        raise damage("a list where a table was")

    engine = world.engine()
    assert await engine.attempt(7, decide()) is False
    assert engine.aside(int) == [7]


@pytest.mark.parametrize("policy", ["{}", '{"severities": []}', '{"severities": null}'])
async def test_a_task_that_makes_no_sense_stops_no_other_tasks_clock(world: World, policy: str) -> None:
    engine = world.engine()
    await world.found(smoke(), smoke(place=ELSEWHERE, enterprise=None, camera="other"))
    while await engine.tick():
        pass
    await world.pool.execute(f"UPDATE tasks SET policy = '{policy}' WHERE id = 1")
    world.s = 301
    while await engine.tick():
        pass
    assert {e["task"] for e in await world.events("deadline_breached")} == {2}


async def broken(world: World) -> None:
    """One open task that no sense can be made of, and for which somebody is looked for again."""
    await world.found(smoke())
    await world.settle()
    await world.pool.execute("UPDATE tasks SET policy = '\"lost\"' WHERE id = 1")


async def test_an_open_task_that_makes_no_sense_keeps_no_other_from_being_given_out(pool: Pool) -> None:
    world = World(pool, city(officers={}, teams={}))
    await broken(world)
    await world.found(smoke(place=ELSEWHERE, enterprise=None, camera="other"))
    await world.settle()
    world.s, world.registry = 20, city()
    await world.settle()
    assert await pool.fetchval("SELECT offered_to FROM tasks WHERE id = 2") == ["far"]
    assert await pool.fetchval("SELECT state FROM tasks WHERE id = 1") == "open"


async def test_what_is_found_beside_a_task_that_makes_no_sense_opens_its_own(world: World) -> None:
    await broken(world)
    world.s = 5
    await world.found(smoke(zone="other"), smoke(onset_at=at(4)))
    await world.settle()
    assert await world.pool.fetchval("SELECT count(*) FROM tasks") == 2
    assert await world.pool.fetchval("SELECT zone FROM findings WHERE disposition IS NULL") == "stack"


async def test_what_a_later_release_added_to_a_tasks_policy_is_left(world: World) -> None:
    await world.found(smoke())
    await world.settle()
    before = await world.task()
    await world.pool.execute(
        """UPDATE tasks SET policy = jsonb_set(policy, '{escalation,0,later}', '1') || '{"later": {"a": 1}}'"""
    )
    assert await world.task() == before


async def test_a_notice_channel_that_is_made_known_while_it_runs_is_used(world: World) -> None:
    world.channels.clear()
    engine = world.engine()
    world.channels["wecom"] = "json://localhost"
    await world.found(early())
    await engine.tick()
    assert await world.pool.fetchval("SELECT target FROM notices") == "e2", "and not the centre"
