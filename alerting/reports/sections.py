"""The tables that reports are put together from. Pure."""

from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

from alerting.reports.figures import FALSE_ALARM, FORMULAS, MISSABLE, Counted, Figures, by, counted, total
from alerting.reports.tables import GROUP_COLUMNS, GROUP_TIMES, Cell, Table, group_cells, table
from farwatch.domain.case import Case, Span
from farwatch.domain.report_facts import Facts
from farwatch.domain.review import CITY

GROUPS: dict[str, Callable[[Case], Iterable[str]]] = {
    "grid": lambda c: (c.grid,),
    "street": lambda c: (c.street,),
    "team": lambda c: (c.team,),
    "enterprise": lambda c: (c.enterprise,),
}
"""Every case is in one group of each sort, so the groups' counts add up to the whole's."""
_FALSE = next(f for f in FORMULAS if f.key == "false_alarm_rate")
NOBODY = "report.none"


def named(facts: Facts, group: str, id: str) -> str:
    """The name of an id; the id where it has none, and the key NOBODY for the empty one."""
    return facts.names.get(group, {}).get(id, id) if id else NOBODY


def group(name: str, cases: Sequence[Counted], facts: Facts) -> Table:
    found = by(cases, GROUPS[name], GROUP_TIMES)
    rows = [(named(facts, name, str(of)), *group_cells(f)) for of, f in found.items() if f.counts]
    rows.sort(key=lambda row: (row[0] == NOBODY, str(row[0])))
    return table(f"by_{name}", f"{name}:w {GROUP_COLUMNS}", rows)


def kinds(cases: Sequence[Counted], facts: Facts) -> Table:
    """`reported` counts a business once however often it was found; a case of two kinds counts under both."""
    found = by(cases, lambda c: c.kinds)
    every = sorted(
        {*map(str, found), *facts.reported}, key=lambda k: (-found.get(k, Figures()).counts["opened"], k)
    )
    rows = (
        (f"kind.{k}", facts.found.get(k, 0), facts.reported.get(k, 0), (n := found.get(k, Figures()).counts)["opened"],
         n["done"], n["verified"], n["false_alarms"])
        for k in every
    )  # fmt: skip
    return table("kinds", "kind:w findings:n reported:n opened:n done:n verified:n false_alarms:n", rows)


def false_alarms(name: str, cases: Sequence[Counted], facts: Facts) -> Table:
    """Of the cases that a person has verified, by camera or rule; a case with two of them counts for both."""
    of: Callable[[Case], Iterable[Hashable]] = (
        (lambda c: c.cameras) if name == "camera" else (lambda c: c.rules)
    )
    found = {k: f for k, f in by(cases, of).items() if f.counts["verified"]}
    rows = [
        (
            named(facts, name, str(k)) if name == "camera" else f"rule.{k}",
            f.counts["false_alarms"],
            f.counts["verified"],
            f.rate(_FALSE),
        )
        for k, f in found.items()
    ]
    rows.sort(key=lambda r: (-(r[3] or 0), -r[2], r[0]))
    return table(f"false_{name}", f"{name}:w {FALSE_ALARM}s:n verified:n share:p", rows)


def talkers(facts: Facts) -> Table:
    rows = (
        (f"kind.{t.fingerprint.partition('/')[0]}", t.fingerprint.partition("/")[2], t.findings)
        for t in facts.talkers
    )
    return table("talkers", "kind:w subject:t findings:n", rows)


def warnings(facts: Facts) -> Table:
    states = ("open", "cleared", "became_task")
    return table(
        "warnings", "state:w number:n", ((f"report.warned.{s}", facts.warned.get(s, 0)) for s in states)
    )


def pieces(span: Span, step: timedelta) -> list[datetime]:
    """When the hours or days of the city begin that the span is made of; the wall clock is what is counted on."""
    starts = [span.since.astimezone(CITY)]
    while (following := starts[-1] + step) < span.until:
        starts.append(following)
    return starts


def trend(cases: Sequence[Counted], span: Span, step: timedelta) -> Table:
    """What was opened, done and missed in each hour or day: the moments of the cases at hand, sorted into them."""
    begins = pieces(span, step)
    starts = [begin.astimezone(UTC) for begin in begins]  # times of one zone are compared many times faster
    filled = [[0, 0, 0] for _ in starts]

    def put(at: datetime | None, column: int, *, counts: bool) -> None:
        if counts and at is not None:
            filled[bisect_right(starts, at) - 1][column] += 1

    for one in cases:
        c = one.case
        put(c.opened_at, 0, counts=span.holds(c.opened_at))
        put(c.done_at, 1, counts=span.holds(c.done_at))
        for m in c.missed:
            put(m.due_at, 2, counts=m.kind in MISSABLE and span.falls_due(m.due_at) and span.holds(m.due_at))
    rows: list[tuple[Cell, ...]] = [(begin, *n) for begin, n in zip(begins, filled, strict=True)]
    return table("trend", "begin:m opened:n done:n missed:n", rows)


def counted_total(cases: Iterable[Case], span: Span) -> tuple[list[Counted], Figures]:
    marked = counted(cases, span)
    return marked, total(marked)
