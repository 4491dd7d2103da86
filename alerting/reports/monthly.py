"""The monthly summary (一月一总结): the month, the month before, the same month a year ago. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from alerting.reports import sections, tables
from alerting.reports.figures import COUNTS, FORMULAS, Figures
from alerting.reports.tables import Cell, Table, table
from farwatch.domain.case import Case, Span
from farwatch.domain.report_facts import Facts, Visited


def monthly(
    cases: Sequence[Case],
    facts: Facts,
    span: Span,
    before: Figures,
    year_before: Figures,
    visited: Sequence[Visited] = (),
) -> tuple[Table, ...]:
    """`before` and `year_before` are the figures of the whole months that this one is compared with."""
    marked, figures = sections.counted_total(cases, span)
    return (
        tables.counts(figures),
        tables.rates(figures),
        tables.times(figures),
        compared(figures, before, year_before),
        compared_rates(figures, before, year_before),
        sections.kinds(marked, facts),
        sections.trend(marked, span, timedelta(days=1)),
        tables.missed(figures),
        sections.warnings(facts),
        *(sections.group(name, marked, facts) for name in sections.GROUPS),
        sections.false_alarms("camera", marked, facts),
        sections.false_alarms("rule", marked, facts),
        sections.talkers(facts),
        visits(visited, facts),
        kept(facts),
    )


def _change(now: float | None, then: float | None) -> float | None:
    """By what share of what it was a count grew; None where nothing was."""
    return (now - then) / then if now is not None and then else None


def compared(figures: Figures, before: Figures, year_before: Figures) -> Table:
    """环比 and 同比 of counts: by how much they grew, as a share of what they were."""
    rows: list[tuple[Cell, ...]] = []
    for key in COUNTS:
        now, then, ago = (f.counts[key] for f in (figures, before, year_before))
        rows.append((f"report.count.{key}", now, then, _change(now, then), ago, _change(now, ago)))
    return table("compared", "figure:w number:n before:n change:p year_before:n year_change:p", rows)


def compared_rates(figures: Figures, before: Figures, year_before: Figures) -> Table:
    """The same of rates: the difference of the two shares."""
    rows: list[tuple[Cell, ...]] = []
    for formula in FORMULAS:
        now, then, ago = (f.rate(formula) for f in (figures, before, year_before))
        rows.append((f"report.rate.{formula.key}", now, then, _less(now, then), ago, _less(now, ago)))
    return table("compared_rates", "figure:w share:p before:p points:p year_before:p year_points:p", rows)


def _less(now: float | None, then: float | None) -> float | None:
    return None if now is None or then is None else now - then


def visits(visited: Sequence[Visited], facts: Facts) -> Table:
    """The sum comes first."""
    columns = "enterprise:w visits:n matters:n warnings_cleared:n saved:n"
    numbers = [(v.visits, v.matters, v.warnings_cleared, v.saved) for v in visited]
    rows: list[tuple[Cell, ...]] = [
        (sections.named(facts, "enterprise", v.enterprise), *n) for v, n in zip(visited, numbers, strict=True)
    ]
    if rows:
        rows.insert(0, ("report.all", *map(sum, zip(*numbers, strict=True))))
    return table("visits", columns, rows, note="report.note.visits")


def kept(facts: Facts) -> Table:
    """Decisions, reviews, holds, exports, seals."""
    return table("kept", "figure:w number:n", ((f"report.kept.{key}", n) for key, n in facts.kept.items()))
