"""The daily patrol (一日一网巡): what was seen in a day, what was done, and what is still open at its midnight. Pure."""

from collections.abc import Sequence
from datetime import timedelta

from alerting.reports import sections, tables
from alerting.reports.tables import Table, table
from farwatch.domain.case import Case, Span
from farwatch.domain.report_facts import Facts

BLIND_SHOWN = 50


def daily(cases: Sequence[Case], facts: Facts, span: Span) -> tuple[Table, ...]:
    marked, figures = sections.counted_total(cases, span)
    return (
        patrol(facts, span),
        tables.counts(figures),
        tables.rates(figures),
        tables.times(figures),
        sections.kinds(marked, facts),
        sections.trend(marked, span, timedelta(hours=1)),
        tables.missed(figures),
        sections.warnings(facts),
        *(sections.group(name, marked, facts) for name in sections.GROUPS),
        blind(facts),
        sections.talkers(facts),
    )


def patrol(facts: Facts, span: Span) -> Table:
    """Camera minutes: what all cameras could have seen, less what a fault of a camera hid."""
    minutes = max(0.0, (span.end - span.since).total_seconds() / 60) * facts.cameras
    hidden = sum(facts.blind_min.values())
    rows = (
        ("report.patrol.cameras", facts.cameras),
        ("report.patrol.watched_min", round(max(0.0, minutes - hidden))),
        ("report.patrol.blind_min", round(hidden)),
        ("report.patrol.reported", sum(facts.reported.values())),
        *((f"report.patrol.{key}", n) for key, n in facts.held_back.items()),
    )
    return table("patrol", "figure:w number:n", rows, note="report.note.patrol")


def blind(facts: Facts) -> Table:
    worst = sorted(facts.blind_min.items(), key=lambda one: (-one[1], one[0]))[:BLIND_SHOWN]
    rows = ((sections.named(facts, "camera", camera), round(minutes)) for camera, minutes in worst)
    return table("blind", "camera:w minutes:n", rows)
