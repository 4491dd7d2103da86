"""A daily stretch of the city's time, as limits have it: `22:00-06:00`, the begin within it and the end not."""

from datetime import datetime
from functools import lru_cache

from farwatch.domain.review import CITY

MINUTES_OF_DAY = 24 * 60

Stretch = tuple[int, int]
"""Minutes of the city's day; a begin behind the end passes midnight."""


@lru_cache(maxsize=1024)
def stretch_of(schedule: str) -> Stretch | None:
    """None: always. Raises ValueError for what is not `HH:MM-HH:MM`."""
    if not schedule:
        return None
    begin, end = (_minute(part) for part in schedule.split("-"))
    return begin, end


def _minute(part: str) -> int:
    hour, minute = (int(digits) for digits in part.split(":"))
    if not (0 <= hour <= 23 and 0 <= minute <= 59):
        raise ValueError(f"{part!r} is not a time of day")
    return hour * 60 + minute


def holds(stretch: Stretch | None, at: datetime) -> bool:
    """Does `at` lie within it?"""
    if stretch is None:
        return True
    local = at.astimezone(CITY)
    return _within(local.hour * 60 + local.minute, stretch)


def overlap(one: str, other: str) -> bool:
    """Is there a minute of the day in both schedules?"""
    ours, theirs = stretch_of(one), stretch_of(other)
    return ours is None or theirs is None or _within(ours[0], theirs) or _within(theirs[0], ours)


def _within(minute: int, stretch: Stretch) -> bool:
    begin, end = stretch
    return begin <= minute < end if begin < end else minute >= begin or minute < end
