"""The working calendar (工作日历) behind a legal handling limit: hours of the clock, working hours or working days. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

CITY_ZONE = ZoneInfo("Asia/Shanghai")
MOST_DAYS = 3 * 366
"""Further ahead no working time is looked for: a calendar with none in three years is a mistake."""

Stretch = tuple[datetime, datetime]


class CalendarError(ValueError):
    """The calendar has no working time, or the unit is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkCalendar:
    """Working `hours` (`HH:MM-HH:MM`, in order, each within a day) on `weekdays` (1 is Monday), in Asia/Shanghai.

    `holidays` are days off; `extra_days` are worked although they are a weekend (调休), and win over a holiday.
    """

    hours: tuple[str, ...] = ("09:00-12:00", "13:30-17:30")
    weekdays: tuple[int, ...] = (1, 2, 3, 4, 5)
    holidays: frozenset[date] = field(default_factory=frozenset)
    extra_days: frozenset[date] = field(default_factory=frozenset)

    def is_working(self, day: date) -> bool:
        return day in self.extra_days or (day.isoweekday() in self.weekdays and day not in self.holidays)

    def stretches(self, day: date, zone: tzinfo = CITY_ZONE) -> Iterator[Stretch]:
        """The working time of `day` in order; nothing when it is not worked."""
        for text in self.hours if self.is_working(day) else ():
            begin, end = (time.fromisoformat(part) for part in text.split("-"))
            yield datetime.combine(day, begin, zone), datetime.combine(day, end, zone)


def due(start: datetime, amount: float, unit: str, calendar: WorkCalendar) -> datetime:
    """The instant `amount` of `unit` after `start`: hours, working_hours, or working_days.

    `working_days` ends with the last working minute of the n-th working day after the day of `start`, which does not count
    itself (行政处罚 counts from the day after). Raises CalendarError.
    """
    if unit == "hours":
        return start + timedelta(hours=amount)
    try:
        return _COUNTING[unit](start, amount, calendar).astimezone(start.tzinfo)
    except KeyError:
        raise CalendarError(f"unknown unit {unit!r}") from None


def check(amount: float, unit: str, calendar: WorkCalendar) -> None:
    """Raises CalendarError when there are days from which on `due` finds no end: tried before each holiday, where the most days
    are off, and in each part of a week without any."""
    days = {d for d in calendar.holidays if 1 < d.year < 9000} | {date(9000, 1, n) for n in range(1, 8)}
    for day in sorted(days):
        due(datetime.combine(day, time(0), CITY_ZONE) - timedelta(minutes=1), amount, unit, calendar)


def _after_working_hours(start: datetime, amount: float, calendar: WorkCalendar) -> datetime:
    left = timedelta(hours=amount)
    for begin, end in _working_time(start, calendar):
        begin = max(begin, start)
        if begin + left <= end:
            return begin + left
        left -= max(end - begin, timedelta(0))
    raise CalendarError("no working time in three years")


def _after_working_days(start: datetime, amount: float, calendar: WorkCalendar) -> datetime:
    first = start.astimezone(CITY_ZONE).date()
    left = amount
    for ahead in range(1, MOST_DAYS):
        stretches = list(calendar.stretches(first + timedelta(days=ahead)))
        left -= bool(stretches)
        if stretches and left <= 0:
            return stretches[-1][1]
    raise CalendarError("no working day in three years")


def _working_time(start: datetime, calendar: WorkCalendar) -> Iterator[Stretch]:
    first = start.astimezone(CITY_ZONE).date()
    for ahead in range(MOST_DAYS):
        yield from (s for s in calendar.stretches(first + timedelta(days=ahead)) if s[1] > start)


_COUNTING = {"working_hours": _after_working_hours, "working_days": _after_working_days}
UNITS = ("hours", *_COUNTING)
