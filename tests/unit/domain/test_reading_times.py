"""Rule 10 of the design: what is late, what is in the future, and how a station's own clock counts."""

from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.reading import LATE_AFTER, Reading, ReadingKind, as_judged, is_late, out_of_time

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("kind", ReadingKind)
@pytest.mark.parametrize("offset", [-10 * MINUTE, 0 * MINUTE, 25 * MINUTE])
def test_late_counts_from_the_true_time_of_the_event(kind: ReadingKind, offset: timedelta) -> None:
    said = NOW - LATE_AFTER[kind] - offset
    zero = timedelta(0)
    assert not is_late(kind, ts=said, received_at=NOW, excused=zero, clock_offset=offset)
    assert is_late(kind, ts=said - MINUTE, received_at=NOW, excused=zero, clock_offset=offset)
    assert not is_late(kind, ts=said - MINUTE, received_at=NOW, excused=MINUTE, clock_offset=offset)


@pytest.mark.parametrize(
    ("said", "offset", "why"),
    [
        (5 * MINUTE, 0 * MINUTE, None),
        (6 * MINUTE, 0 * MINUTE, "time_in_future"),
        (14 * MINUTE, -10 * MINUTE, None),
        (16 * MINUTE, -10 * MINUTE, "time_in_future"),
        (0 * MINUTE, 50 * MINUTE, None),  # it was behind, and has just been set
        (timedelta(days=-400), 0 * MINUTE, None),
        (timedelta(days=-400, minutes=-1), 0 * MINUTE, "time_too_old"),
    ],
)
def test_the_future_is_refused_but_for_a_clock_that_is_known_to_be_ahead(
    said: timedelta, offset: timedelta, why: str | None
) -> None:
    assert out_of_time(NOW + said, NOW, offset) == why


def test_what_is_not_newer_than_its_channel_is_judged_among_the_late() -> None:
    reading = Reading("MN1", "a", ReadingKind.RTD, NOW, 1.0, NOW)
    assert as_judged(reading, None) is reading
    assert as_judged(reading, NOW - MINUTE) is reading
    assert as_judged(reading, NOW).late
    assert as_judged(reading, NOW + MINUTE).late
