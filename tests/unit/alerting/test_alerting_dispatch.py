from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.dispatch import Situation, answer, grid_at, on_shift
from alerting.steps import Nobody, Offer, Seek
from farwatch.domain.finding import Kind, Reason
from farwatch.domain.place import Area, Position
from farwatch.domain.policy import TaskPolicy
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
def test_nobody_on_shift_is_nearer_than_who_is_asked(places: list[float], fresh: dict[int, float]) -> None:
    team = [officer(str(i), lat) for i, lat in enumerate(places)]
    positions = {str(i): Position(lat, 121.3) for i, lat in fresh.items()}
    found = answer(task(), Seek("officer"), situation(*team, positions=positions), NOON)
    assert isinstance(found, Offer)
    away = {o.id: abs(positions.get(o.id, o.place).lat - 31.2) for o in team}
    assert away[found.officer] <= min(away.values()) + 1e-5
