"""However often, and in whichever order, hours are reviewed again: the same findings, and ended alike."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.sensors.quality import review
from farwatch.domain.finding import Finding
from farwatch.domain.policy import Policy
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.review import History, period_of
from tests.support.quality_honest import boiler, honest_day

BEGIN = datetime(2026, 11, 19, 16, 0, tzinfo=UTC)
FIRST, LAST = 30, 45
Rows = dict[tuple[str, ReadingKind], tuple[Reading, ...]]


@dataclass
class Book:
    """Findings as the rows hold them: once by id, an end that is known stays, a revoked one may stand again."""

    found: dict[UUID, Finding] = field(default_factory=dict)
    ended: dict[UUID, datetime] = field(default_factory=dict)

    def review(self, rows: Rows, hour: int) -> None:
        period = period_of(ReadingKind.HOUR, BEGIN + timedelta(hours=hour))
        station, channels, limits = boiler()
        onsets = {
            (f.rule, f.code or ""): f.onset_at
            for key, f in self.found.items()
            if f.onset_at < period.until and (key not in self.ended or self.ended[key] > period.ts)
        }
        history = History(
            station=station, channels=channels, limits=limits, readings=rows, open_onsets=onsets
        )
        outcome = review(history, period, Policy(), period.until + timedelta(minutes=10))
        for finding in outcome.findings:
            known = self.found.setdefault(finding.id, finding)
            if (
                known is not finding
                and self.ended.get(finding.id, finding.onset_at + timedelta(1)) <= finding.onset_at
            ):
                del self.ended[finding.id]
        for end in outcome.ended:
            if end.finding_id in self.found:
                self.ended.setdefault(end.finding_id, end.ended_at)

    def lines(self) -> list[tuple[str, str | None, datetime, datetime | None]]:
        return sorted((f.rule, f.code, f.onset_at, self.ended.get(key)) for key, f in self.found.items())  # type: ignore[type-var]


DAY = honest_day(12, BEGIN)


def rewritten(code: str, since_h: int, until_h: int, change: Callable[[Reading], Reading | None]) -> Rows:
    """An honest day in which the readings of [since, until) are others."""
    rows: Rows = {}
    since, until = BEGIN + timedelta(hours=since_h), BEGIN + timedelta(hours=until_h)
    for key, readings in DAY.items():
        told: Iterable[Reading | None] = (
            change(r) if key[0] == code and since <= r.ts < until else r for r in readings
        )
        rows[key] = tuple(r for r in told if r is not None)
    return rows


FAULTS: dict[str, tuple[str, Rows]] = {
    "constant": ("data_constant", rewritten("a21026", 31, 42, lambda r: replace(r, value=33.3))),
    "out_of_range": (
        "data_out_of_range",
        rewritten("a21026", 33, 37, lambda r: replace(r, value=10 * r.value + 900)),
    ),
    "missing": ("data_missing", rewritten("a21026", 33, 37, lambda _: None)),
    "faulty": ("data_valid_rate", rewritten("a21026", 33, 40, lambda r: replace(r, flag="D"))),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_is_wrong_is_found_once_and_ends_when_it_is_well(name: str) -> None:
    rule, rows = FAULTS[name]
    book = Book()
    for hour in range(FIRST, LAST):
        book.review(rows, hour)
    [(found, code, onset_at, ended_at)] = book.lines()
    assert (found, code) == (rule, "a21026")
    assert ended_at is not None
    assert onset_at < ended_at


@settings(max_examples=5, deadline=None)
@given(
    name=st.sampled_from(sorted(FAULTS)),
    again=st.lists(st.integers(FIRST, LAST - 1), max_size=6),
    each_twice=st.booleans(),
)
def test_reviewing_again_changes_nothing(name: str, again: list[int], each_twice: bool) -> None:
    _, rows = FAULTS[name]
    once, often = Book(), Book()
    for hour in range(FIRST, LAST):
        once.review(rows, hour)
        for _ in range(2 if each_twice else 1):
            often.review(rows, hour)
        for earlier in (h for h in again if h < hour):
            often.review(rows, earlier)
    assert often.lines() == once.lines()
