"""Which days a report is about. Pure."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from farwatch.domain.case import Span
from farwatch.domain.review import CITY


class ReportKind(StrEnum):
    """一日一网巡、一周一晾晒、一月一总结."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


def period(kind: ReportKind, day: date) -> tuple[date, date]:
    """The first day of the day, week (from Monday) or month that `day` lies in, and the first one after it."""
    if kind is ReportKind.DAILY:
        return day, day + timedelta(days=1)
    if kind is ReportKind.WEEKLY:
        monday = day - timedelta(days=day.weekday())
        return monday, monday + timedelta(days=7)
    first = day.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


def last_whole(kind: ReportKind, today: date) -> date:
    """A day of the last period that is over: yesterday, last week, last month."""
    return period(kind, today)[0] - timedelta(days=1)


def before(kind: ReportKind, day: date) -> date:
    """A day of the period before (环比)."""
    return period(kind, day)[0] - timedelta(days=1)


def year_before(day: date) -> date:
    """The first of the same month a year ago (同比)."""
    return day.replace(year=day.year - 1, day=1)


def span_of(kind: ReportKind, day: date, now: datetime) -> Span:
    """From midnight to midnight in the city; in UTC, because times of one zone are compared many times faster."""
    since, until = (datetime.combine(d, time(), CITY).astimezone(UTC) for d in period(kind, day))
    return Span(since, until, now)
