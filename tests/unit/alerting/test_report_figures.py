"""Reports count by hand-made numbers at the edges of a span, and whatever the cases are, no share can be flattered."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.reports import figures, sections, tables
from alerting.reports.figures import COUNTS, FORMULAS, Figures, by, counted, total
from alerting.reports.periods import ReportKind, before, last_whole, period, span_of, year_before
from alerting.reports.weekly import LEAST_DUE, league, ranks
from farwatch.domain.case import Case, Missed, Span
from farwatch.domain.report_facts import Facts
from farwatch.domain.review import CITY

BEGIN = datetime(2026, 11, 21, tzinfo=CITY)
END = datetime(2026, 11, 22, tzinfo=CITY)
LATER = datetime(2026, 11, 25, tzinfo=CITY)
DAY = Span(BEGIN, END, LATER)


def at(hours: float) -> datetime:
    return BEGIN + timedelta(hours=hours)


def case(opened_h: float = 10, **changes: Any) -> Case:
    """Opened at that hour of the day by a matter found then, five seconds after its event."""
    opened = at(opened_h)
    values: dict[str, Any] = {
        "id": 1, "severity": 2, "opened_at": opened, "event_at": opened - timedelta(seconds=5), "found_at": (opened,),
        "kinds": ("smoke",), "grid": "g1", "team": "t1",
    }  # fmt: skip
    return Case(**{**values, **changes})


def counts(*cases: Case, span: Span = DAY) -> Counter[str]:
    return total(counted(cases, span)).counts


HANDLING = (
    "should_handle",
    "handled",
    "handled_in_time",
    "handled_late",
    "unhandled_late",
    "not_due",
    "no_limit",
)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"handle_due_at": at(24), "handled_at": at(24)}, (1, 1, 1, 0, 0, 0, 0)),  # due at the very end, done at it
        ({"handle_due_at": at(24)}, (1, 0, 0, 0, 1, 0, 0)),
        ({"handle_due_at": at(24.01)}, (0, 0, 0, 0, 0, 1, 0)),  # due later: never in a denominator
        ({"handle_due_at": at(24.01), "handled_at": at(11)}, (0, 0, 0, 0, 0, 0, 0)),  # done early: counts when it is due
        ({"handle_due_at": at(0), "opened_at": at(-9)}, (0, 0, 0, 0, 0, 0, 0)),  # due at the very begin: of the day before
        ({"handle_due_at": at(12), "handled_at": at(12)}, (1, 1, 1, 0, 0, 0, 0)),
        ({"handle_due_at": at(12), "handled_at": at(13)}, (1, 1, 0, 1, 0, 0, 0)),
        ({"handle_due_at": at(12), "handled_at": at(25)}, (1, 0, 0, 0, 1, 0, 0)),  # as of the span's end, whenever asked
        ({"handle_due_at": at(12), "outcome": "false_alarm", "handled_at": at(11)}, (1, 1, 1, 0, 0, 0, 0)),
        ({"handle_due_at": at(12), "outcome": "ceased", "closed_at": at(11)}, (0, 0, 0, 0, 0, 0, 0)),
        ({"handle_due_at": at(12), "outcome": "ceased", "closed_at": at(13)}, (1, 1, 0, 1, 0, 0, 0)),
        ({}, (0, 0, 0, 0, 0, 0, 1)),
        ({"drill": True, "handle_due_at": at(12)}, (0, 0, 0, 0, 0, 0, 0)),
    ],
)  # fmt: skip
def test_only_what_fell_due_within_the_span_is_in_a_denominator(
    changes: dict[str, Any], expected: tuple[int, ...]
) -> None:
    found = counts(case(**changes))
    assert tuple(found[key] for key in HANDLING) == expected


ANSWERING = (
    "should_answer",
    "answered_5",
    "answered_5_event",
    "should_answer_unexcused",
    "answered_5_unexcused",
)
MINUTE = 1 / 60


@pytest.mark.parametrize(
    ("opened_h", "changes", "expected"),
    [
        (10, {"accepted_at": at(10 + 5 * MINUTE)}, (1, 1, 0, 1, 1)),  # five minutes after t1, five more seconds after t0
        (10, {"accepted_at": at(10 + 4 * MINUTE)}, (1, 1, 1, 1, 1)),
        (10, {"accepted_at": at(10 + 5.1 * MINUTE)}, (1, 0, 0, 1, 0)),
        (10, {}, (1, 0, 0, 1, 0)),
        (10, {"accepted_at": at(11), "excused": frozenset({"accept"})}, (1, 0, 0, 0, 0)),
        (24 - 4 * MINUTE, {"accepted_at": at(24 - MINUTE)}, (0, 0, 0, 0, 0)),  # its five minutes end tomorrow
        (24 - 5 * MINUTE, {"accepted_at": at(24 - MINUTE)}, (1, 1, 1, 1, 1)),
        (-5 * MINUTE, {}, (0, 0, 0, 0, 0)),
        (-4 * MINUTE, {}, (1, 0, 0, 1, 0)),
        (10, {"handled_at": at(10 + 3 * MINUTE), "outcome": "false_alarm"}, (0, 0, 0, 0, 0)),  # ended before: nobody was wanted
        (10, {"handled_at": at(10 + 6 * MINUTE), "outcome": "false_alarm"}, (1, 0, 0, 1, 0)),  # ended afterwards: missed
    ],
)  # fmt: skip
def test_five_minutes_are_counted_where_they_end(
    opened_h: float, changes: dict[str, Any], expected: tuple[int, ...]
) -> None:
    found = counts(case(opened_h, **changes))
    assert tuple(found[key] for key in ANSWERING) == expected


def test_a_day_by_hand() -> None:
    """Six cases and a drill; every number was counted on paper."""
    day = [
        case(8, id=1, handle_due_at=at(12), accepted_at=at(8 + 2 * MINUTE), arrived_at=at(8 + 9 * MINUTE), handled_at=at(9),
             verified_at=at(10), closed_at=at(10.5), outcome="handled", dispatched_at=at(8 + 0.1 * MINUTE)),
        case(9, id=2, handle_due_at=at(12), accepted_at=at(9 + 7 * MINUTE), handled_at=at(14), verified_at=at(15),
             outcome="false_alarm", missed=(Missed("accept", at(9 + 5 * MINUTE), True), Missed("handle", at(12))),
             excused=frozenset({"accept"})),
        case(10, id=3, handle_due_at=at(30), found_at=(at(10), at(10.5))),
        case(11, id=4, outcome="ceased", closed_at=at(12), kinds=("camera_fault",), handle_due_at=at(20)),
        case(12, id=5, reopened_from=1),
        case(-30, id=6, handle_due_at=at(-1), excused=frozenset({"handle"})),
        case(13, id=7, drill=True, handle_due_at=at(14)),
    ]  # fmt: skip
    marked = counted(day, DAY)
    whole = total(marked)
    assert {key: whole.counts[key] for key in COUNTS} == {
        "matters": 6, "opened": 5, "dispatched": 1, "should_handle": 2, "handled": 2, "handled_in_time": 1, "handled_late": 1,
        "unhandled_late": 0, "extended": 0, "not_due": 1, "no_limit": 1, "done": 3, "reworked": 1, "should_close": 2,
        "closed_of_due": 1, "closed_in_time": 1, "closed": 2, "ceased": 1, "open_at_end": 4, "verified": 2, "false_alarms": 1,
        "should_answer": 5, "answered_5": 1, "should_arrive": 5, "arrived_10": 1,
    }  # fmt: skip
    assert {f.key: whole.rate(f) for f in FORMULAS if f.key in ("in_time_rate", "false_alarm_rate", "rework_rate")} == {
        "in_time_rate": 0.5, "false_alarm_rate": 0.5, "rework_rate": 0.2,
    }  # fmt: skip
    assert (whole.rank("answer", 0.5), whole.rank("answer", 0.9)) == (120.0, 420.0)
    missed = tables.missed(whole)
    assert missed.rows == (("deadline.accept", 1, 1), ("deadline.arrive", 0, 0), ("deadline.handle", 1, 0))


def test_what_happened_belongs_to_one_day_and_not_to_the_future() -> None:
    assert counts(case(0))["opened"] == 1
    assert counts(case(24)) == Counter()
    assert [counts(case(10, closed_at=at(h)))["open_at_end"] for h in (23.99, 24)] == [0, 1]
    assert [counts(case(10, handled_at=at(h)))["done"] for h in (23.99, 24)] == [1, 0]
    assert counts(case(10, handled_at=at(13)), span=Span(BEGIN, END, at(12)))["done"] == 0


def test_percentiles_are_of_the_nearest_rank() -> None:
    found = Figures(seconds={"answer": [10.0, 40.0, 20.0, 30.0]})
    assert [found.rank("answer", share) for share in (0.25, 0.5, 0.75, 0.9)] == [10.0, 20.0, 30.0, 40.0]
    assert found.rank("arrive", 0.5) is None, "no time is no zero"


misses = st.builds(Missed, st.sampled_from(figures.MISSABLE), st.floats(-9, 30).map(at), st.booleans())
moments = st.one_of(st.none(), st.floats(-40, 60).map(at))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    opened_h = draw(st.floats(-40, 40))
    return case(
        opened_h,
        id=draw(st.integers(1, 10**6)),
        grid=draw(st.sampled_from(["", "g1", "g2"])),
        street=draw(st.sampled_from(["", "s1"])),
        team=draw(st.sampled_from(["t1", "t2"])),
        enterprise=draw(st.sampled_from(["", "e1", "e2"])),
        handle_due_at=draw(moments),
        dispatched_at=draw(moments),
        accepted_at=draw(moments),
        arrived_at=draw(moments),
        handled_at=draw(moments),
        verified_at=draw(moments),
        closed_at=draw(moments),
        outcome=draw(st.sampled_from([None, "handled", "false_alarm", "ceased"])),
        reopened_from=draw(st.sampled_from([None, 3])),
        excused=frozenset(draw(st.lists(st.sampled_from(figures.MISSABLE), max_size=2))),
        missed=tuple(draw(st.lists(misses, max_size=2))),
    )  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(cases(), max_size=12))
def test_every_share_is_of_its_denominator(some: list[Case]) -> None:
    found = total(counted(some, DAY))
    for formula in FORMULAS:
        assert 0 <= found.counts[formula.numerator] <= found.counts[formula.denominator]
        assert (rate := found.rate(formula)) is None or 0 <= rate <= 1
    n = found.counts
    assert n["should_handle"] == n["handled_in_time"] + n["handled_late"] + n["unhandled_late"]


@settings(max_examples=100, deadline=None)
@given(st.lists(cases(), max_size=12), st.sampled_from(sorted(sections.GROUPS)))
def test_groups_add_up_to_the_whole(some: list[Case], name: str) -> None:
    marked = counted(some, DAY)
    added: Counter[str] = Counter()
    for group in by(marked, sections.GROUPS[name]).values():
        added += group.counts
    assert added == +total(marked).counts


@settings(max_examples=100, deadline=None)
@given(st.lists(cases(), max_size=8), st.lists(cases(), max_size=4))
def test_drills_change_nothing(some: list[Case], drills: list[Case]) -> None:
    assert counts(*some, *(replace(c, drill=True) for c in drills)) == counts(*some)


@settings(max_examples=150, deadline=None)
@given(st.lists(cases(), max_size=8), st.floats(0, 24), st.floats(0, 48))
def test_a_later_look_never_lowers_a_denominator_and_a_past_day_stays_as_it_was(
    some: list[Case], hours: float, more: float
) -> None:
    earlier, later = (counts(*some, span=Span(BEGIN, END, at(h))) for h in (hours, hours + more))
    for formula in FORMULAS:
        assert later[formula.denominator] >= earlier[formula.denominator]
    assert counts(*some, span=Span(BEGIN, END, END)) == counts(*some, span=Span(BEGIN, END, LATER))


def test_days_weeks_and_months_are_the_citys() -> None:
    sunday = date(2026, 11, 22)
    assert [d.isoformat() for d in period(ReportKind.WEEKLY, sunday)] == ["2026-11-16", "2026-11-23"]
    assert [d.isoformat() for d in period(ReportKind.MONTHLY, sunday)] == ["2026-11-01", "2026-12-01"]
    assert last_whole(ReportKind.MONTHLY, sunday).isoformat() == "2026-10-31"
    assert before(ReportKind.MONTHLY, date(2026, 3, 31)).isoformat() == "2026-02-28"
    assert year_before(date(2028, 2, 29)).isoformat() == "2027-02-01"
    span = span_of(ReportKind.MONTHLY, sunday, LATER)
    assert (span.since.astimezone(UTC).isoformat(), span.until.astimezone(UTC).isoformat()) == (
        "2026-10-31T16:00:00+00:00", "2026-11-30T16:00:00+00:00",
    )  # fmt: skip


def test_the_hours_of_a_day_are_where_things_happened() -> None:
    day = [case(0, id=1), case(23.99, id=2, handled_at=at(23.99)), case(10, id=3)]
    rows = sections.trend(counted(day, DAY), DAY, timedelta(hours=1)).rows
    assert len(rows) == 24
    assert [row[1] for row in rows] == [1, *[0] * 9, 1, *[0] * 12, 1]
    assert rows[0][0] == BEGIN


def test_ties_share_a_rank_and_few_cases_have_none() -> None:
    assert ranks([(0.9,), (0.9,), (0.5,)]) == [1, 1, 3]
    due = {"handle_due_at": at(12), "handled_at": at(11)}
    some = [case(id=i, grid=grid, **due) for grid in ("a", "b") for i in range(LEAST_DUE)]
    some += [case(id=99, grid="c", handle_due_at=at(12)) for _ in range(LEAST_DUE)]
    some += [case(id=100, grid="d", **due), case(id=101, grid="", **due)]
    table = league("grid", counted(some, DAY), Facts(names={"grid": {"a": "甲", "b": "乙"}}))
    assert [(row[0], row[1]) for row in table.rows] == [(1, "乙"), (1, "甲"), (3, "c"), (None, "d")]


def test_who_reports_more_does_not_rank_lower() -> None:
    one = [case(id=i, grid="a", handle_due_at=at(12), handled_at=at(11)) for i in range(LEAST_DUE)]
    many = [case(id=i, grid="b", handle_due_at=at(12), handled_at=at(11)) for i in range(10 * LEAST_DUE)]
    assert {row[0] for row in league("grid", counted([*one, *many], DAY), Facts()).rows} == {1}
