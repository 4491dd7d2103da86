"""The working calendar: legal limits in hours, working hours and working days."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from farwatch.domain.calendar import CITY_ZONE, UNITS, CalendarError, WorkCalendar, check, due

NATIONAL_DAY = frozenset(date(2026, 10, day) for day in range(1, 8))
CITY = WorkCalendar(holidays=NATIONAL_DAY, extra_days=frozenset({date(2026, 9, 27), date(2026, 10, 10)}))


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CITY_ZONE)


# 2026-11-23 is a Monday.
LIMITS = [
    ("a plain hour counts nights", "2026-11-20 23:30", 1, "hours", "2026-11-21 00:30"),
    ("within the morning", "2026-11-23 09:30", 2, "working_hours", "2026-11-23 11:30"),
    ("to the very end of the morning", "2026-11-23 09:00", 3, "working_hours", "2026-11-23 12:00"),
    ("over the lunch gap", "2026-11-23 11:00", 2, "working_hours", "2026-11-23 14:30"),
    ("begun at lunch", "2026-11-23 12:40", 1, "working_hours", "2026-11-23 14:30"),
    ("begun before work", "2026-11-23 06:00", 1, "working_hours", "2026-11-23 10:00"),
    ("begun after work on a Friday", "2026-11-20 18:00", 1, "working_hours", "2026-11-23 10:00"),
    ("a whole working day and a bit", "2026-11-23 09:00", 8, "working_hours", "2026-11-24 10:00"),
    ("the holiday is skipped", "2026-09-30 17:00", 1, "working_hours", "2026-10-08 09:30"),
    ("a Sunday that is worked", "2026-09-26 10:00", 1, "working_hours", "2026-09-27 10:00"),
    ("the next working day's end", "2026-11-23 10:00", 1, "working_days", "2026-11-24 17:30"),
    ("over a weekend", "2026-11-20 10:00", 1, "working_days", "2026-11-23 17:30"),
    ("five days", "2026-11-20 23:59", 5, "working_days", "2026-11-27 17:30"),
    ("over the holiday with the Saturday worked for it", "2026-09-30 10:00", 3, "working_days", "2026-10-10 17:30"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("start", "amount", "unit", "expected"), [row[1:] for row in LIMITS], ids=[r[0] for r in LIMITS]
)
def test_a_limit_ends_where_the_calendar_says(start: str, amount: float, unit: str, expected: str) -> None:
    assert due(local(start), amount, unit, CITY) == local(expected)
    in_utc = due(local(start).astimezone(UTC), amount, unit, CITY)
    assert (in_utc, in_utc.tzinfo) == (local(expected), UTC)


def test_what_can_never_end_is_an_error_and_no_endless_search() -> None:
    never = WorkCalendar(weekdays=())
    for unit in ("working_hours", "working_days"):
        with pytest.raises(CalendarError, match="no working"):
            due(local("2026-11-23 09:00"), 1, unit, never)
    with pytest.raises(CalendarError, match="unknown unit"):
        due(local("2026-11-23 09:00"), 1, "fortnights", CITY)


starts = st.timedeltas(timedelta(0), timedelta(days=120)).map(lambda after: local("2026-09-01 00:00") + after)
minutes = st.integers(1, 60 * 60).map(lambda m: m / 60)
amounts = {"hours": minutes, "working_hours": minutes, "working_days": st.integers(1, 20).map(float)}
units = st.sampled_from(UNITS)


@given(start=starts, later=st.timedeltas(timedelta(0), timedelta(days=9)), unit=units, data=st.data())
def test_who_begins_later_or_has_more_time_never_ends_earlier(
    start: datetime, later: timedelta, unit: str, data: st.DataObject
) -> None:
    one, more = sorted((data.draw(amounts[unit]), data.draw(amounts[unit])))
    assert due(start, one, unit, CITY) <= due(start, more, unit, CITY)
    assert due(start, one, unit, CITY) <= due(start + later, one, unit, CITY)
    assert due(start, one, unit, CITY) > start


@given(start=starts, unit=units, data=st.data())
def test_a_limit_in_two_parts_is_the_limit_in_one(start: datetime, unit: str, data: st.DataObject) -> None:
    first, second = data.draw(amounts[unit]), data.draw(amounts[unit])
    middle = due(start, first, unit, CITY)
    assume(middle < due(start, first + second, unit, CITY))
    gap = abs(due(middle, second, unit, CITY) - due(start, first + second, unit, CITY))
    assert gap < timedelta(milliseconds=1)


@given(start=starts, amount=minutes)
def test_a_limit_in_working_hours_ends_in_working_time(start: datetime, amount: float) -> None:
    end = due(start, amount, "working_hours", CITY).astimezone(CITY_ZONE)
    assert any(begin < end <= until for begin, until in CITY.stretches(end.date()))


SUNDAYS_OFF = frozenset(date(2031, 1, 5) + timedelta(weeks=n) for n in range(60))


def test_a_limit_has_an_end_from_whatever_day_on() -> None:
    check(800, "hours", WorkCalendar())
    check(700, "working_days", WorkCalendar())
    check(2000, "working_hours", WorkCalendar(holidays=frozenset({date.min, date.max, date(2026, 10, 1)})))
    with pytest.raises(CalendarError, match="no working"):
        check(100, "working_days", WorkCalendar(weekdays=(7,), holidays=SUNDAYS_OFF))
    with pytest.raises(CalendarError, match="no working"):
        check(2000, "working_hours", WorkCalendar(hours=("09:00-10:00",)))
