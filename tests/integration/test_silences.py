"""Silences, counted rules, storms and confirmations, from findings to matters on the real database."""

from dataclasses import replace
from typing import Any

import pytest

from farwatch.domain.finding import Finding, Kind, Tier
from farwatch.domain.place import Area, Position
from farwatch.domain.policy import NOfM, StormRule
from farwatch.domain.registry import Grid
from farwatch.domain.silence import Scope, SilenceKind
from farwatch.domain.task import DeadlineKind, TaskState
from farwatch.storage import silences
from farwatch.storage.database import Pool, transaction
from tests.support.alerting import World, at, city, early, smoke


@pytest.fixture
def world(pool: Pool) -> World:
    return World(pool)


async def silence(world: World, for_s: float, *, begins_s: float = 0, **scope: str) -> int:
    async with transaction(world.pool) as connection:
        return await silences.add(
            connection, kind=SilenceKind.MAINTENANCE, scope=Scope(**(scope or {"camera": "cam"})), reason="检修", by="chen",
            now=at(world.s), from_at=at(world.s + begins_s), to_at=at(world.s + for_s),
        )  # fmt: skip


async def end(world: World, id: int) -> bool:
    async with transaction(world.pool) as connection:
        return await silences.end(connection, id, by="chen", now=at(world.s))


async def dispositions(world: World) -> list[tuple[Any, ...]]:
    rows = await world.pool.fetch(
        "SELECT disposition, disposition_reason, silence_id FROM findings ORDER BY found_at, id"
    )
    return [tuple(r) for r in rows]


async def test_what_a_silence_holds_back_is_judged_at_its_end_with_that_moment_as_t1(world: World) -> None:
    quiet = await silence(world, 600)
    world.s = 10
    await world.found(smoke())
    await world.settle()
    assert await dispositions(world) == [("silenced", "silenced", quiet)]
    assert [(e["silence"], e["finding"]) for e in await world.events("finding_silenced")] == [
        (quiet, str(smoke().id))
    ]
    world.s = 599
    await world.settle()
    assert await world.tasks() == []
    world.s = 601
    await world.settle()
    task = await world.task()
    assert (task.opened_at, task.matters[0].found_at, task.matters[0].event_at) == (at(601), at(601), at(-5))
    assert [d.due_at for d in task.deadlines if d.kind is DeadlineKind.ACCEPT] == [at(901)]
    assert await dispositions(world) == [("task", "silence_ended", quiet)]
    ended = (await world.events("silence_ended"))[-1]
    assert (ended["silence"], ended["held_back"], ended["scope"]) == (quiet, 1, {"camera": "cam"})
    assert [e["task"] for e in await world.events("silence_ended")] == [task.id, None]
    await world.settle()
    assert len(await world.events("silence_ended")) == 2


async def test_what_ended_meanwhile_stays_held_back_and_nobody_is_sent(world: World) -> None:
    quiet = await silence(world, 600)
    await world.found(smoke(), smoke("yard"))
    await world.settle()
    await world.end(smoke(), 300)
    world.s = 601
    await world.settle()
    assert [m.zone for m in (await world.task()).matters] == ["yard"]
    assert await world.pool.fetchval("SELECT judged_at FROM silences") == at(601)
    assert await dispositions(world) == [("silenced", "silenced", quiet), ("task", "silence_ended", quiet)]


async def test_ended_early_by_a_person_it_is_judged_at_once_and_only_once(world: World) -> None:
    quiet = await silence(world, 600)
    await world.found(smoke())
    await world.settle()
    world.s = 30
    assert await end(world, quiet)
    assert not await end(world, quiet)
    await world.settle()
    assert (await world.task()).opened_at == at(30)
    ended = (await world.events("silence_ended"))[-1]
    assert (ended["actor"], ended["over_at"]) == ("chen", at(30).isoformat())


async def test_while_another_silence_covers_it_it_stays_held_back(world: World) -> None:
    first, second = await silence(world, 600), await silence(world, 300, enterprise="e1")
    await world.found(smoke())
    await world.settle()
    assert await dispositions(world) == [("silenced", "silenced", first)]
    third = await silence(world, 900, rule="smoke")
    world.s = 601
    await world.settle()
    assert await dispositions(world) == [("silenced", "silenced", third)]
    assert {e["silence"] for e in await world.events("silence_ended")} == {first, second}
    world.s = 901
    await world.settle()
    assert (await world.task()).opened_at == at(901)


async def test_an_open_visit_and_its_clocks_go_on_under_a_silence_and_it_hears_of_its_end(
    world: World,
) -> None:
    await world.found(smoke())
    await world.settle()
    await silence(world, 200)
    world.s = 20
    await world.found(smoke(onset_at=at(19)), smoke("yard"))
    await world.settle()
    task = await world.task()
    assert ([len(m.findings) for m in task.matters], task.state) == ([2], TaskState.OFFERED)
    assert [d[0] for d in await dispositions(world)] == ["task", "task", "silenced"]
    world.s = 91
    await world.settle()
    assert len((await world.task()).offered_to) > len(task.offered_to)
    world.s = 201
    await world.settle()
    assert len((await world.task()).matters) == 2
    assert task.id in {e["task"] for e in await world.events("silence_ended")}


async def test_after_the_visit_a_silence_holds_back_what_is_found_again(world: World) -> None:
    await world.found(smoke())
    await world.settle()
    await world.act("admin", "handle", note="停产检修")
    quiet = await silence(world, 3600)
    world.s = 100
    await world.found(smoke(onset_at=at(99)))
    await world.settle()
    assert (await dispositions(world))[1] == ("silenced", "silenced", quiet)
    assert (
        await world.pool.fetchval("SELECT count(*) FROM notices WHERE message_key = 'again_after_handled'")
        == 0
    )


async def test_a_silence_that_has_not_begun_or_is_of_something_else_holds_nothing_back(world: World) -> None:
    await silence(world, 600, begins_s=60)
    await silence(world, 600, station="mn1")
    await world.found(smoke())
    await world.settle()
    assert len(await world.tasks()) == 1


async def test_late_and_recorded_findings_are_recorded_whatever_is_silenced(world: World) -> None:
    await silence(world, 600)
    await world.found(smoke(late=True), smoke("b", rule="unlisted"))
    await world.settle()
    assert [d[:2] for d in await dispositions(world)] == [("record", "late"), ("record", "policy")]


async def test_a_warning_is_held_back_too_and_told_at_the_end(world: World) -> None:
    quiet = await silence(world, 600, station="mn1")
    await world.found(early())
    await world.settle()
    assert await world.events("warning_told") == []
    world.s = 600
    await world.settle()
    assert len(await world.events("warning_told")) == 1
    assert await dispositions(world) == [("warn", "silence_ended", quiet)]


async def test_a_long_silences_end_is_judged_in_the_order_of_discovery_over_several_rounds(
    world: World,
) -> None:
    await silence(world, 600, enterprise="e1")
    for n in range(60):
        await world.found(smoke(f"z{n:02}"))
    await world.settle()
    world.s = 601
    await world.settle()
    task = await world.task()
    assert [m.zone for m in task.matters] == [f"z{n:02}" for n in range(60)]


async def test_a_registry_import_judges_nothing_anew(world: World) -> None:
    await silence(world, 600)
    await world.found(smoke(), smoke("b", camera="other", enterprise="e2", place=Position(31.5, 121.5)))
    await world.settle()
    before = (await dispositions(world), await world.events())
    world.registry = replace(city(), version=2)
    world.policy = replace(world.policy, n_of_m=(NOfM(rule="smoke", tier=Tier.VIOLATION, n=9, within_s=60),))
    await world.settle()
    assert (await dispositions(world), await world.events()) == before


async def test_n_of_m_sends_at_the_nth_with_all_of_them_in_the_matter_and_its_commit_as_t1(
    world: World,
) -> None:
    rule = NOfM(rule="smoke", tier=Tier.VIOLATION, n=3, within_s=600)
    world.policy = replace(world.policy, n_of_m=(rule,))
    found = [smoke(onset_at=at(s - 1), severity=n + 1) for n, s in enumerate((10, 400, 500))]
    for world.s, finding in zip((10, 400, 500), found, strict=True):
        assert await world.tasks() == []
        await world.found(finding)
        await world.settle()
    task = await world.task()
    (matter,) = task.matters
    assert matter.findings == tuple(f.id for f in found)
    assert (matter.found_at, matter.event_at, matter.severity, task.severity) == (at(500), at(9), 3, 3)
    assert [d[:2] for d in await dispositions(world)] == [
        ("task", "n_of_m"),
        ("task", "n_of_m"),
        ("task", "no_open_task"),
    ]
    await world.found(smoke(onset_at=at(499.5)))
    await world.settle()
    assert len((await world.task()).matters[0].findings) == 4


async def test_n_of_m_forgets_what_is_too_long_ago(world: World) -> None:
    world.policy = replace(world.policy, n_of_m=(NOfM(rule="smoke", tier=Tier.VIOLATION, n=2, within_s=60),))
    for world.s in (0, 61, 122):
        await world.found(smoke(onset_at=at(world.s)))
        await world.settle()
    assert await world.tasks() == []
    world.s = 180
    await world.found(smoke(onset_at=at(world.s)), smoke("yard"))
    await world.settle()
    assert [len(m.findings) for m in (await world.task()).matters] == [2]


@pytest.mark.parametrize(("within_s", "tasks"), [(600, 1), (59, 0)])
async def test_n_of_m_counts_what_stood_through_a_silence_by_when_it_spoke(
    world: World, within_s: float, tasks: int
) -> None:
    rule = NOfM(rule="smoke", tier=Tier.VIOLATION, n=2, within_s=within_s)
    world.policy = replace(world.policy, n_of_m=(rule,))
    await silence(world, 3600)
    for world.s in (10, 70, 130):
        await world.found(smoke(onset_at=at(world.s - 5)))
        await world.settle()
    world.s = 3601
    await world.settle()
    found = await world.tasks()
    assert len(found) == tasks
    assert [(m.found_at, m.event_at, len(m.findings)) for t in found for m in t.matters] == [
        (at(3601), at(5), 3)
    ] * tasks
    assert [d[0] for d in await dispositions(world)] == (["task"] if tasks else ["counted"]) * 3


async def test_closed_business_that_comes_back_is_a_task_that_names_the_closed_one(world: World) -> None:
    await world.found(smoke())
    await world.settle()
    for action in ("handle", "verify", "close"):
        await world.act("admin", action, note="完成")
    world.s = world.policy.reopen_within_s - 1
    await world.found(smoke(onset_at=at(world.s)))
    await world.settle()
    first, second = await world.tasks()
    assert (first.state, second.reopened_from) == (TaskState.CLOSED, first.id)
    assert (await world.events("task_opened"))[1]["reopened_from"] == first.id
    assert (await dispositions(world))[1][1] == "again_after_closed"


async def test_business_that_was_closed_long_ago_is_new(world: World) -> None:
    await world.found(smoke())
    await world.settle()
    for action in ("handle", "verify", "close"):
        await world.act("admin", action, note="完成")
    world.s = world.policy.reopen_within_s + 1
    await world.found(smoke(onset_at=at(world.s)))
    await world.settle()
    assert [t.reopened_from for t in await world.tasks()] == [None, None]


async def test_camera_and_monitor_of_one_enterprise_confirm_each_other_once(world: World) -> None:
    monitor = early(tier=Tier.VIOLATION, severity=2, enterprise="e1")
    await world.found(smoke(severity=1))
    await world.settle()
    world.s = 60
    await world.found(monitor)
    await world.settle()
    task = await world.task()
    smoke_matter, monitor_matter = task.matters
    assert [(m.severity, m.confirmed_by) for m in task.matters] == [
        (2, (monitor_matter.id,)),
        (3, (smoke_matter.id,)),
    ]
    assert task.severity == 3
    assert {e["matter"] for e in await world.events("matter_confirmed")} == {
        smoke_matter.id,
        monitor_matter.id,
    }
    world.s = 90
    await world.found(smoke(onset_at=at(89), severity=1))
    await world.settle()
    assert [m.severity for m in (await world.task()).matters] == [2, 3]


def four_grids() -> dict[str, Grid]:
    def square(n: int) -> Area:
        west = 121.0 + 0.25 * n
        east = west + 0.25
        return Area(((((west, 31.0), (east, 31.0), (east, 32.0), (west, 32.0), (west, 31.0)),),))

    return {f"g{n}": Grid(id=f"g{n}", name=f"g{n}", team="t", area=square(n)) for n in range(4)}


def station(n: int, **changes: Any) -> Finding:
    """A hundred stations of as many enterprises, more than 150 m apart, over the four grids in turn."""
    place = Position(31.1 + n * 0.005, 121.1 + 0.25 * (n % 4))
    return early(
        tier=Tier.VIOLATION, severity=2, station=f"mn{n}", enterprise=f"works{n}", place=place, **changes
    )


async def test_a_hundred_stations_over_in_a_minute_are_at_most_24_tasks_with_a_hundred_clocked_matters(
    world: World,
) -> None:
    world.registry = city(grids=four_grids())
    for n in range(100):
        world.s = n * 0.6
        await world.found(station(n))
        await world.settle()
    tasks = await world.tasks()
    assert len(tasks) == 24
    matters = [m for t in tasks for m in t.matters]
    assert {m.station for m in matters} == {f"mn{n}" for n in range(100)}
    clocks = [d.matter for t in tasks for d in t.deadlines if d.kind is DeadlineKind.ACCEPT]
    assert sorted(m for m in clocks if m) == sorted(m.id for m in matters)
    assert {d[0] for d in await dispositions(world)} == {"task"}
    (began,) = await world.events("storm_began")
    assert began["storm"] == 1
    storm = [t for t in tasks if t.storm_id == 1]
    assert sorted(t.grid or "" for t in storm) == ["g0", "g1", "g2", "g3"]
    assert sum(len(t.matters) for t in storm) == 80
    assert {t.enterprise for t in storm} == {None}

    world.s = 400
    await world.settle()
    told = await world.pool.fetch(
        "SELECT step, target, count(*) AS n FROM notices WHERE step LIKE 'storm:%' GROUP BY step, target"
    )
    assert told
    assert {r["n"] for r in told} == {1}
    (ended,) = await world.events("storm_ended")
    assert (ended["tasks"], ended["matters"]) == (4, 80)
    await world.found(station(200, onset_at=at(399)))
    await world.settle()
    assert (await world.tasks())[-1].storm_id is None


async def test_a_burst_that_is_looked_at_only_after_an_outage_is_one_storm(world: World) -> None:
    world.registry = city(grids=four_grids())
    await world.found(*(station(n) for n in range(120)))
    await world.found(smoke("senseless"))
    await world.pool.execute("UPDATE findings SET kind = 'of a later version' WHERE zone = 'senseless'")
    world.s = 600
    engine = world.engine()
    while await engine.tick():
        pass
    storms = await world.pool.fetch("SELECT began_at, ended_at FROM storms")
    assert [(s["began_at"] < at(1), s["ended_at"]) for s in storms] == [(True, at(600))]
    assert await world.pool.fetchval("SELECT count(*) FROM notices WHERE step = 'storm'") == 1


async def test_a_drill_is_no_storm_and_knows_none(world: World) -> None:
    world.policy = replace(world.policy, storm=StormRule(tasks=2, within_s=60, quiet_s=300))
    await world.found(*(station(n, drill_id="d", onset_at=at(-6)) for n in range(4)))
    await world.settle()
    assert await world.events("storm_began") == []
    await world.found(*(station(n) for n in range(4)))
    await world.settle()
    assert len(await world.events("storm_began")) == 1
    await world.found(station(9, drill_id="d", onset_at=at(-6)))
    await world.settle()
    assert [t.drill_id for t in await world.tasks() if t.storm_id is None and t.drill_id] == ["d"] * 5


async def test_storms_and_other_kinds_do_not_mix(world: World) -> None:
    world.policy = replace(world.policy, storm=StormRule(tasks=1, within_s=60, quiet_s=300))
    await world.found(*(station(n) for n in range(4)))
    await world.found(smoke(place=Position(31.9, 121.9), enterprise=None))
    await world.settle()
    kinds = [{m.kind for m in t.matters} for t in await world.tasks()]
    assert kinds == [{Kind.EXCEEDANCE}, {Kind.EXCEEDANCE}, {Kind.SMOKE}]
