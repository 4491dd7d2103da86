"""What is judged from rows rather than from the moment: legal hour and day means, and whether data can be true.

A review is of one station and one period (an hour or a day, by its start). It is done when the period's readings
have come, and anew when one of them comes late or is revised.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Protocol
from zoneinfo import ZoneInfo

from farwatch.domain.finding import Finding, FindingEnded
from farwatch.domain.policy import Policy
from farwatch.domain.reading import LATE_AFTER, Reading, ReadingKind
from farwatch.domain.registry import Channel, Limit, Station


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """An hour or day of Asia/Shanghai, by its start."""

    kind: ReadingKind
    ts: datetime
    until: datetime


CITY = ZoneInfo("Asia/Shanghai")

DUE_AFTER: dict[ReadingKind, timedelta] = {
    ReadingKind.HOUR: timedelta(minutes=10),
    ReadingKind.DAY: timedelta(hours=1),
}
"""How long after a period's end its review waits for a device's own mean; when that comes, the review is due at once."""


def period_of(kind: ReadingKind, ts: datetime) -> Period:
    """The hour (of real-time, minute and hour readings) or the city's day that `ts` lies in."""
    if kind is ReadingKind.DAY:
        local = ts.astimezone(CITY).replace(hour=0, minute=0, second=0, microsecond=0)
        return Period(kind=kind, ts=local.astimezone(UTC), until=(local + timedelta(days=1)).astimezone(UTC))
    hour = ts.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    return Period(kind=ReadingKind.HOUR, ts=hour, until=hour + timedelta(hours=1))


class MarkLabel(StrEnum):
    """Conditions that may be declared: 烘炉, 启炉, 停炉, 停炉降温, 停运, 故障, 维护, 校准."""

    BAKING = "baking"
    START_UP = "start_up"
    SHUT_DOWN = "shut_down"
    COOLING = "cooling"
    STOPPED = "stopped"
    FAULT = "fault"
    MAINTENANCE = "maintenance"
    CALIBRATION = "calibration"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A declared condition of the works (工况标记): over [from_at, to_at) data do not count against it. None: all channels.

    `label` is a MarkLabel's value."""

    label: str
    from_at: datetime
    to_at: datetime
    declared_at: datetime
    code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """A reading that was replaced by another content of the same key, and what replaced it."""

    before: Reading
    after: Reading


MINUTE_INTERVALS = (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)
"""What HJ 212 allows as MinInterval, minutes; a system has only one."""


AGED = timedelta(days=3)
"""So long after its data no verdict is news, whoever was away."""


def _event_time(reading: Reading) -> datetime:
    return reading.ts


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All that a review may look at: current readings up to the end of the period, by (code, kind), in order of event time.

    `open_onsets` are findings of review rules that stood in the period, by (rule, code or ""): begun before its end and
    not ended before its start; so an old hour that is reviewed again meets what was found then. `outages` are the
    spans in which we ourselves took nothing, (from, to), of all the time that the readings cover.
    Minutes of the codes in `from_rtd` are means of real-time values, because the station sends no minutes of them.
    `hours` are a day's hours as they were reviewed, by code, in order; empty when an hour is reviewed. `reviewed_at` is
    when the period was reviewed the last time before.
    """

    station: Station
    channels: Mapping[str, Channel]
    limits: Mapping[str, tuple[Limit, ...]]
    readings: Mapping[tuple[str, ReadingKind], tuple[Reading, ...]]
    revisions: tuple[Revision, ...] = ()
    marks: tuple[Mark, ...] = ()
    clock_offset_s: float | None = None
    open_onsets: Mapping[tuple[str, str], datetime] = field(default_factory=dict)
    outages: tuple[tuple[datetime, datetime], ...] = ()
    from_rtd: frozenset[str] = frozenset()
    hours: Mapping[str, "tuple[PeriodVerdict, ...]"] = field(default_factory=dict)
    reviewed_at: datetime | None = None

    def of(self, code: str, kind: ReadingKind, since: datetime, until: datetime) -> tuple[Reading, ...]:
        """The readings of [since, until)."""
        known = self.readings.get((code, kind), ())
        start = bisect_left(known, since, key=_event_time)
        return known[start : bisect_left(known, until, lo=start, key=_event_time)]

    def is_retrospective(self, period: Period, now: datetime) -> bool:
        """Is what came long ago judged anew without anything new, as after a mark that was withdrawn? What is found then is
        recorded as late data are: nobody is sent."""
        received = [r.received_at for key in self.readings for r in self.of(*key, period.ts, period.until)]
        newest_at = max(received, default=period.until)
        waited = now - newest_at
        is_known = self.reviewed_at is not None and self.reviewed_at >= newest_at
        return waited > AGED or (is_known and waited > LATE_AFTER[ReadingKind.HOUR])

    def minute_interval_min(self) -> int:
        """The registry's, unless more often is sent; without one the gap that most minutes keep of the channel with the most of
        them; one where nothing shows another."""
        registered, observed = self.station.minute_interval_min, self._observed_interval_min()
        return min(registered or observed or 1, observed or registered or 1)

    def _observed_interval_min(self) -> int | None:
        sent = [
            (len(readings), code)
            for (code, kind), readings in self.readings.items()
            if kind is ReadingKind.MIN and code not in self.from_rtd
        ]
        if not sent:
            return None
        minutes = self.readings[max(sent)[1], ReadingKind.MIN]
        gaps = Counter((after.ts - before.ts) // timedelta(minutes=1) for before, after in pairwise(minutes))
        known = [(count, -gap) for gap, count in gaps.items() if gap in MINUTE_INTERVALS]
        return -max(known)[1] if known else None


class Verdict(StrEnum):
    """What a period's mean was found to be."""

    OK = "ok"
    OVER = "over"
    BELOW = "below"
    NO_LIMIT = "no_limit"
    INVALID = "invalid"
    MARKED = "marked"
    MISSING = "missing"
    NOT_CONVERTED = "not_converted"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeriodVerdict:
    """One channel's period: how many of the expected parts (minutes of an hour, hours of a day) came and were valid, the
    device's mean and our own, the value that was judged and against what. `reason` names why the verdict is what it is."""

    code: str
    kind: ReadingKind
    ts: datetime
    verdict: Verdict
    reason: str
    expected: int
    received: int
    valid: int
    device_value: float | None = None
    device_converted: float | None = None
    device_flag: str | None = None
    own_value: float | None = None
    own_converted: float | None = None
    judged_value: float | None = None
    limit: float | None = None
    lower: float | None = None
    limit_source: str = ""
    late: bool = False


@dataclass(frozen=True, slots=True)
class ReviewOutcome:
    """`ended` may name findings that were never made: ending those does nothing."""

    verdicts: tuple[PeriodVerdict, ...] = ()
    findings: tuple[Finding, ...] = ()
    ended: tuple[FindingEnded, ...] = ()


class Reviewer(Protocol):
    """Pure: the same history, period and now give the same outcome, live or on replay."""

    def __call__(self, history: History, period: Period, policy: Policy, now: datetime) -> ReviewOutcome: ...


@dataclass(frozen=True, slots=True)
class HourCurve:
    """A channel's valid hour means of a stretch of hours, in order; None: none came or none was valid."""

    mn: str
    code: str
    values: tuple[float | None, ...]
