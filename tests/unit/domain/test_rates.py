import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.rates import Rates, together


def test_a_day_with_four_stopped_two_invalid_and_two_missing_hours() -> None:
    day = Rates(expected=24, sent=22, valid=16, stopped=4)
    assert (day.transmission, day.validity) == (22 / 24, 16 / 20)
    assert day.effective == pytest.approx(22 / 24 * 16 / 20)


def test_shares_of_nothing_are_none() -> None:
    assert (Rates().transmission, Rates().validity, Rates().effective) == (None, None, None)
    assert Rates(expected=24, sent=24, stopped=24).validity is None


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=5))
def test_several_stations_together_are_their_hours_together(hours: list[tuple[int, int]]) -> None:
    both = together(Rates(expected=e + s, sent=s, valid=s) for e, s in hours)
    assert (both.expected, both.sent) == (sum(e + s for e, s in hours), sum(s for _, s in hours))
