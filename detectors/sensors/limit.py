"""One channel against its limit: early warnings and held violations in real-time and minute data. Pure.

Both warn early; a real-time value of `violation_ratio` times the limit, held, is a violation (design.md §3); hours and
days are judged from rows by detectors.sensors.legal. Only flag N raises anything; other flags neither hold nor clear.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from farwatch.domain.finding import Severity, Tier
from farwatch.domain.policy import LimitRule
from farwatch.domain.reading import NORMAL_FLAG, Reading, ReadingKind
from farwatch.domain.registry import Limit

HOLD_BROKEN_AFTER = timedelta(minutes=10)
"""A longer silence says nothing about the time between: holding begins anew, and back-filled values on both sides of
it are judged as two stretches, in whichever order they come."""

CRITICAL_RATIO = 5.0


@dataclass(frozen=True, slots=True)
class Hold:
    """A condition that lasts: since when, seen how often, and last when."""

    since: datetime
    last: datetime
    count: int = 1

    def span_s(self) -> float:
        return (self.last - self.since).total_seconds()


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitState:
    """What is remembered of one (channel, kind): O(1). `early_at` and `violation_at` are onsets of what is open."""

    last_ts: datetime | None = None
    high: Hold | None = None
    low: Hold | None = None
    early_at: datetime | None = None
    violation_at: datetime | None = None


class Verdict(StrEnum):
    """Why a reading led to what it led to."""

    OK = "ok"
    NO_LIMIT = "no_limit"
    NOT_CONVERTED = "not_converted"
    FLAGGED = "flagged"
    OUT_OF_ORDER = "out_of_order"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A finding of this tier begins."""

    tier: Tier
    onset_at: datetime
    severity: int
    value: float
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What of this tier began at `onset_at` is over."""

    tier: Tier
    onset_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Judgement:
    state: LimitState
    verdict: Verdict
    changes: tuple[Begin | End, ...] = ()


def judged_value(reading: Reading, limit: Limit) -> float | None:
    """The value that counts: the converted one where the limit asks for it; None when it was not sent."""
    return reading.converted if limit.converted else reading.value


def judge_live(state: LimitState, reading: Reading, limit: Limit | None, rule: LimitRule) -> Judgement:
    """Real-time and minute values, in order of event time; what is not newer than the last is not judged again."""
    if reading.late and state.last_ts is not None and abs(reading.ts - state.last_ts) > HOLD_BROKEN_AFTER:
        state = LimitState()
    if state.last_ts is not None and reading.ts <= state.last_ts:
        return Judgement(state, Verdict.OUT_OF_ORDER)
    if limit is None or limit.limit is None:
        withdrawn = _ends(state, reading.ts)
        return Judgement(LimitState(last_ts=reading.ts) if withdrawn else state, Verdict.NO_LIMIT, withdrawn)
    if reading.flag != NORMAL_FLAG:
        return Judgement(replace(state, last_ts=reading.ts), Verdict.FLAGGED)
    value = judged_value(reading, limit)
    if value is None:
        return Judgement(replace(state, last_ts=reading.ts), Verdict.NOT_CONVERTED)
    if state.last_ts is not None and reading.ts - state.last_ts > HOLD_BROKEN_AFTER:
        state = replace(state, high=None, low=None)
    state = replace(state, last_ts=reading.ts)
    if value > limit.limit * limit.warn_share:
        return _over(state, reading, value, limit.limit, rule)
    return _under(state, reading, value, limit.limit * limit.warn_share * rule.clear_share, rule)


def _over(state: LimitState, reading: Reading, value: float, limit: float, rule: LimitRule) -> Judgement:
    changes: list[Begin | End] = []
    ratio = _ratio(value, limit)
    is_high = reading.kind is ReadingKind.RTD and value >= limit * rule.violation_ratio
    high = _extend(state.high, reading.ts) if is_high else None
    state = replace(state, low=None, high=high)
    if state.early_at is None:
        state = replace(state, early_at=reading.ts)
        changes.append(
            Begin(tier=Tier.EARLY, onset_at=reading.ts, severity=Severity.MINOR, value=value, ratio=ratio)
        )
    held = high is not None and high.count >= rule.hold_readings and high.span_s() >= rule.hold_s
    if held and high is not None and state.violation_at is None:
        state = replace(state, violation_at=high.since)
        changes.append(
            Begin(
                tier=Tier.VIOLATION,
                onset_at=high.since,
                severity=_severity(value, limit),
                value=value,
                ratio=ratio,
            )
        )
    return Judgement(state, Verdict.OVER, tuple(changes))


def _under(
    state: LimitState, reading: Reading, value: float, clear_below: float, rule: LimitRule
) -> Judgement:
    """Between the clearing value and the limit nothing changes but that a violation is no longer being held."""
    state = replace(state, high=None)
    if value >= clear_below:
        return Judgement(replace(state, low=None), Verdict.OK)
    low = _extend(state.low, reading.ts)
    if low.span_s() < rule.clear_s or (state.early_at is None and state.violation_at is None):
        return Judgement(replace(state, low=low), Verdict.OK)
    ends = _ends(state, low.since)
    return Judgement(replace(state, low=low, early_at=None, violation_at=None), Verdict.OK, ends)


def _ends(state: LimitState, ended_at: datetime) -> tuple[End, ...]:
    """Of all that is open."""
    return tuple(
        End(tier=tier, onset_at=onset_at, ended_at=ended_at)
        for tier, onset_at in ((Tier.EARLY, state.early_at), (Tier.VIOLATION, state.violation_at))
        if onset_at is not None
    )


def _extend(hold: Hold | None, ts: datetime) -> Hold:
    return Hold(ts, ts) if hold is None else Hold(hold.since, ts, hold.count + 1)


def _ratio(value: float, limit: float) -> float:
    return round(value / limit, 3) if limit > 0 else 0.0


def _severity(value: float, limit: float) -> int:
    return Severity.CRITICAL if limit > 0 and value >= CRITICAL_RATIO * limit else Severity.MAJOR
