"""Who may decode more than key frames, and for how long."""

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.cameras.attention import Want
from ingest.cameras.budget import BudgetSettings, DecodeBudget

SETTINGS = BudgetSettings(share=0.25, saved_s=3.0, curious_share=0.01, curious_saved_s=0.8)
STEP_S = 0.2
WHOLE_CPU_S = 0.13 * STEP_S
"""Decoding all of 1080p25 and showing five pictures a second takes about 13 % of a core."""


def spent(
    wants: dict[str, Want],
    seconds: float,
    settings: BudgetSettings = SETTINGS,
    budget: DecodeBudget | None = None,
) -> dict[str, float]:
    """CPU seconds that each camera got when each wants all of its frames all the time."""
    budget = budget or DecodeBudget(settings)
    got = dict.fromkeys(wants, 0.0)
    for step in range(round(seconds / STEP_S)):
        for camera, want in wants.items():
            if budget.allows(camera, want, step * STEP_S):
                budget.spend(camera, want, WHOLE_CPU_S)
                got[camera] += WHOLE_CPU_S
    return got


def needing(count: int) -> dict[str, Want]:
    return {f"c{i}": Want.NEEDED for i in range(count)}


def test_one_camera_gets_all_that_it_needs() -> None:
    assert spent(needing(1), 120)["c0"] == pytest.approx(120 * 0.13, rel=0.02)


@pytest.mark.parametrize("count", [3, 10, 40])
def test_many_share_what_there_is_equally_and_no_more(count: int) -> None:
    got = spent(needing(count), 300)
    saved_s = count * SETTINGS.saved_s / 2
    assert sum(got.values()) <= 300 * 0.25 + saved_s + count * WHOLE_CPU_S
    assert sum(got.values()) >= 300 * 0.25 * 0.9
    assert max(got.values()) - min(got.values()) <= 0.5


def test_what_one_does_not_need_goes_to_the_others() -> None:
    budget = DecodeBudget(BudgetSettings(share=0.3, saved_s=0.5))
    got = [0.0, 0.0]
    for step in range(1500):
        now_s = step * STEP_S
        for number, cost_s in enumerate((0.02 * STEP_S, 1.0 * STEP_S)):
            if budget.allows(str(number), Want.NEEDED, now_s):
                budget.spend(str(number), Want.NEEDED, cost_s)
                got[number] += cost_s
    assert got[0] == pytest.approx(300 * 0.02, rel=0.05)
    assert got[1] == pytest.approx(300 * 0.28, rel=0.1)


def test_curiosity_about_one_camera_has_a_bound_of_its_own() -> None:
    got = spent({"street": Want.CURIOUS}, 600)
    assert got["street"] == pytest.approx(0.8 + 600 * 0.01, rel=0.15)


def test_a_passer_by_a_minute_is_looked_at_closely_every_time() -> None:
    budget, seen_s = DecodeBudget(SETTINGS), 0.0
    for step in range(round(600 / STEP_S)):
        now_s = step * STEP_S
        if now_s % 60 < 4 and budget.allows("gate", Want.CURIOUS, now_s):
            budget.spend("gate", Want.CURIOUS, WHOLE_CPU_S)
            seen_s += STEP_S
    assert seen_s == pytest.approx(40, abs=2)


def test_curiosity_stands_back_while_a_need_is_refused() -> None:
    budget = DecodeBudget(BudgetSettings(share=0.01))
    assert budget.allows("street", Want.CURIOUS, 0)
    spent(needing(5), 60, budget=budget)
    assert not budget.allows("street", Want.CURIOUS, 60)
    assert budget.allows("street", Want.CURIOUS, 120)


def test_who_was_refused_is_short_for_a_while_and_nobody_else() -> None:
    budget = DecodeBudget(BudgetSettings(share=0.01))
    spent(needing(2), 100, budget=budget)
    assert budget.is_short("c0", 100)
    assert not budget.is_short("other", 100)
    assert not budget.is_short("c0", 120)
    budget.forget("c1")
    assert budget.refused(100) == 1


def test_who_spent_all_saves_first_and_then_decodes_a_while() -> None:
    budget, allowed = DecodeBudget(BudgetSettings(share=0.02)), []
    for step in range(1000):
        allowed.append(budget.allows("c", Want.NEEDED, step * STEP_S))
        if allowed[-1]:
            budget.spend("c", Want.NEEDED, WHOLE_CPU_S)
    turns = sum(b and not a for a, b in pairwise(allowed))
    assert 1 <= turns <= 15
    assert sum(allowed[500:]) > 0


@given(
    st.lists(
        st.tuples(
            st.integers(0, 5), st.sampled_from([Want.CURIOUS, Want.NEEDED]), st.floats(0, 30), st.floats(0, 2)
        ),
        max_size=60,
    )
)
def test_no_more_is_ever_spent_than_was_earned_and_overdrawn_once(
    asked: Sequence[tuple[int, Want, float, float]],
) -> None:
    budget, now_s, total_s, cameras = DecodeBudget(SETTINGS), 0.0, 0.0, set()
    for number, want, wait_s, cost_s in asked:
        now_s += wait_s
        cameras.add(number)
        if budget.allows(str(number), want, now_s):
            budget.spend(str(number), want, cost_s)
            total_s += cost_s
    saved_s = len(cameras) * SETTINGS.saved_s / 2
    assert total_s <= 0.25 * (now_s + 0.1) + saved_s + len(cameras) * 2 + 1e-6
