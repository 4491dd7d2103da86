"""A burst is given out together: the least sum of costs, the worst class first, nobody more than his share."""

from collections import Counter
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting import assigning, dispatch
from alerting.dispatch import Situation
from alerting.lifecycle import step
from alerting.steps import Accept, Chosen, Nobody, Offer, Seek
from farwatch.domain.finding import Kind, Reason
from farwatch.domain.place import Area, Position
from farwatch.domain.policy import DispatchRule, TaskPolicy
from farwatch.domain.registry import Grid, Officer, Registry, Team
from farwatch.domain.task import Actor, Deadline, DeadlineKind, Matter, Task, TaskState
from tests.support.alerting import at

WEST = ((121.0, 31.0), (121.5, 31.0), (121.5, 32.0), (121.0, 32.0), (121.0, 31.0))
EAST = ((121.5, 31.0), (122.0, 31.0), (122.0, 32.0), (121.5, 32.0), (121.5, 31.0))
RULE = DispatchRule(open_task_s=600.0, other_grid_s=120.0)
lats = st.floats(31.01, 31.99)


def officer(id: str, lat: float = 31.2, team: str = "w", lon: float = 121.45) -> Officer:
    return Officer(id=id, name=id, team=team, phone="", place=Position(lat, lon), shift="always")


def world(*officers: Officer, rule: DispatchRule = RULE) -> Situation:
    grids = {g: Grid(id=g, name=g, team=g, area=Area(((ring,),))) for g, ring in (("w", WEST), ("e", EAST))}
    teams = {g: Team(id=g, name=g) for g in grids}
    return Situation(Registry(grids=grids, teams=teams, officers={o.id: o for o in officers}), rule=rule)


def task(id: int, lat: float = 31.2, severity: int = 2, **more: object) -> Task:
    matter = Matter(
        id=id, fingerprint=str(id), kind=Kind.SMOKE, found_at=at(0), event_at=at(0), severity=severity, reason=Reason("seen")
    )  # fmt: skip
    values: dict[str, object] = {"grid": "w", **more}
    return Task(
        id=id, state=TaskState.OPEN, place=Position(lat, 121.45), severity=severity, policy=TaskPolicy(), opened_at=at(0),
        matters=(matter,), deadlines=(Deadline(kind=DeadlineKind.DISPATCH, due_at=at(0)),), **values,  # type: ignore[arg-type]
    )  # fmt: skip


def given_to(choices: dict[int, dispatch.Choice]) -> dict[int, str]:
    return {i: c.answer.officer for i, c in choices.items() if isinstance(c.answer, Offer)}


@settings(max_examples=40, deadline=None)
@given(st.lists(lats, min_size=5, max_size=5), st.lists(lats, min_size=5, max_size=5))
def test_the_sum_is_the_least_of_all_ways_to_give_five_to_five(
    places: list[float], tasks_at: list[float]
) -> None:
    situation = world(*(officer(f"o{n}", lat) for n, lat in enumerate(places)))
    waiting = [task(n + 1, lat) for n, lat in enumerate(tasks_at)]
    given_ = given_to(dict(assigning.plan(waiting, situation, at(0))))

    def total(pairs: list[tuple[Task, str]]) -> float:
        load: Counter[str] = Counter()
        s = 0.0
        for one, who in pairs:
            weighed = dispatch.weigh(one, situation.registry.officers[who], situation)
            s += weighed.cost.total_s + load[who] * RULE.open_task_s
            load[who] += 1
        return s

    one_each = min(
        total(list(zip(waiting, order, strict=True))) for order in permutations(situation.registry.officers)
    )
    assert total([(t, given_[t.id]) for t in waiting]) <= one_each + 1e-6
    assert max(Counter(given_.values()).values()) <= assigning.SLOTS


def test_a_greedy_choice_would_have_been_worse_and_the_reason_says_that_it_was_joint() -> None:
    situation = world(officer("a", 31.20), officer("b", 31.23))
    choices = assigning.plan([task(1, 31.21), task(2, 31.19)], situation, at(0))
    assert given_to(dict(choices)) == {1: "b", 2: "a"}, (
        "the nearest to task 1 is a, and b would be far from task 2"
    )
    answer = choices[1].answer
    assert isinstance(answer, Offer)
    assert (answer.reason.key, answer.reason.params["together"], answer.to) == ("joint", 2, "officer")


def test_the_worst_class_is_served_first() -> None:
    situation = world(officer("a", 31.20), officer("b", 31.25), rule=replace(RULE, open_task_s=1800.0))
    choices = assigning.plan([task(1, 31.20, severity=1), task(2, 31.21, severity=3)], situation, at(0))
    assert given_to(dict(choices)) == {1: "b", 2: "a"}


@pytest.mark.parametrize("severity", [1, 2, 3])
def test_a_drill_takes_nobody_from_real_business(severity: int) -> None:
    situation = world(officer("a", 31.20), officer("b", 31.21))
    real, drill = task(1, 31.201), task(2, 31.20, severity=severity, drill_id="d1")
    alone, both = (assigning.plan(waiting, situation, at(0)) for waiting in ([real], [drill, real]))
    assert both[1] == alone[1]
    assert given_to(dict(both)) == {1: "a", 2: "b"}, "and the drill knows that a has real business"


def test_neighbours_help_when_the_own_team_has_fewer_idle_than_are_wanted() -> None:
    situation = world(
        officer("a"), officer("far", 31.9, team="e", lon=121.55), officer("near", team="e", lon=121.48)
    )
    assert set(given_to(dict(assigning.plan([task(1), task(2)], situation, at(0)))).values()) == {"a", "near"}
    alone = given_to(dict(assigning.plan([task(1)], situation, at(0))))
    assert alone == {1: "a"}, "and are left alone when it has enough"


def test_what_is_left_over_is_spread_and_nobody_gets_it_all() -> None:
    situation = world(*(officer(f"o{n}", 31.2 + n / 100) for n in range(4)))
    given_ = given_to(dict(assigning.plan([task(n) for n in range(1, 13)], situation, at(0))))
    assert len(given_) == 12
    assert max(Counter(given_.values()).values()) == 3


def test_nobody_to_send_is_said_task_by_task() -> None:
    choices = assigning.plan([task(1), task(2)], world(), at(0))
    assert [type(c.answer) for c in choices.values()] == [Nobody, Nobody]
    assert {c.answer.reason.key for c in choices.values()} == {"no_officers"}


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(lats, st.integers(1, 3), st.sets(st.integers(0, 4))), min_size=1, max_size=8),
    st.lists(lats, min_size=1, max_size=5),
)
def test_nobody_who_declined_is_given_it_and_the_same_again_is_the_same(
    rows: list[tuple[float, int, set[int]]], places: list[float]
) -> None:
    situation = world(*(officer(f"o{n}", lat) for n, lat in enumerate(places)))
    waiting = [
        task(n + 1, lat, severity, declined_by=tuple(f"o{d}" for d in sorted(declined)))
        for n, (lat, severity, declined) in enumerate(rows)
    ]
    planned = dict(assigning.plan(waiting, situation, at(0)))
    for one in waiting:
        answer = planned[one.id].answer
        assert not (isinstance(answer, Offer) and answer.officer in one.declined_by)
    again = dict(assigning.plan(waiting[::-1], situation, at(0)))
    assert {i: c.answer for i, c in again.items()} == {i: c.answer for i, c in planned.items()}


def test_a_task_of_a_burst_waits_for_the_round_that_assigns_and_only_once() -> None:
    situation = replace(world(officer("a")), burst=True)
    fresh = replace(task(1), deadlines=())
    begun = dispatch.resolve(_seeking(fresh), situation, at(1))
    (deadline,) = [d for d in begun.task.deadlines if d.kind is DeadlineKind.DISPATCH]
    assert (begun.task.state, deadline.due_at, begun.effects) == (TaskState.OPEN, at(1), ())
    assert assigning.is_waiting(begun.task, at(1))
    again = dispatch.resolve(_seeking(begun.task), situation, at(2))
    assert again.task.offered_to == ("a",)


def _seeking(one: Task) -> "assigning.Decision":
    return assigning.Decision(one, Reason("opened"), (Seek("officer"),))


def test_what_is_decided_is_offered_explained_and_waited_for_no_longer() -> None:
    situation = world(officer("a"), officer("b", 31.3))
    choice = assigning.plan([task(1)], situation, at(1))[1]
    decision = assigning.decide(task(1), choice, at(1))
    chosen = decision.effects[0]
    assert isinstance(chosen, Chosen)
    assert (chosen.wanted, chosen.officer) == ("officer", "a")
    assert [c["officer"] for c in chosen.candidates] == ["a", "b"]
    parts = ("eta_s", "load_s", "grid_s", "stale_s", "skill_s")
    assert all(c["total_s"] == sum(float(c[p] or 0) for p in parts) for c in chosen.candidates)
    assert not assigning.is_waiting(decision.task, at(100))


@pytest.mark.parametrize("who", ["a", "b"])
def test_somebody_who_took_it_meanwhile_keeps_it(who: str) -> None:
    choice = assigning.plan([task(1)], world(officer("a"), officer("b")), at(1))[1]
    offered = assigning.decide(task(1), choice, at(1)).task
    taken = step(replace(offered, offered_to=("a", "b")), Accept(Actor(who, "officer", who)), at(2)).task
    late = assigning.decide(taken, choice, at(3))
    assert not any(isinstance(e, Chosen) for e in late.effects) or taken.officer == who
    assert late.task.officer == who
