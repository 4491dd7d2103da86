"""The weekly league table (一周一晾晒): grids, teams and enterprises in the open. Pure.

Grids and teams are ranked by shares of what fell due, never by how much was found: who looks harder must not come out
worse. Enterprises are ranked by confirmed cases, and cases that were false alarms count for nobody.
"""

from collections.abc import Sequence
from datetime import timedelta

from alerting.reports import sections, tables
from alerting.reports.figures import FALSE_ALARM, FORMULAS, Counted, Figures, by
from alerting.reports.tables import Cell, Table, table
from farwatch.domain.case import Case, Span
from farwatch.domain.report_facts import Facts

LEAST_DUE = 5
"""Cases that must have fallen due before a grid or team is ranked; below it stands apart."""
_RANKED = ("in_time_rate", "answered_5_rate", "arrived_10_rate")
_FAULTS = frozenset({"camera_fault", "data_fault"})


def weekly(cases: Sequence[Case], facts: Facts, span: Span) -> tuple[Table, ...]:
    marked, figures = sections.counted_total(cases, span)
    return (
        league("grid", marked, facts),
        league("team", marked, facts),
        enterprises(marked, facts, span),
        tables.counts(figures),
        tables.rates(figures),
        tables.times(figures),
        sections.kinds(marked, facts),
        sections.trend(marked, span, timedelta(days=1)),
        tables.missed(figures),
        *(sections.group(name, marked, facts) for name in sections.GROUPS),
        sections.false_alarms("camera", marked, facts),
        sections.false_alarms("rule", marked, facts),
        sections.talkers(facts),
    )


def ranks(scores: Sequence[tuple[float, ...]]) -> list[int]:
    """Of scores in falling order: equals share the better rank, and the next rank is left out (1, 1, 3)."""
    places: list[int] = []
    for i, score in enumerate(scores):
        places.append(places[-1] if i and score == scores[i - 1] else i + 1)
    return places


def league(name: str, cases: Sequence[Counted], facts: Facts) -> Table:
    """By the share handled in time, then answered within five minutes, then arrived within ten. A share of nothing is the
    lowest. Those without a rank stand at the end."""
    rates = [f for key in _RANKED for f in FORMULAS if f.key == key]
    found = [
        (sections.named(facts, name, str(of)), f) for of, f in by(cases, sections.GROUPS[name]).items() if of
    ]
    enough = [(n, f) for n, f in found if f.counts["should_handle"] >= LEAST_DUE]
    apart = [(n, f) for n, f in found if f.counts["should_handle"] < LEAST_DUE and f.counts]

    def score(f: Figures) -> tuple[float, ...]:
        return tuple(-1.0 if (rate := f.rate(formula)) is None else rate for formula in rates)

    enough.sort(key=lambda one: (*(-s for s in score(one[1])), one[0]))
    apart.sort(key=lambda one: one[0])
    placed: list[tuple[int | None, str, Figures]] = [
        (rank, n, f) for rank, (n, f) in zip(ranks([score(f) for _, f in enough]), enough, strict=True)
    ]
    placed += [(None, n, f) for n, f in apart]
    rows = (
        (rank, n, f.counts["should_handle"], f.counts["handled_in_time"], *(f.rate(one) for one in rates))
        for rank, n, f in placed
    )
    return table(
        f"league_{name}",
        f"rank:n {name}:w should_handle:n handled_in_time:n in_time_rate:p answered_5_rate:p arrived_10_rate:p",
        rows,
        note="report.note.league",
    )


def enterprises(cases: Sequence[Counted], facts: Facts, span: Span) -> Table:
    """Cases verified within the span that were no false alarm and no fault of a device, most first."""
    found: dict[str, list[int]] = {}
    for one in cases:
        c = one.case
        if (
            c.enterprise
            and span.holds(c.verified_at)
            and c.outcome != FALSE_ALARM
            and not _FAULTS.issuperset(c.kinds)
        ):
            numbers = found.setdefault(c.enterprise, [0, 0])
            numbers[0] += 1
            numbers[1] += c.reopened_from is not None
    order = sorted(found.items(), key=lambda e: (-e[1][0], -e[1][1], e[0]))
    places = ranks([(-float(n[0]), -float(n[1])) for _, n in order])
    rows: list[tuple[Cell, ...]] = [
        (rank, sections.named(facts, "enterprise", of), *numbers)
        for rank, (of, numbers) in zip(places, order, strict=True)
    ]
    return table(
        "league_enterprise",
        "rank:n enterprise:w confirmed:n reworked:n",
        rows,
        note="report.note.enterprises",
    )
