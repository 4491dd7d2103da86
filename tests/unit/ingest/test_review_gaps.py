"""What a station is asked for again: once, in few commands, and only what it would have said."""

from datetime import timedelta

import pytest

from farwatch.domain.device import Command
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.review import History
from ingest.review.gaps import MOST_A_DAY, Hour, decide, silent_hours, thin_hours
from tests.support.histories import HOUR, MINUTE, TEN, a_history, a_reading

AN_HOUR = timedelta(hours=1)
NOW = HOUR.until + timedelta(minutes=10)


def sent(hours: list[int], kind: ReadingKind = ReadingKind.HOUR, each: int = 1) -> list[Reading]:
    """Hours by their distance to ten o'clock, with so many readings each."""
    return [
        a_reading("a21026", kind, TEN + h * AN_HOUR + n * (60 // each) * MINUTE, 1.0)
        for h in hours
        for n in range(each)
    ]


HOURS, MIN = ReadingKind.HOUR, ReadingKind.MIN


@pytest.mark.parametrize(
    ("history", "thin"),
    [
        (a_history(sent([-4, -3, -2, -1, 0])), []),
        (a_history(sent([-5, -4, -1, 0])), [(HOURS, -3), (HOURS, -2)]),
        (a_history(sent([-2, -1])), [(HOURS, 0)]),
        (a_history(sent([-6, -4, -2, 0])), []),
        (a_history(sent([-3, -2, -1, 0], MIN, 60)), []),
        (a_history(sent([-3, -2, 0], MIN, 60)), [(MIN, -1)]),
        (a_history(sent([-3, -2, -1], MIN, 6) + sent([0], MIN, 2)), [(MIN, 0)]),
        (a_history(sent([-3, -2, 0], MIN, 60), from_rtd=frozenset({"a21026"})), []),
    ],
    ids=[
        "nothing_missing", "a_gap", "its_hour_did_not_come", "a_slow_analyser", "minutes", "a_gap_of_minutes",
        "too_few_minutes", "real_time_only",
    ],
)  # fmt: skip
def test_thin_hours(history: History, thin: list[tuple[ReadingKind, int]]) -> None:
    found = thin_hours(history, HOUR, history.minute_interval_min(), NOW)
    assert found == [(kind, TEN + h * AN_HOUR) for kind, h in thin]


def test_the_hour_itself_is_only_missed_when_its_time_is_over() -> None:
    assert thin_hours(a_history(sent([-2, -1])), HOUR, 1, HOUR.until + timedelta(minutes=9)) == []


def test_nothing_is_asked_of_what_was_filled_in_from_long_ago() -> None:
    assert thin_hours(a_history(sent([-5, -4, -1])), HOUR, 1, NOW + timedelta(days=3)) == []


def hours_of(kind: ReadingKind, *distances: int) -> list[Hour]:
    return [(kind, TEN + h * AN_HOUR) for h in distances]


def test_hours_that_follow_each_other_are_one_command_with_both_ends_included() -> None:
    decision = decide(
        hours_of(HOURS, -3, -2, 0) + hours_of(MIN, -1),
        asked=(),
        asked_today=0,
        is_reachable=True,
        interval_min=10,
    )
    assert [
        (f.command, f.parameters["BeginTime"], f.parameters["EndTime"], f.reason) for f in decision.fetches
    ] == [
        (Command.FETCH_HOURS, "20261122070000", "20261122080000", "hours_missing"),
        (Command.FETCH_HOURS, "20261122100000", "20261122100000", "hours_missing"),
        (Command.FETCH_MINUTES, "20261122090000", "20261122095000", "minutes_missing"),
    ]


@pytest.mark.parametrize(
    ("thin", "changes", "reason", "count"),
    [
        ([], {}, "nothing_missing", 0),
        (hours_of(HOURS, -2), {"asked": hours_of(HOURS, -2)}, "asked_already", 0),
        (hours_of(HOURS, -2), {"asked": hours_of(MIN, -2)}, "", 1),
        (hours_of(HOURS, -2), {"is_reachable": False}, "not_reachable", 0),
        (hours_of(HOURS, -6, -4, -2), {"asked_today": MOST_A_DAY - 2}, "quota", 2),
        (hours_of(HOURS, -6), {"asked_today": MOST_A_DAY + 5}, "quota", 0),
    ],
)
def test_each_hour_is_asked_for_once_and_no_station_all_day(
    thin: list[Hour], changes: dict[str, object], reason: str, count: int
) -> None:
    arguments = {"asked": (), "asked_today": 0, "is_reachable": True, "interval_min": 1} | changes
    decision = decide(thin, **arguments)  # type: ignore[arg-type]
    assert (decision.reason, len(decision.fetches)) == (reason, count)


def test_hours_from_which_nothing_came_are_named() -> None:
    assert silent_hours(a_history(sent([-4, -1, 0])), HOUR) == [TEN - 3 * AN_HOUR, TEN - 2 * AN_HOUR]
    assert silent_hours(a_history([]), HOUR) == []
