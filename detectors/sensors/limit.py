"""One channel against its limit: early warnings and held violations in real-time and minute data. Pure.

Both warn early; a real-time value of `violation_ratio` times the limit, held, is a violation (design.md §3); hours and
days are judged from rows by detectors.sensors.legal. Only flag N raises anything; other flags neither hold nor clear.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from detectors.sensors.gate import Bounds
from farwatch.domain.finding import Severity, Tier
from farwatch.domain.policy import LimitRule
from farwatch.domain.reading import NORMAL_FLAG, Reading
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
    MARKED = "marked"
    OUT_OF_ORDER = "out_of_order"
    OUTSIDE = "outside"


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A finding of this tier begins, because `value` is above `bound`, or below it if `is_under`."""

    tier: Tier
    onset_at: datetime
    severity: int
    value: float
    bound: float
    is_under: bool = False

    @property
    def ratio(self) -> float:
        return round(self.value / self.bound, 3) if self.bound > 0 else 0.0


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


def is_quiet(reading: Reading, bounds: Bounds) -> bool:
    """Where nothing is held or open, does this newer reading leave it so?"""
    if reading.flag != NORMAL_FLAG:
        return True
    value = reading.converted if bounds.converted else reading.value
    return value is None or bounds.under <= value <= bounds.over


def judge_live(
    state: LimitState, reading: Reading, bounds: Bounds | None, rule: LimitRule, *, is_marked: bool = False
) -> Judgement:
    """Real-time and minute values, in order of event time; what is not newer than the last is not judged again."""
    if reading.late and state.last_ts is not None and abs(reading.ts - state.last_ts) > HOLD_BROKEN_AFTER:
        state = LimitState()
    if state.last_ts is not None and reading.ts <= state.last_ts:
        return Judgement(state, Verdict.OUT_OF_ORDER)
    if bounds is None:
        withdrawn = _ends(state, reading.ts)
        return Judgement(LimitState(last_ts=reading.ts) if withdrawn else state, Verdict.NO_LIMIT, withdrawn)
    if is_marked or reading.flag != NORMAL_FLAG:
        seen = replace(state, last_ts=reading.ts)
        return Judgement(seen, Verdict.MARKED if is_marked else Verdict.FLAGGED)
    value = reading.converted if bounds.converted else reading.value
    if value is None or _is_of_air(reading, value, bounds):
        return Judgement(replace(state, last_ts=reading.ts), Verdict.NOT_CONVERTED)
    goes_on = state.last_ts is not None and reading.ts - state.last_ts <= HOLD_BROKEN_AFTER
    if value > bounds.over or value < bounds.under:
        return _outside(state, state.high if goes_on else None, reading.ts, value, bounds, rule)
    return _inside(state, state.low if goes_on else None, reading.ts, value, bounds, rule)


def _is_of_air(reading: Reading, value: float, bounds: Bounds) -> bool:
    """Over the limit only because it was converted from what is air: works at rest. A dry value over it is over all the same."""
    return bounds.converted and reading.value <= bounds.over < value >= bounds.air_factor * reading.value


def _outside(
    state: LimitState, high: Hold | None, ts: datetime, value: float, bounds: Bounds, rule: LimitRule
) -> Judgement:
    changes: list[Begin | End] = []
    early_at, violation_at, limit = state.early_at, state.violation_at, bounds.limit.limit
    high = _extend(high, ts) if value >= bounds.violation_from else None
    if early_at is None:
        early_at = ts
        changes.append(_early(ts, value, bounds))
    if violation_at is None and high is not None and limit is not None and _is_held(high, rule):
        violation_at, severity = high.since, _severity(value, limit)
        changes.append(
            Begin(tier=Tier.VIOLATION, onset_at=high.since, severity=severity, value=value, bound=limit)
        )
    after = LimitState(last_ts=ts, high=high, early_at=early_at, violation_at=violation_at)
    return Judgement(after, Verdict.OUTSIDE, tuple(changes))


def _is_held(high: Hold, rule: LimitRule) -> bool:
    return high.count >= rule.hold_readings and high.span_s() >= rule.hold_s


def _early(ts: datetime, value: float, bounds: Bounds) -> Begin:
    limit, is_under = bounds.limit, value < bounds.under
    bound = limit.lower if is_under else limit.limit
    assert bound is not None, "what is infinite is never crossed"
    return Begin(
        tier=Tier.EARLY, onset_at=ts, severity=Severity.MINOR, value=value, bound=bound, is_under=is_under
    )


def _inside(
    state: LimitState, low: Hold | None, ts: datetime, value: float, bounds: Bounds, rule: LimitRule
) -> Judgement:
    """Between the clearing value and the limit nothing changes but that a violation is no longer being held."""
    early_at, violation_at = state.early_at, state.violation_at
    low = _extend(low, ts) if bounds.clear_above < value < bounds.clear_below else None
    if low is not None and low.span_s() >= rule.clear_s and (ends := _ends(state, low.since)):
        return Judgement(LimitState(last_ts=ts, low=low), Verdict.OK, ends)
    after = LimitState(last_ts=ts, low=low, early_at=early_at, violation_at=violation_at)
    return Judgement(after, Verdict.OK)


def _ends(state: LimitState, ended_at: datetime) -> tuple[End, ...]:
    """Of all that is open."""
    return tuple(
        End(tier=tier, onset_at=onset_at, ended_at=ended_at)
        for tier, onset_at in ((Tier.EARLY, state.early_at), (Tier.VIOLATION, state.violation_at))
        if onset_at is not None
    )


def _extend(hold: Hold | None, ts: datetime) -> Hold:
    return Hold(ts, ts) if hold is None else Hold(hold.since, ts, hold.count + 1)


def _severity(value: float, limit: float) -> int:
    return Severity.CRITICAL if limit > 0 and value >= CRITICAL_RATIO * limit else Severity.MAJOR
