"""A station's clock is measured by its live messages; back-fills, outages and slow lines do not fool it."""

import random
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.reading import ClockOffset, ReadingKind
from ingest.clocks import ALLOWED_FOR, MEASURED_OVER_S, StationClocks, allowance, device_time

BEGIN = datetime(2026, 11, 22, tzinfo=UTC)
Sample = tuple[float, float]
"""When it came, and how far its time was behind that, in seconds."""


def measured(*streams: Iterable[Sample]) -> list[ClockOffset]:
    clocks = StationClocks()
    found = []
    for at_s, behind_s in sorted(sample for stream in streams for sample in stream):
        at = BEGIN + timedelta(seconds=at_s)
        changes, offsets = clocks.of([("MN1", at - timedelta(seconds=behind_s))], at)
        clocks.adopt(changes, offsets)
        found += offsets.values()
    return found


def live(
    offset_s: float, *, every_s: float = 30, start_s: float = 0, end_s: float = 1800
) -> Iterator[Sample]:
    """Delays of up to 20 s on the way."""
    dice = random.Random(7)
    at_s = start_s
    while at_s < end_s:
        delay_s = dice.uniform(1, 20)
        yield at_s + delay_s, offset_s + delay_s
        at_s += every_s


def back_fill(
    since_s: float, *, at_s: float, takes_s: float, every_s: float = 5, offset_s: float = 0
) -> list[Sample]:
    """Values of each `every_s` since then, sent from `at_s` on within `takes_s`."""
    count = int((at_s - since_s) / every_s)
    times = [(at_s + takes_s * n / count, since_s + every_s * n) for n in range(count)]
    return [(came_s, came_s - ts_s + offset_s) for came_s, ts_s in times]


@pytest.mark.parametrize(
    "offset_s", [-3000.0, -600.0, -70.0, 0.0, 65.0, 600.0, 3500.0, 8 * 3600.0, 27 * 3600.0, 86400 * 365.0]
)
@pytest.mark.parametrize("every_s", [5, 60, 600])
def test_live_messages_show_the_offset_within_the_delay_on_their_way(offset_s: float, every_s: float) -> None:
    offsets = measured(live(offset_s, every_s=every_s, end_s=3600))
    assert offsets
    assert all(0 <= o.offset_s - offset_s <= 20 and o.spread_s <= 20 for o in offsets)


def test_nothing_is_said_before_five_minutes_and_then_at_most_each_five() -> None:
    times = [o.measured_at for o in measured(live(0, every_s=10))]
    gaps = [(b - a).total_seconds() for a, b in zip([BEGIN, *times], times, strict=False)]
    assert min(gaps) >= MEASURED_OVER_S


def test_many_messages_in_a_moment_are_one_sample() -> None:
    assert measured([(0, 0), *((300 + n, 0) for n in range(4))]) == []


def test_what_comes_between_live_messages_does_not_push_them_out() -> None:
    noise = [(at_s + n, 1000.0 * n + at_s) for at_s in range(0, 900, 30) for n in (3, 9, 20)]
    offsets = measured(live(0, every_s=30, end_s=900), noise)
    assert offsets
    assert all(o.offset_s <= 20 for o in offsets)


@pytest.mark.parametrize("takes_s", [1, 60, 400])
def test_a_back_fill_alone_shows_nothing(takes_s: float) -> None:
    assert measured(back_fill(-7200, at_s=0, takes_s=takes_s)) == []


FIRST = st.tuples(st.floats(60, 86_400), st.floats(0, 400), st.floats(1, 600))
LATER = st.tuples(st.floats(60, 86_400), st.floats(400, 1200), st.floats(1, 600))


@given(
    fills=st.tuples(FIRST) | st.lists(LATER, max_size=4),
    offset_s=st.sampled_from([-600.0, 0.0, 600.0]),
)
def test_back_fills_between_live_messages_change_nothing(
    fills: Iterable[tuple[float, float, float]], offset_s: float
) -> None:
    streams = [
        back_fill(at - age, at_s=at, takes_s=takes, every_s=60, offset_s=offset_s) for age, at, takes in fills
    ]
    offsets = measured(live(offset_s, end_s=2400), *streams)
    assert offsets
    assert all(abs(o.offset_s - offset_s) <= 20 for o in offsets)


def test_a_line_that_delays_all_it_carries_is_not_the_clock_while_live_messages_come() -> None:
    offsets = measured(live(0, end_s=3600), live(2400, every_s=45, end_s=3600))
    assert offsets
    assert all(o.offset_s <= 20 for o in offsets)


def test_a_clock_that_is_set_is_measured_anew_within_six_minutes() -> None:
    offsets = measured(live(-600, end_s=1800), live(0, start_s=1800, end_s=3600))
    after = [o for o in offsets if o.offset_s >= 0]
    assert after[0].measured_at <= BEGIN + timedelta(seconds=1800 + 360)
    assert offsets == [*[o for o in offsets if o.offset_s < 0], *after]


def test_what_waited_for_us_is_not_the_clock() -> None:
    """40 minutes in the broker, then all at once."""
    waited = [(2400 + n / 100, 2400 - n * 10) for n in range(240)]
    assert measured(waited, live(0, start_s=2410, end_s=2410 + 290)) == []


def test_the_time_of_sending_counts_where_it_is_by_the_stations_own_clock() -> None:
    minute = timedelta(minutes=1)
    assert device_time(ReadingKind.RTD, BEGIN, BEGIN + minute) == BEGIN + minute
    assert device_time(ReadingKind.MIN, BEGIN, BEGIN + 12 * minute) == BEGIN + 12 * minute
    # The request's number, by our clock, in the answer to a request.
    assert device_time(ReadingKind.RTD, BEGIN, BEGIN - minute) == BEGIN
    assert device_time(ReadingKind.MIN, BEGIN, BEGIN + 90 * minute) is None
    assert device_time(ReadingKind.HOUR, BEGIN, BEGIN + 61 * minute) is None


def test_what_is_allowed_for_is_bounded() -> None:
    most_s = ALLOWED_FOR.total_seconds()
    assert allowance(ClockOffset(-most_s, 0, BEGIN)) == -ALLOWED_FOR
    assert allowance(ClockOffset(most_s + 1, 0, BEGIN)) == timedelta(0)
