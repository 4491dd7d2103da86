"""A report as tables, which every format shows the same way. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerting.reports.figures import COUNTS, FORMULAS, MISSABLE, TIMES, Figures
from farwatch.domain.case import Span

Cell = str | int | float | datetime | None
MOST_ROWS = 2000
"""Of a table that has a row for each subject; how many were left out stands under it."""


class Sort(StrEnum):
    """How a column's cells are shown. `word`: a key that has words; `text`: as it stands."""

    TEXT = "text"
    WORD = "word"
    COUNT = "count"
    SHARE = "share"
    SECONDS = "seconds"
    MOMENT = "moment"


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    sort: Sort


@dataclass(frozen=True, slots=True)
class Table:
    """`note` is the key of a sentence that stands under it."""

    key: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    left_out: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """`fingerprint` is that of the key that seals the log, empty where there is none; `drills` were left out."""

    kind: str
    span: Span
    made_by: str
    bureau: str = ""
    drills: int
    fingerprint: str
    tables: tuple[Table, ...]


_SORTS = {
    "t": Sort.TEXT,
    "w": Sort.WORD,
    "n": Sort.COUNT,
    "p": Sort.SHARE,
    "s": Sort.SECONDS,
    "m": Sort.MOMENT,
}


def table(key: str, columns: str, rows: Iterable[Sequence[Cell]], *, note: str = "") -> Table:
    """`columns` are `name:sort` by spaces, the sort by its letter: t, w, n, p, s, m."""
    named = [c.partition(":") for c in columns.split()]
    found = [tuple(row) for row in rows]
    return Table(
        key,
        tuple(Column(name, _SORTS[sort]) for name, _, sort in named),
        tuple(found[:MOST_ROWS]),
        note,
        max(0, len(found) - MOST_ROWS),
    )


def counts(figures: Figures) -> Table:
    return table("counts", "figure:w number:n", ((f"report.count.{k}", figures.counts[k]) for k in COUNTS))


def rates(figures: Figures) -> Table:
    rows = (
        (
            f"report.rate.{f.key}",
            figures.counts[f.numerator],
            figures.counts[f.denominator],
            figures.rate(f),
        )
        for f in FORMULAS
    )
    return table("rates", "figure:w numerator:n denominator:n share:p", rows)


def times(figures: Figures) -> Table:
    rows = (
        (f"report.time.{k}", len(figures.seconds.get(k, ())), figures.rank(k, 0.5), figures.rank(k, 0.9))
        for k in TIMES
    )
    return table("times", "figure:w number:n p50_s:s p90_s:s", rows, note="report.note.times")


def missed(figures: Figures) -> Table:
    rows = (
        (f"deadline.{kind}", figures.counts[f"missed_{kind}"], figures.counts[f"excused_{kind}"])
        for kind in MISSABLE
    )
    return table("missed", "figure:w missed:n excused:n", rows)


GROUP_COLUMNS = (
    "opened:n should_handle:n handled:n handled_in_time:n handled_late:n unhandled_late:n not_due:n in_time_rate:p"
    " answered_5_rate:p arrived_10_rate:p answer_p50_s:s answer_p90_s:s missed:n"
)
GROUP_TIMES = ("answer",)
_GROUP_RATES = tuple(f for f in FORMULAS if f.key in ("in_time_rate", "answered_5_rate", "arrived_10_rate"))


def group_cells(figures: Figures) -> tuple[Cell, ...]:
    """Under GROUP_COLUMNS."""
    n = figures.counts
    return (
        n["opened"], n["should_handle"], n["handled"], n["handled_in_time"], n["handled_late"], n["unhandled_late"],
        n["not_due"], *(figures.rate(f) for f in _GROUP_RATES), figures.rank("answer", 0.5), figures.rank("answer", 0.9),
        sum(n[f"missed_{kind}"] for kind in MISSABLE),
    )  # fmt: skip
