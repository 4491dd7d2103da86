"""First time and minor: what the list suggests, row by row."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.first_time import (
    covering,
    history,
    is_deviation,
    months_before,
    suggestion,
)
from farwatch.domain.finding import Kind
from farwatch.domain.leniency import JudgedMatter, Leniency, MinorRow, PastCase
from farwatch.domain.review import CITY

NOW = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
ROW = MinorRow(
    id=7, kind=Kind.EXCEEDANCE, max_ratio=1.5, max_severity=2, times_at_most=2, months=12, basis="清单第 3 项"
)
SLIGHT = JudgedMatter(
    kind=Kind.EXCEEDANCE, rules=frozenset({"limit_hour"}), code="a21026", ratio=1.2, severity=2, corrected=True, at=NOW
)  # fmt: skip


def days_ago(*days: int, lenient: bool = False) -> list[PastCase]:
    return [PastCase(n, NOW - timedelta(days=d), lenient) for n, d in enumerate(days, 1)]


@pytest.mark.parametrize(
    ("says", "cases", "rows", "matter"),
    [
        ("first_time_minor", [], [ROW], SLIGHT),
        ("first_time_minor", days_ago(800), [ROW], SLIGHT),
        ("first_time_not_minor", [], [ROW], replace(SLIGHT, ratio=1.6)),
        ("first_time_not_minor", [], [ROW], replace(SLIGHT, severity=3)),
        ("first_time_not_minor", [], [ROW], replace(SLIGHT, ratio=None)),
        ("minor", days_ago(30), [ROW], SLIGHT),
        ("minor", days_ago(30, 400), [ROW], SLIGHT),
        ("again", days_ago(30, 60), [ROW], SLIGHT),
        ("again", days_ago(30), [ROW], replace(SLIGHT, ratio=3.0)),
        ("again", days_ago(30), [replace(ROW, times_at_most=1)], SLIGHT),
        ("not_on_list", [], [], SLIGHT),
        ("not_on_list", days_ago(30), [], SLIGHT),
        ("not_on_list", [], [replace(ROW, kind=Kind.SMOKE)], SLIGHT),
        ("not_on_list", [], [replace(ROW, code="w01018")], SLIGHT),
        ("not_on_list", [], [replace(ROW, rule="limit_day")], SLIGHT),
        ("not_corrected_yet", [], [ROW], replace(SLIGHT, corrected=False)),
        ("not_corrected_yet", days_ago(30), [ROW], replace(SLIGHT, corrected=False)),
        ("first_time_minor", [], [replace(ROW, needs_corrected=False)], replace(SLIGHT, corrected=False)),
        ("again", days_ago(30, 60), [ROW], replace(SLIGHT, corrected=False)),
    ],
)
def test_the_suggestion_is_the_lists(
    says: str, cases: list[PastCase], rows: list[MinorRow], matter: JudgedMatter
) -> None:
    assert suggestion(cases, rows, matter, 24).key == says


def test_a_suggestion_names_its_row_its_ground_and_the_numbers() -> None:
    reason = suggestion(days_ago(30, 700, 740), [ROW], SLIGHT, 24)
    assert reason.key == "minor"
    assert reason.params == {
        "row": 7, "basis": "清单第 3 项", "ratio": 1.2, "max_ratio": 1.5, "before": 2, "months": 24,
        "times_at_most": 2, "row_months": 12,
    }  # fmt: skip
    waiting = suggestion([], [ROW], replace(SLIGHT, corrected=False), 24)
    assert waiting.params["would_be"] == "first_time_minor"


def test_the_row_that_says_most_exactly_what_it_is_counts_whatever_stands_first() -> None:
    any_, by_rule, by_code, both = (
        replace(ROW, id=n, rule=rule, code=code)
        for n, (rule, code) in enumerate(
            [("", ""), ("limit_hour", ""), ("", "a21026"), ("limit_hour", "a21026")]
        )
    )
    assert covering([any_, by_rule], SLIGHT) == by_rule
    assert covering([by_rule, by_code, any_], SLIGHT) == by_code
    assert covering([any_, by_code, both, by_rule], SLIGHT) == both
    assert covering([any_, replace(any_, id=9)], SLIGHT) == any_


def test_history_counts_the_months_before_and_nothing_at_or_after_the_matter() -> None:
    cases = [*days_ago(0, 30), *days_ago(90, lenient=True), *days_ago(-5, 4000)]
    past = history(cases, NOW, 24)
    assert (past.first, past.before, past.minor_before) == (False, 2, 1)
    assert past.last_at == NOW - timedelta(days=30)
    assert history([], NOW, 24).last_at is None


@pytest.mark.parametrize(
    ("at", "months", "before"),
    [
        ("2026-11-22T12:00", 24, "2024-11-22T12:00"),
        ("2026-03-31T12:00", 1, "2026-02-28T12:00"),
        ("2028-03-31T00:30", 1, "2028-02-29T00:30"),
        ("2026-01-15T00:00", 1, "2025-12-15T00:00"),
        ("2026-12-31T23:59", 6, "2026-06-30T23:59"),
    ],
)
def test_months_are_calendar_months_of_the_city(at: str, months: int, before: str) -> None:
    local = datetime.fromisoformat(at).replace(tzinfo=CITY)
    assert months_before(local.astimezone(UTC), months) == datetime.fromisoformat(before).replace(tzinfo=CITY)


cases = st.lists(
    st.builds(
        PastCase, st.just(1), st.integers(-10, 1500).map(lambda d: NOW - timedelta(days=d)), st.booleans()
    ),
    max_size=6,
)
matters = st.builds(
    JudgedMatter, kind=st.just(Kind.EXCEEDANCE), rules=st.just(frozenset({"limit_hour"})), code=st.just("a21026"),
    ratio=st.none() | st.floats(1, 5), severity=st.integers(1, 3), corrected=st.booleans(), at=st.just(NOW),
)  # fmt: skip
HARDNESS = {"first_time_minor": 0, "first_time_not_minor": 0, "not_corrected_yet": 0, "minor": 1, "again": 2}


@given(cases, matters, st.integers(1, 36), st.integers(1, 1400), st.booleans())
def test_one_more_confirmed_case_never_makes_the_suggestion_milder(
    before: list[PastCase], matter: JudgedMatter, months: int, days: int, lenient: bool
) -> None:
    row = replace(ROW, months=months)
    more = [*before, PastCase(9, NOW - timedelta(days=days), lenient)]
    once, again = (suggestion(every, [row], matter, 24).key for every in (before, more))
    assert (once, again).count("not_on_list") == 0
    assert once != "again" or again == "again"
    assert "first_time" in once or "first_time" not in again
    if "not_corrected_yet" not in (once, again):
        assert HARDNESS[again] >= HARDNESS[once]


@pytest.mark.parametrize("suggested", [*HARDNESS, "not_on_list"])
def test_only_what_was_suggested_needs_no_note(suggested: str) -> None:
    fits = {d for d in Leniency if not is_deviation(suggested, d)}
    lenient = {
        "first_time_minor": {Leniency.NO_PENALTY_FIRST},
        "minor": {Leniency.NO_PENALTY_MINOR},
    }
    assert fits == lenient.get(suggested, {Leniency.PENALTY, Leniency.TRANSFERRED})
