"""What live values of one channel and kind are held against, worked out once for each stretch of time. Pure.

Real-time and minute values without a limit of their own are held against the legal one (ADR 0003), with three exceptions:
a day's mean says little about a moment, so that only `violation_ratio` times its limit warns and nothing violates; noise is
judged by equivalent levels, so that momentary ones are held against a limit of their own or none; and the A-weighted
level of the moment (LA) is never judged.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from detectors.sensors.in_force import is_bound, is_in_force
from detectors.sensors.oxygen import O2_AIR_PERCENT, O2_OF_AIR_PERCENT
from farwatch.domain.policy import LimitRule
from farwatch.domain.pollutants import Medium, about
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Limit
from farwatch.domain.review import CITY, Mark
from farwatch.domain.schedule import stretch_of

_RTD, _MIN, _HOUR, _DAY = ReadingKind.RTD, ReadingKind.MIN, ReadingKind.HOUR, ReadingKind.DAY
_FALLBACK: dict[ReadingKind, tuple[ReadingKind, ...]] = {
    _RTD: (_RTD, _HOUR, _MIN, _DAY),
    _MIN: (_MIN, _HOUR, _RTD, _DAY),
}
"""In this order."""

MOMENTARY_LEVEL = "LA"
_BEGINNING, _END = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """One limit in numbers: early above `over` and below `under`; over again within [clear_above, clear_below]; a
    violation, if it is held, from `violation_from` on. What a limit does not have is infinite. A converted value of
    `air_factor` times the dry one was converted from air."""

    limit: Limit
    converted: bool
    over: float
    under: float
    clear_below: float
    clear_above: float
    violation_from: float
    air_factor: float


class Gate:
    """The bounds in force, and the marks that cover the moment, for [since, until) of event time; `look` moves it."""

    __slots__ = ("_candidates", "_marks", "bounds", "marks", "since", "until")

    def __init__(self, candidates: Sequence[Bounds], marks: Sequence[Mark]) -> None:
        self._candidates = candidates
        self._marks = marks
        self.bounds: Bounds | None = None
        self.marks: tuple[Mark, ...] = ()
        self.since = self.until = _BEGINNING

    def look(self, ts: datetime) -> Bounds | None:
        """What is in force at `ts`; the first candidate goes before the others."""
        self.bounds = next((b for b in self._candidates if is_in_force(b.limit, ts)), None)
        self.marks = tuple(m for m in self._marks if m.from_at <= ts < m.to_at)
        edges = [edge for b in self._candidates for edge in _edges(b.limit, ts)]
        edges += [edge for m in self._marks for edge in (m.from_at, m.to_at)]
        self.since = max((edge for edge in edges if edge <= ts), default=_BEGINNING).astimezone(UTC)
        self.until = min((edge for edge in edges if edge > ts), default=_END).astimezone(UTC)
        return self.bounds

    def is_marked(self, reading: Reading) -> bool:
        """Of a reading within [since, until): a mark counts from when it was declared."""
        return any(m.declared_at <= reading.received_at for m in self.marks)


def gate_for(
    code: str,
    kind: ReadingKind,
    limits: Sequence[Limit],
    marks: Sequence[Mark],
    rule: LimitRule,
    o2_reference_percent: float | None = None,
) -> Gate:
    """Of one channel; `marks` and the reference oxygen are its station's."""
    air_factor = (O2_OF_AIR_PERCENT - (o2_reference_percent or 0.0)) / (O2_OF_AIR_PERCENT - O2_AIR_PERCENT)
    candidates = [_bounds(limit, kind, rule, air_factor) for limit in _candidates(code, kind, limits)]
    return Gate(candidates, [m for m in marks if m.code in (None, code)])


def _candidates(code: str, kind: ReadingKind, limits: Sequence[Limit]) -> Iterator[Limit]:
    """As detectors.sensors.in_force orders them: those with a schedule first, then the newer first."""
    for wanted in _kinds_for(code, kind):
        of_kind = [limit for limit in limits if limit.kind is wanted and is_bound(limit)]
        yield from sorted(of_kind, key=lambda limit: (bool(limit.schedule), limit.valid_from), reverse=True)


def _kinds_for(code: str, kind: ReadingKind) -> tuple[ReadingKind, ...]:
    known = about(code) if kind is _RTD else None
    if known is None or known.medium is not Medium.NOISE:
        return _FALLBACK[kind]
    return () if known.code == MOMENTARY_LEVEL else (_RTD,)


def _bounds(limit: Limit, kind: ReadingKind, rule: LimitRule, air_factor: float) -> Bounds:
    over = math.inf if limit.limit is None else limit.limit * limit.warn_share
    under = -math.inf if limit.lower is None else limit.lower
    violation_from = math.inf if limit.limit is None else limit.limit * rule.violation_ratio
    if limit.kind is _DAY:
        over, under, violation_from = violation_from, -math.inf, math.inf
    room = (over - under) / 4
    return Bounds(
        limit=limit,
        converted=limit.converted,
        over=over,
        under=under,
        clear_below=max(over * rule.clear_share, over - room) if over < math.inf else over,
        clear_above=min(under + abs(under) * (1 - rule.clear_share), under + room)
        if under > -math.inf
        else under,
        violation_from=violation_from if kind is _RTD else math.inf,
        air_factor=air_factor,
    )


def _edges(limit: Limit, ts: datetime) -> Iterator[datetime]:
    """The nearest moments around `ts` at which the limit begins or ceases to count."""
    yield limit.valid_from
    if limit.valid_to is not None:
        yield limit.valid_to
    stretch = stretch_of(limit.schedule)
    if stretch is not None:
        midnight = ts.astimezone(CITY).replace(hour=0, minute=0, second=0, microsecond=0)
        for day in (midnight - _ONE_DAY, midnight, midnight + _ONE_DAY):
            for minute in stretch:
                yield day.replace(hour=minute // 60, minute=minute % 60)
