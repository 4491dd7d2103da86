from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.counting import reached, rule_for
from farwatch.domain.finding import Finding, Kind, Reason, Tier
from farwatch.domain.place import Position
from farwatch.domain.policy import NOfM

T0 = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
RULE = NOfM(rule="smoke", tier=Tier.VIOLATION, n=3, within_s=600)
SMOKE = Finding(
    rule="smoke", kind=Kind.SMOKE, tier=Tier.VIOLATION, place=Position(31.2, 121.4), onset_at=T0, severity=2,
    reason=Reason("seen"), camera="cam",
)  # fmt: skip


def at(s: float) -> datetime:
    return T0 + timedelta(seconds=s)


CASES = [
    ([], 0, None),
    ([0], 1, None),
    ([0, 1], 2, 3),
    ([0, 1], 600, 3),
    ([0, 1], 600.5, None),
    ([0, 1, 2], 3, 4),
    ([0, 0], 0, 3),
]


@pytest.mark.parametrize(("earlier", "now_s", "seen"), CASES)
def test_the_nth_within_the_time_is_the_one_that_counts(
    earlier: list[float], now_s: float, seen: int | None
) -> None:
    reason = reached(RULE, [at(s) for s in earlier], at(now_s))
    assert reason == (Reason("n_of_m", {"n": seen, "within_s": 600}) if seen else None)


def test_a_rule_is_one_rules_and_tiers() -> None:
    other = NOfM(rule="smoke", tier=Tier.EARLY, n=9, within_s=1)
    assert rule_for(SMOKE, (other, RULE)) == RULE
    assert rule_for(SMOKE, (other,)) is None


@given(st.lists(st.floats(0, 2000), max_size=20), st.integers(1, 5))
def test_it_is_reached_as_soon_as_and_never_before_n_lie_within_the_time(times: list[float], n: int) -> None:
    rule = NOfM(rule="smoke", tier=Tier.VIOLATION, n=n, within_s=600)
    times.sort()
    for i, s in enumerate(times):
        within = sum(s - 600 <= t for t in times[: i + 1])
        assert (reached(rule, [at(t) for t in times[:i]], at(s)) is not None) is (within >= n)
