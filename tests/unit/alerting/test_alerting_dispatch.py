from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.dispatch import EXPLAINED_MAX, Situation, answer, grid_at, on_shift, resolve, weigh
from alerting.steps import Chosen, Decision, Nobody, Offer, Seek
from farwatch.domain.finding import Kind, Reason
from farwatch.domain.place import Area, Position
from farwatch.domain.policy import DispatchRule, TaskPolicy
from farwatch.domain.registry import Grid, Officer, Registry, Team
from farwatch.domain.task import Matter, Task, TaskState

NOON = datetime(2026, 11, 20, 4, 0, tzinfo=UTC)  # 12:00 in Shanghai
SQUARE = ((121.0, 31.0), (122.0, 31.0), (122.0, 32.0), (121.0, 32.0), (121.0, 31.0))
HOLE = ((121.4, 31.4), (121.6, 31.4), (121.6, 31.6), (121.4, 31.6), (121.4, 31.4))


def officer(id: str, lat: float = 31.2, shift: str = "always", team: str = "t") -> Officer:
    return Officer(id=id, name=id, team=team, phone="", place=Position(lat, 121.3), shift=shift)


def situation(*officers: Officer, lead: str | None = None, **more: object) -> Situation:
    registry = Registry(
        grids={"g": Grid(id="g", name="g", team="t", area=Area(((SQUARE, HOLE),)))},
        teams={"t": Team(id="t", name="t", lead=lead)},
        officers={o.id: o for o in officers},
    )
    return Situation(registry, **more)  # type: ignore[arg-type]


def task(grid: str | None = "g", offered_to: tuple[str, ...] = (), declined_by: tuple[str, ...] = ()) -> Task:
    matter = Matter(
        id=1,
        fingerprint="f",
        kind=Kind.SMOKE,
        found_at=NOON,
        event_at=NOON,
        severity=2,
        reason=Reason("seen"),
    )
    return Task(
        id=1, state=TaskState.OPEN, place=Position(31.2, 121.3), severity=2, policy=TaskPolicy(), opened_at=NOON, grid=grid,
        offered_to=offered_to, declined_by=declined_by, matters=(matter,),
    )  # fmt: skip


def shanghai(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 20, hour, minute, tzinfo=UTC) - timedelta(hours=8)


@pytest.mark.parametrize(
    ("shift", "on", "off"),
    [
        ("08:00-20:00", [(8, 0), (19, 59)], [(7, 59), (20, 0), (0, 0)]),
        ("20:00-08:00", [(20, 0), (23, 59), (0, 0), (7, 59)], [(8, 0), (12, 0), (19, 59)]),
        ("always", [(0, 0), (12, 0)], []),
        ("", [], [(0, 0), (12, 0)]),
        ("00:00-00:00", [(0, 0), (12, 0)], []),
    ],
)
def test_a_shift_is_read_in_shanghai_and_may_pass_midnight(
    shift: str, on: list[tuple[int, int]], off: list[tuple[int, int]]
) -> None:
    someone = officer("a", shift=shift)
    assert all(on_shift(someone, shanghai(*t)) for t in on)
    assert not any(on_shift(someone, shanghai(*t)) for t in off)


def test_a_place_in_a_hole_or_outside_has_no_grid() -> None:
    registry = situation().registry
    assert [
        (g := grid_at(Position(*p), registry)) and g.id for p in ((31.2, 121.3), (31.5, 121.5), (30.0, 121.0))
    ] == ["g", None, None]


TEAM = (officer("near"), officer("far", 31.5), officer("off", 31.2, ""), officer("other", 31.2, team="x"))


@pytest.mark.parametrize(
    ("seek", "asked", "expected"),
    [
        ("officer", {}, "near"),
        ("officer", {"offered_to": ("near",)}, "near"),
        ("officer", {"declined_by": ("near",)}, "far"),
        ("next_officer", {"offered_to": ("near",)}, "far"),
        ("next_officer", {"offered_to": ("near", "far")}, "all_asked"),
        ("next_officer", {"offered_to": ("near", "far"), "declined_by": ("near",)}, "all_asked"),
        ("officer", {"declined_by": ("near", "far")}, "off"),
        ("officer", {"declined_by": ("near", "far", "off")}, "all_declined"),
        ("officer", {"grid": None}, "no_grid"),
        ("officer", {"grid": "gone"}, "no_grid"),
        ("lead", {}, "off"),
        ("lead", {"declined_by": ("off",)}, "lead_declined"),
    ],
)
def test_who_is_asked_or_why_nobody(seek: str, asked: dict[str, tuple[str, ...]], expected: str) -> None:
    found = answer(task(**asked), Seek(seek), situation(*TEAM, lead="off"), NOON)  # type: ignore[arg-type]
    assert (found.officer if isinstance(found, Offer) else found.reason.key) == expected


@pytest.mark.parametrize(
    ("world", "seek", "reason"),
    [
        (situation(), "officer", "no_officers"),
        (situation(officer("a", shift="14:00-18:00")), "officer", "nobody_on_shift"),
        (situation(officer("a")), "lead", "no_lead"),
        (situation(officer("a"), lead="gone"), "lead", "no_lead"),
    ],
)
def test_nobody_to_send_has_a_name(world: Situation, seek: str, reason: str) -> None:
    found = answer(task(), Seek(seek), world, NOON)
    assert isinstance(found, Nobody)
    assert found.reason.key == reason


def test_at_the_same_distance_who_has_less_to_do_goes() -> None:
    world = situation(officer("a"), officer("b"), open_tasks={"a": 2, "b": 1})
    found = answer(task(), Seek("officer"), world, NOON)
    assert isinstance(found, Offer)
    assert (found.officer, found.reason.params["open_tasks"], found.reason.params["candidates"]) == (
        "b",
        1,
        2,
    )


lats = st.floats(31.01, 31.99)


@given(st.lists(lats, min_size=1, max_size=6), st.dictionaries(st.integers(0, 5), lats))
def test_nobody_of_the_team_would_cost_less_than_who_is_asked(
    places: list[float], fresh: dict[int, float]
) -> None:
    team = [officer(str(i), lat) for i, lat in enumerate(places)]
    positions = {str(i): Position(lat, 121.3) for i, lat in fresh.items()}
    world = situation(*team, positions=positions)
    found = answer(task(), Seek("officer"), world, NOON)
    assert isinstance(found, Offer)
    costs = {o.id: weigh(task(), o, world).cost.total_s for o in team}
    assert found.reason.params["cost_s"] == costs[found.officer] == min(costs.values())


EAST = ((122.0, 31.0), (123.0, 31.0), (123.0, 32.0), (122.0, 32.0), (122.0, 31.0))


def two_teams(*officers: Officer, lead: str | None = None, **more: object) -> Situation:
    """The task's grid g with team t, and its neighbour e with team x."""
    one = situation(*officers, lead=lead)
    grids = {**one.registry.grids, "e": Grid(id="e", name="e", team="x", area=Area(((EAST,),)))}
    return replace(one, registry=replace(one.registry, grids=grids), **more)  # type: ignore[arg-type]


def away(id: str, lat: float = 31.22) -> Officer:
    return officer(id, lat, team="x")


FRESH = {"positions": {o: Position(31.21, 121.3) for o in ("a", "b", "x")}}
WAYS = {
    "nearest: of the own team": (two_teams(officer("a"), away("x", 31.2), **FRESH), {}, "a"),
    "no_position: nobody knows where they are": (two_teams(officer("a"), away("x", 31.2)), {}, "a"),
    "neighbour_team, nobody_on_shift": (two_teams(officer("a", shift=""), away("x")), {}, "x"),
    "neighbour_team, no_officers": (two_teams(away("x")), {}, "x"),
    "neighbour_team, all_declined": (two_teams(officer("a"), away("x")), {"declined_by": ("a",)}, "x"),
    "neighbour_team, all_busy": (two_teams(officer("a"), away("x"), open_tasks={"a": 1.0}), {}, "x"),
    "nearest: busy, and still cheaper than a neighbour far away": (
        two_teams(officer("a"), away("x", 31.9), open_tasks={"a": 1.0}, **FRESH | {"positions": {"a": Position(31.2, 121.3)}}),
        {},
        "a",
    ),
    "neighbour_team, too_far_away": (
        two_teams(officer("a", 31.3), away("x", 31.21)), {}, "x",
    ),
    "team_lead: nobody else, he is called at once": (two_teams(officer("l", shift=""), lead="l"), {}, "l"),
    "neighbour_team, no_grid": (two_teams(officer("a"), away("x", 31.21)), {"grid": None, "dispatch": Reason("no_grid")}, "a"),
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_somebody_has_its_reason(way: str) -> None:
    world, changes, expected = WAYS[way]
    found = answer(replace(task(), **changes), Seek("officer"), world, NOON)  # type: ignore[arg-type]
    assert isinstance(found, Offer)
    key, _, because = way.partition(":")[0].partition(", ")
    assert (found.officer, found.reason.key) == (expected, key)
    assert found.reason.params.get("because") == (because or None) or key == "team_lead"


def test_a_place_in_no_grid_is_the_centres_first_and_others_are_looked_for_after() -> None:
    world = two_teams(officer("a"))
    first = answer(task(grid=None), Seek("officer"), world, NOON)
    assert isinstance(first, Nobody)
    assert first.reason.key == "no_grid"
    then = answer(replace(task(grid=None), dispatch=first.reason), Seek("officer"), world, NOON)
    assert isinstance(then, Offer)
    assert then.reason.params["because"] == "no_grid"


def test_nobody_is_asked_who_would_be_on_his_way_for_too_long() -> None:
    world = two_teams(away("x", 31.9), rule=DispatchRule(most_eta_s=600.0))
    found = answer(task(), Seek("officer"), world, NOON)
    assert isinstance(found, Nobody)
    assert found.reason.key == "no_officers"


def test_a_skill_that_the_kind_wants_goes_before_a_shorter_way_but_excludes_nobody() -> None:
    able = replace(officer("able", 31.21), skills=frozenset({"camera"}))
    rule = DispatchRule(skills=(("smoke", "camera"),))
    both = answer(task(), Seek("officer"), situation(officer("near"), able, rule=rule), NOON)
    assert isinstance(both, Offer)
    assert both.officer == "able"
    alone = answer(task(), Seek("officer"), situation(officer("near"), rule=rule), NOON)
    assert isinstance(alone, Offer)
    assert alone.officer == "near"


@pytest.mark.parametrize(
    ("age_s", "fresh", "expected"), [(100, True, "a"), (200, False, "a"), (None, False, "b")]
)
def test_an_old_position_is_believed_less_and_a_very_old_one_not_at_all(
    age_s: float | None, fresh: bool, expected: str
) -> None:
    """a was last seen at the place; by the registry he starts from 11 km away. b is 2 km away, and seen just now."""
    positions = {"b": Position(31.218, 121.3)} | ({"a": Position(31.2, 121.3)} if age_s is not None else {})
    ages_s = {"b": 0.0} | ({"a": age_s} if age_s is not None else {})
    world = situation(officer("a", 31.3), officer("b", 31.5), positions=positions, ages_s=ages_s)
    found = answer(task(), Seek("officer"), world, NOON)
    assert isinstance(found, Offer)
    assert (found.officer, found.reason.params["fresh_position"]) == (expected, fresh or expected == "b")


@pytest.mark.parametrize(("drill", "expected"), [(None, "a"), ("d1", "b")])
def test_drills_weigh_only_when_a_drill_is_given(drill: str | None, expected: str) -> None:
    world = situation(officer("a"), officer("b"), drill_tasks={"a": 1.0})
    found = answer(replace(task(), drill_id=drill), Seek("officer"), world, NOON)
    assert isinstance(found, Offer)
    assert found.officer == expected


@given(
    st.lists(st.tuples(lats, st.sampled_from(("t", "x")), st.sampled_from(("always", "")), st.floats(0, 3)), max_size=7),
    st.sets(st.integers(0, 6)), st.sets(st.integers(0, 6)), st.sampled_from(("officer", "next_officer")), st.booleans(),
)  # fmt: skip
def test_nobody_is_offered_what_he_declined_and_the_same_question_has_the_same_answer(
    rows: list[tuple[float, str, str, float]], declined: set[int], asked: set[int], to: str, grid: bool
) -> None:
    people = [officer(str(n), lat, shift, team) for n, (lat, team, shift, _) in enumerate(rows)]
    load = {str(n): load for n, (*_, load) in enumerate(rows)}
    world = two_teams(*people, lead="0", open_tasks=load)
    one = task("g" if grid else None, tuple(map(str, sorted(asked))), tuple(map(str, sorted(declined))))
    found = answer(one, Seek(to), world, NOON)
    turned = replace(
        world, registry=replace(world.registry, officers=dict(reversed(world.registry.officers.items())))
    )
    assert answer(one, Seek(to), turned, NOON) == found
    if isinstance(found, Offer):
        assert found.officer not in one.declined_by
        assert to == "officer" or found.officer not in one.offered_to
        assert on_shift(world.registry.officers[found.officer], NOON) or found.reason.key == "team_lead"


def test_a_choice_is_kept_once_with_what_each_second_was_for() -> None:
    decision = Decision(task(), Reason("opened"), (Seek("officer"),))
    world = situation(*(officer(f"o{n:02}", 31.2 + n / 1000) for n in range(20)))
    found = resolve(decision, world, NOON)
    (chosen,) = [e for e in found.effects if isinstance(e, Chosen)]
    assert (chosen.officer, len(chosen.candidates)) == ("o00", EXPLAINED_MAX)
    totals = [float(c["total_s"] or 0) for c in chosen.candidates]
    assert totals == sorted(totals)
    nobody = resolve(decision, situation(), NOON)
    again = resolve(replace(decision, task=nobody.task), situation(), NOON)
    assert [isinstance(e, Chosen) for e in nobody.effects].count(True) == 1
    assert again.effects == (), "looking in vain for the same reason again is not kept"
