"""What it costs to send somebody: each second has one reason, and nothing that is worse is cheaper."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.costs import AGE_STEPS_MAX, Candidate, age_steps, cost, drive_s
from farwatch.domain.place import Position
from farwatch.domain.policy import DispatchRule

RULE = DispatchRule(
    detour=1.5, speed_m_s=10.0, open_task_s=600.0, other_grid_s=120.0, stale_s=60.0, skill_s=500.0
)
HERE, THERE = Position(31.2, 121.4), Position(31.209, 121.4)  # 1,000 m apart
IDLE = Candidate(officer="a", place=HERE, age_s=0.0)


def test_the_way_is_the_straight_line_with_the_usual_detour_at_the_usual_speed() -> None:
    assert drive_s(HERE, THERE, RULE) == pytest.approx(150.1, abs=0.1)
    told = cost(IDLE, THERE, RULE)
    assert (told.eta_s, told.load_s, told.grid_s, told.stale_s, told.skill_s, told.total_s) == (
        150,
        0,
        0,
        0,
        0,
        150,
    )


@pytest.mark.parametrize(
    ("change", "named", "seconds"),
    [
        ({"load": 1.0}, "load_s", 600),
        ({"load": 1.5}, "load_s", 900),
        ({"own_grid": False}, "grid_s", 120),
        ({"age_steps": 1}, "stale_s", 60),
        ({"age_steps": 3, "age_s": None}, "stale_s", 180),
        ({"lacks_skill": True}, "skill_s", 500),
    ],
)
def test_each_drawback_costs_what_the_policy_says_and_only_there(
    change: dict[str, float], named: str, seconds: float
) -> None:
    told = cost(replace(IDLE, **change), THERE, RULE)  # type: ignore[arg-type]
    assert getattr(told, named) == seconds
    assert told.total_s == 150 + seconds


def test_a_time_by_road_goes_before_the_estimate() -> None:
    assert cost(replace(IDLE, road_s=411.4), THERE, RULE).eta_s == 411


@pytest.mark.parametrize(
    ("age_s", "steps"), [(0, 0), (179.9, 0), (180, 1), (360, 2), (540, 3), (9e9, 3), (-5, 0), (None, 3)]
)
def test_trust_in_a_position_ends_in_three_steps(age_s: float | None, steps: int) -> None:
    assert age_steps(age_s, 180.0) == steps


@given(
    st.floats(0, 5), st.floats(0, 5), st.integers(0, AGE_STEPS_MAX), st.integers(0, AGE_STEPS_MAX), st.booleans(), st.booleans()
)  # fmt: skip
def test_who_is_worse_in_every_way_is_never_cheaper(
    load: float, more: float, steps: int, more_steps: int, own: bool, skilled: bool
) -> None:
    better = replace(IDLE, load=load, age_steps=min(steps, more_steps), own_grid=True, lacks_skill=False)
    worse = replace(
        better, load=load + more, age_steps=max(steps, more_steps), own_grid=own, lacks_skill=skilled
    )
    assert cost(better, THERE, RULE).total_s <= cost(worse, THERE, RULE).total_s
