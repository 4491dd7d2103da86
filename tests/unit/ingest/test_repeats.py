"""What is newer than all that was said is new; of anything else the rows are asked, once."""

from datetime import UTC, datetime, timedelta

from farwatch.domain.reading import Reading, ReadingKind
from ingest.repeats import Repeats

NOW = datetime(2026, 11, 22, tzinfo=UTC)


def said(at_s: float, value: float = 1.0, *, code: str = "a", mn: str = "MN1", late: bool = False) -> Reading:
    ts = NOW + timedelta(seconds=at_s)
    return Reading(mn, code, ReadingKind.RTD, ts, value, NOW, late=late)


def test_only_what_is_not_newer_is_looked_up() -> None:
    repeats = Repeats([said(0), said(5), said(3)])
    newer, same, older, late, other = said(6), said(5), said(4), said(9, late=True), said(1, mn="MN2")
    new, suspects, newest = repeats.split([newer, same, older, late, other])
    assert new == [newer, other]
    assert suspects == [same, older, late]
    assert newest == {("MN1", ReadingKind.RTD): newer.ts, ("MN2", ReadingKind.RTD): other.ts}


def test_a_batch_that_failed_is_new_again_and_one_that_is_committed_is_not() -> None:
    repeats = Repeats()
    repeats.split([said(1)])
    new, suspects, newest = repeats.split([said(1)])
    assert (len(new), len(suspects)) == (1, 0)
    repeats.adopt(newest)
    new, suspects, _ = repeats.split([said(1)])
    assert (len(new), len(suspects)) == (0, 1)


def test_of_what_a_batch_says_twice_only_another_content_counts() -> None:
    new, suspects, _ = Repeats().split(
        [said(1), said(1), said(1, 2.0), said(1, 2.0), said(1), said(1, code="b")]
    )
    assert new == [said(1)]
    assert suspects == [said(1, 2.0), said(1), said(1, code="b")]
