"""A reading: what a channel said for one time and kind."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class ReadingKind(StrEnum):
    """The period a reading speaks for, by HJ 212: real time, minute, hour or day."""

    RTD = "rtd"
    MIN = "min"
    HOUR = "hour"
    DAY = "day"


LATE_AFTER: dict[ReadingKind, timedelta] = {
    ReadingKind.RTD: timedelta(minutes=15),
    ReadingKind.MIN: timedelta(minutes=30),
    ReadingKind.HOUR: timedelta(minutes=90),
    ReadingKind.DAY: timedelta(hours=25, minutes=30),
}
"""How long after its event time (the end of its period for a day) a reading still counts as live."""

PERIOD: dict[ReadingKind, timedelta] = {
    ReadingKind.RTD: timedelta(0),
    ReadingKind.MIN: timedelta(0),
    ReadingKind.HOUR: timedelta(hours=1),
    ReadingKind.DAY: timedelta(days=1),
}
"""How long after its event time a reading cannot have been sent yet (a minute value's period is the station's own)."""

NORMAL_FLAG = "N"
"""HJ 212 data flag of a normal measurement; any other flag never raises a violation."""

LARGEST_VALUE = 1e15
"""No monitor measures more; sums, products and ratios of what is smaller stay finite."""

FUTURE_TOLERANCE = timedelta(minutes=5)
OLDEST = timedelta(days=400)


@dataclass(frozen=True, slots=True)
class Reading:
    """`ts` is the event time, for min, hour and day the period's start; values are in the channel's unit.

    `converted` is the value at the standard's reference oxygen (折算, HJ 212 ZsAvg/ZsRtd).
    """

    mn: str
    code: str
    kind: ReadingKind
    ts: datetime
    value: float
    received_at: datetime
    converted: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    amount: float | None = None
    flag: str = NORMAL_FLAG
    late: bool = False


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """A station's clock against ours, as its live messages show: positive, it is behind. The delay on their way was up to
    `spread_s` more than its least."""

    offset_s: float
    spread_s: float
    measured_at: datetime


def is_late(
    kind: ReadingKind,
    *,
    ts: datetime,
    received_at: datetime,
    excused: timedelta,
    clock_offset: timedelta = timedelta(0),
) -> bool:
    """Rule 10 of the design: late is stored, judged and recorded, but never starts a running clock.

    `excused` is the part of the delay that the message spent waiting for us during a recorded outage of ours;
    `clock_offset` is how far the station's clock is behind ours (ahead: negative), as measured.
    """
    return received_at - (ts + clock_offset) - excused > LATE_AFTER[kind]


def out_of_time(ts: datetime, received_at: datetime, clock_offset: timedelta = timedelta(0)) -> str | None:
    """Why no reading can be of that time, or None. A station whose clock is known to be ahead may say what looks like the
    future; one that was behind and has been set says what is present."""
    # First what lies far back: nothing can be taken from the first day of the first year.
    if ts < received_at - OLDEST:
        return "time_too_old"
    return "time_in_future" if ts + min(clock_offset, timedelta(0)) > received_at + FUTURE_TOLERANCE else None


def as_judged(reading: Reading, newest: datetime | None) -> Reading:
    """A live reading that is not newer than what its channel has said already (it came out of order, or is another content
    of a known key) is judged as a late one: it counts, and starts no running clock."""
    if reading.late or newest is None or reading.ts > newest:
        return reading
    return replace(reading, late=True)
