"""What is known of one channel's period before it is held against a limit, and what follows for its validity. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.domain.reading import LATE_AFTER, NORMAL_FLAG, Reading, ReadingKind
from farwatch.domain.registry import Channel, Limit
from farwatch.domain.review import Mark, Period, PeriodVerdict, Verdict

VALID_SHARE = 0.75
"""45 of 60 minutes, at whatever interval the station sends them (HJ 212-2017 appendix D; domain.md §1.8, 4.6)."""
ALMOST = 1e-9
"""Relative: a sum's last binary digit violates nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """`parts` are the minutes of an hour or the hours of a day. `parts_decide` says that they tell whether the period is
    valid; else the device's own flag does. `every_part`: one abnormal part makes the period abnormal. `not_converted` says
    why there is no converted mean of our own. `is_air`: what the device converted says nothing;
    `dry_is_less`: though it must be more than the dry mean."""

    channel: Channel
    expected: int
    needed: int
    received: int
    valid: int
    marked: int
    is_marked: bool
    parts_decide: bool
    every_part: bool = False
    device: Reading | None = None
    own_value: float | None = None
    own_converted: float | None = None
    not_converted: str = ""
    is_air: bool = False
    dry_is_less: bool = False
    late: bool = False


def needed_of(expected: int) -> int:
    return math.ceil(VALID_SHARE * expected)


def marks_of(code: str, marks: Iterable[Mark]) -> list[Mark]:
    return [m for m in marks if m.code is None or m.code == code]


def marked_share(marks: Iterable[Mark], period: Period) -> float:
    """How much of the period the marks cover together."""
    covered, reached = timedelta(0), period.ts
    for mark in sorted(marks, key=lambda m: m.from_at):
        start, end = max(mark.from_at, reached), min(mark.to_at, period.until)
        if end > start:
            covered += end - start
            reached = end
    return covered / (period.until - period.ts)


def is_marked_at(marks: Iterable[Mark], at: datetime) -> bool:
    return any(m.from_at <= at < m.to_at for m in marks)


def came_late(reading: Reading, kind: ReadingKind, start: datetime) -> bool:
    """Too late for a period of this kind to count as live (rule 10); what an outage of ours held up never is."""
    return reading.late and reading.received_at - start > LATE_AFTER[kind]


def verdict_of(facts: Facts, limit: Limit | None, period: Period) -> PeriodVerdict:
    verdict, reason, judged = _judge(facts, limit)
    device = facts.device
    return PeriodVerdict(
        code=facts.channel.code, kind=period.kind, ts=period.ts, verdict=verdict, reason=reason,
        expected=facts.expected, received=facts.received, valid=facts.valid,
        device_value=device.value if device else None,
        device_converted=device.converted if device else None,
        device_flag=device.flag if device else None,
        own_value=facts.own_value, own_converted=facts.own_converted, judged_value=judged,
        limit=limit.limit if limit else None, lower=limit.lower if limit else None,
        limit_source=limit.source if limit else "", late=facts.late,
    )  # fmt: skip


def _judge(facts: Facts, limit: Limit | None) -> tuple[Verdict, str, float | None]:
    invalid = why_invalid(facts)
    if invalid:
        return *invalid, None
    value, source = _judged_value(facts, converted=limit is not None and limit.converted)
    if value is None and facts.dry_is_less and limit is not None:
        value, source = _over_as_it_is(facts, limit) or (value, source)
    if limit is None:
        return Verdict.NO_LIMIT, source, value
    if value is None:
        return Verdict.NOT_CONVERTED, source, None
    if limit.limit is not None and value > limit.limit + ALMOST * abs(limit.limit):
        return Verdict.OVER, source, value
    if limit.lower is not None and value < limit.lower - ALMOST * abs(limit.lower):
        return Verdict.BELOW, source, value
    return Verdict.OK, source, value


def why_invalid(facts: Facts) -> tuple[Verdict, str] | None:
    """Verdict and reason of a period that nothing can be held against; None when it is valid."""
    if facts.is_marked:
        return Verdict.MARKED, "marked"
    if facts.device is None and facts.received == 0:
        return Verdict.MISSING, "no_data"
    if facts.device is not None and facts.device.flag != NORMAL_FLAG:
        return Verdict.INVALID, "device_flag"
    if not facts.parts_decide:
        return None if facts.device is not None else (Verdict.INVALID, "too_few")
    if facts.received < facts.needed:
        return Verdict.INVALID, "too_few"
    abnormal = facts.received - facts.valid - facts.marked
    if facts.valid < facts.needed or (facts.every_part and abnormal > 0):
        return Verdict.INVALID, "flagged"
    return None


def _judged_value(facts: Facts, *, converted: bool) -> tuple[float | None, str]:
    """The device's mean where it sent one; ours where it did not, or where part of the period is marked away and its mean
    cannot know that. The second says which, or why there is none."""
    device = facts.device
    own = facts.own_converted if converted else facts.own_value
    theirs = None if device is None else device.converted if converted else device.value
    if converted and facts.is_air:
        theirs = None
    if theirs is not None and (facts.marked == 0 or own is None):
        return theirs, "device_converted" if converted else "device_mean"
    if own is not None:
        return own, "own_converted" if converted else "own_mean"
    return None, facts.not_converted if converted else "no_mean"


def _over_as_it_is(facts: Facts, limit: Limit) -> tuple[float, str] | None:
    """A dry mean over the limit: converted from air it could only be more."""
    dry, source = _judged_value(facts, converted=False)
    is_over = dry is not None and limit.limit is not None and dry > limit.limit
    return (dry, source) if dry is not None and is_over else None
