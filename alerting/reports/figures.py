"""The one place of the reports' formulas: cases in, counts, rates and times out. Pure.

A rate's denominator holds only what has fallen due within the span; what falls due later is counted apart (`not_due`).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain

from farwatch.domain.case import Case, Span

ANSWER_WITHIN = timedelta(minutes=5)
ARRIVE_WITHIN = timedelta(minutes=10)
MISSABLE = ("accept", "arrive", "handle")
CEASED, FALSE_ALARM = "ceased", "false_alarm"


@dataclass(frozen=True, slots=True)
class Formula:
    """A rate: both are keys of counts, and every case of the numerator is one of the denominator."""

    key: str
    numerator: str
    denominator: str


FORMULAS: tuple[Formula, ...] = (
    Formula("handled_rate", "handled", "should_handle"),
    Formula("in_time_rate", "handled_in_time", "should_handle"),
    Formula("extended_rate", "extended", "should_handle"),
    Formula("closed_rate", "closed_of_due", "should_close"),
    Formula("closed_in_time_rate", "closed_in_time", "should_close"),
    Formula("rework_rate", "reworked", "opened"),
    Formula("answered_5_rate", "answered_5", "should_answer"),
    Formula("answered_5_event_rate", "answered_5_event", "should_answer"),
    Formula("answered_5_excused_rate", "answered_5_unexcused", "should_answer_unexcused"),
    Formula("arrived_10_rate", "arrived_10", "should_arrive"),
    Formula("arrived_10_event_rate", "arrived_10_event", "should_arrive"),
    Formula("arrived_10_excused_rate", "arrived_10_unexcused", "should_arrive_unexcused"),
    Formula("false_alarm_rate", "false_alarms", "verified"),
)
COUNTS: tuple[str, ...] = (
    "matters", "opened", "dispatched", "should_handle", "handled", "handled_in_time", "handled_late", "unhandled_late",
    "extended", "not_due", "no_limit", "done", "reworked", "should_close", "closed_of_due", "closed_in_time", "closed", "ceased",
    "open_at_end", "verified", "false_alarms", "should_answer", "answered_5", "should_arrive", "arrived_10",
)  # fmt: skip
"""The counts that stand in a report, in this order; the other numerators and denominators stand beside their rate."""
TIMES: tuple[str, ...] = ("answer", "answer_event", "arrive", "arrive_event", "dispatch", "handle")


@dataclass(slots=True)
class Figures:
    """Counts by key, and seconds by key of what took time; a case without a time has none there, never zero."""

    counts: Counter[str] = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def rate(self, formula: Formula) -> float | None:
        """None when nothing has fallen due: no share of nothing."""
        whole = self.counts[formula.denominator]
        return self.counts[formula.numerator] / whole if whole else None

    def rank(self, time: str, share: float) -> float | None:
        """Nearest rank: the smallest time within which at least `share` of them lie."""
        found = sorted(self.seconds.get(time, ()))
        return found[max(0, math.ceil(share * len(found)) - 1)] if found else None


@dataclass(frozen=True, slots=True)
class Counted:
    """A case with what it counts for."""

    case: Case
    counts: tuple[str, ...]
    seconds: tuple[tuple[str, float], ...]


def counted(cases: Iterable[Case], span: Span) -> list[Counted]:
    """Real cases only: drills are nobody's figures."""
    return [Counted(c, tuple(_counts(c, span)), tuple(_seconds(c, span))) for c in cases if not c.drill]


def total(cases: Iterable[Counted], times: Collection[str] = TIMES) -> Figures:
    """With the seconds of `times` alone."""
    some = list(cases)
    figures = Figures(_added(one.counts for one in some))
    if times:
        for key, took in chain.from_iterable(one.seconds for one in some):
            if key in times:
                figures.seconds[key].append(took)
    return figures


def counts_of(cases: Iterable[Case], span: Span) -> Figures:
    """What `total` of them has, without any seconds: enough to compare whole months, and quicker."""
    return Figures(_added(tuple(_counts(c, span)) for c in cases if not c.drill))


def _added(cases: Iterable[tuple[str, ...]]) -> Counter[str]:
    """Most cases count for the same as many others: each sort of them is added once."""
    counts: Counter[str] = Counter()
    for keys, alike in Counter(cases).items():
        for key in keys:
            counts[key] += alike
    return counts


def by(
    cases: Iterable[Counted], key: Callable[[Case], Iterable[Hashable]], times: Collection[str] = ()
) -> dict[Hashable, Figures]:
    """Figures of each group that `key` puts a case into; groups in the order of their first case."""
    found: dict[Hashable, list[Counted]] = defaultdict(list)
    for one in cases:
        for name in key(one.case):
            found[name].append(one)
    return {name: total(some, times) for name, some in found.items()}


def _counts(c: Case, s: Span) -> Iterable[str]:
    yield from ("matters" for at in c.found_at if s.holds(at))
    yield from _moments(c, s)
    yield from _handling(c, s)
    yield from _target(c, s, "answer", "answered_5", "accept", c.accepted_at, ANSWER_WITHIN)
    yield from _target(c, s, "arrive", "arrived_10", "arrive", c.arrived_at, ARRIVE_WITHIN)
    for missed in c.missed:
        if s.falls_due(missed.due_at):
            yield f"missed_{missed.kind}"
            if missed.excused:
                yield f"excused_{missed.kind}"


def _moments(c: Case, s: Span) -> Iterable[str]:
    """What happened within the span, and what still goes on at its end."""
    if s.holds(c.opened_at):
        yield "opened"
        if c.reopened_from is not None:
            yield "reworked"
        if c.handle_due_at is None:
            yield "no_limit"
    if s.holds(c.dispatched_at):
        yield "dispatched"
    if s.holds(c.done_at):
        yield "done"
    if s.holds(c.verified_at):
        yield "verified"
        if c.outcome == FALSE_ALARM:
            yield "false_alarms"
    if s.holds(c.closed_at):
        yield "closed"
        if c.outcome == CEASED:
            yield "ceased"
    if s.begun(c.opened_at) and not s.begun(c.closed_at):
        yield "open_at_end"


def _handling(c: Case, s: Span) -> Iterable[str]:
    """The legal limit. What ceased of itself before it nobody had to handle, and it flatters no rate."""
    due, done = c.handle_due_at, c.done_at
    if due is None:
        return
    if not s.falls_due(due):
        if due > s.end and s.begun(c.opened_at) and not s.begun(done):
            yield "not_due"
        return
    if c.outcome == CEASED and done is not None and done <= due:
        return
    yield "should_handle"
    yield "should_close"
    if "handle" in c.excused:
        yield "extended"
    if done is None or not s.known(done):
        yield "unhandled_late"
    else:
        yield "handled"
        yield "handled_in_time" if done <= due else "handled_late"
    if c.closed_at is not None and s.known(c.closed_at):
        yield "closed_of_due"
        if c.closed_at <= due:
            yield "closed_in_time"


def _target(
    c: Case, s: Span, verb: str, reached: str, kind: str, at: datetime | None, within: timedelta
) -> Iterable[str]:
    """Five minutes to the answer, ten to the arrival, of all cases whose five or ten minutes ended within the span.

    A visit that was over before without anybody's coming (the centre ended it, it ceased) was not missed; one that the
    centre ended afterwards was. From the event: the same cases, by a clock that began at t0.
    """
    target = c.opened_at + within
    if not s.falls_due(target):
        return
    over = c.done_at
    if (at is None or at > target) and over is not None and over <= target:
        return
    excused = kind in c.excused
    in_time = at is not None and at <= target
    yield f"should_{verb}"
    if not excused:
        yield f"should_{verb}_unexcused"
    if in_time:
        yield reached
        if not excused:
            yield f"{reached}_unexcused"
        if at is not None and at <= c.event_at + within:
            yield f"{reached}_event"


def _seconds(c: Case, s: Span) -> Iterable[tuple[str, float]]:
    """Of what came within the span."""
    moments = (
        ("answer", c.opened_at, c.accepted_at),
        ("answer_event", c.event_at, c.accepted_at),
        ("arrive", c.opened_at, c.arrived_at),
        ("arrive_event", c.event_at, c.arrived_at),
        ("dispatch", c.opened_at, c.dispatched_at),
        ("handle", c.opened_at, c.handled_at),
    )
    for key, since, at in moments:
        if at is not None and s.holds(at):
            yield key, (at - since).total_seconds()
