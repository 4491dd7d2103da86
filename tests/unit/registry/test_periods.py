"""Validity periods: what was in force is never rewritten, and saying the same again changes nothing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Limit
from farwatch.storage.registry_changes import LimitsChange
from server.registry.periods import change_periods, without_limit

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)


def limit(begin: datetime, value: float | None, end: datetime | None = None) -> Limit:
    return Limit(
        mn="s", code="a", unit="mg/m3", kind=ReadingKind.HOUR, limit=value, valid_from=begin, valid_to=end
    )


def year(number: int) -> datetime:
    return datetime(number, 1, 1, tzinfo=UTC)


def applied(stored: list[Limit], change: LimitsChange | None) -> list[Limit]:
    """What farwatch.storage.registry_changes makes of the rows."""
    if change is None:
        return stored
    kept = [p for p in stored if change.closes and p.valid_from < change.closes.valid_from]
    return [*kept, *([change.closes] if change.closes else []), *change.opens]


def steps(periods: list[Limit]) -> list[tuple[datetime, float | None, datetime | None]]:
    return [(p.valid_from, p.limit, p.valid_to) for p in periods]


CASES = {
    "the first import keeps the history the file tells": (
        [],
        [limit(year(2020), 50), limit(year(2025), 30)],
        [(year(2020), 50, year(2025)), (year(2025), 30, None)],
    ),
    "a later valid_from closes the old period there, also when it has passed": (
        [limit(year(1970), 50)],
        [limit(year(2026), 30)],
        [(year(1970), 50, year(2026)), (year(2026), 30, None)],
    ),
    "a limit to come closes the old period then": (
        [limit(year(1970), 50)],
        [limit(year(1970), 50), limit(year(2027), 30)],
        [(year(1970), 50, year(2027)), (year(2027), 30, None)],
    ),
    "the same valid_from with another value counts from now": (
        [limit(year(1970), 50)],
        [limit(year(1970), 30)],
        [(year(1970), 50, NOW), (NOW, 30, None)],
    ),
    "going back to an older value opens a third period": (
        [limit(year(1970), 50, year(2026)), limit(year(2026), 30)],
        [limit(year(1970), 50)],
        [(year(1970), 50, year(2026)), (year(2026), 30, NOW), (NOW, 50, None)],
    ),
    "what is in force already needs no new period": (
        [limit(year(1970), 50, year(2026)), limit(year(2026), 30)],
        [limit(year(2025), 30)],
        [(year(1970), 50, year(2026)), (year(2026), 30, None)],
    ),
    "a limit to come may be put off": (
        [limit(year(1970), 50, year(2027)), limit(year(2027), 30)],
        [limit(year(1970), 50), limit(year(2028), 30)],
        [(year(1970), 50, year(2028)), (year(2028), 30, None)],
    ),
    "a limit to come may be withdrawn": (
        [limit(year(1970), 50, year(2027)), limit(year(2027), 30)],
        [limit(year(1970), 50)],
        [(year(1970), 50, None)],
    ),
    "a correction now leaves the limit to come": (
        [limit(year(1970), 50, year(2027)), limit(year(2027), 30)],
        [limit(year(1970), 40), limit(year(2027), 30)],
        [(year(1970), 50, NOW), (NOW, 40, year(2027)), (year(2027), 30, None)],
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_a_changed_limit(case: str) -> None:
    stored, rows, expected = CASES[case]
    assert steps(applied(stored, change_periods(stored, rows, NOW))) == expected


def test_a_limit_that_left_the_file_ends_now() -> None:
    stored = [limit(year(1970), 50, year(2027)), limit(year(2027), 30)]
    ended = applied(stored, without_limit(stored, NOW))
    assert steps(ended) == [(year(1970), 50, NOW), (NOW, None, None)]
    assert without_limit(ended, NOW + timedelta(days=1)) is None


values = st.sampled_from([None, 10.0, 20.0])
begins = st.integers(-6, 6).map(lambda days: NOW + timedelta(days=days))
files = st.dictionaries(begins, values, min_size=1, max_size=4).map(
    lambda rows: [limit(begin, value) for begin, value in rows.items()]
)
imports = st.lists(st.tuples(files, st.integers(0, 5)), min_size=1, max_size=6)


def in_force(periods: list[Limit], at: datetime) -> float | str | None:
    return next((p.limit for p in reversed(periods) if p.valid_from <= at), "nothing")


@given(imports)
def test_any_sequence_of_imports_keeps_the_past_and_agrees_with_the_last_file(
    sequence: list[tuple[list[Limit], int]],
) -> None:
    stored: list[Limit] = []
    now = NOW
    for rows, days in sequence:
        now += timedelta(days=days)
        before, begun = stored, [p for p in stored if p.valid_from < now]
        stored = applied(stored, change_periods(stored, rows, now))
        assert [(p.valid_from, p.limit) for p in stored][: len(begun)] == [
            (p.valid_from, p.limit) for p in begun
        ]
        for period, following in zip(stored, [*stored[1:], None], strict=True):
            assert period.valid_to == (following.valid_from if following else None)
            assert following is None or following.valid_from > period.valid_from
        ordered = sorted(rows, key=lambda row: row.valid_from)
        for at in [now, *(row.valid_from for row in ordered if row.valid_from > now)]:
            if (told := in_force(ordered, at)) != "nothing":
                assert in_force(stored, at) == told
        assert change_periods(stored, rows, now) is None, (
            f"the same file again changed something after {before}"
        )
