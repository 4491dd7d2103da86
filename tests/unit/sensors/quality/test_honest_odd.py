"""Works that are honest and unusual: nothing is found of them."""

import random

import pytest

from detectors.sensors.quality import review
from farwatch.domain.policy import Policy
from farwatch.domain.reading import ReadingKind
from tests.support.quality import HOUR, UNTIL, Works, stack
from tests.support.quality_cases import noisy, water


def found(works: Works) -> list[tuple[str, str | None]]:
    outcome = review(works.history(), HOUR, Policy(), UNTIL)
    return [(f.rule, f.code) for f in outcome.findings]


@pytest.mark.parametrize(
    ("code", "role", "top", "usual"),
    [("a19001", "", 20.9, 8.0), ("a01014", "", 100.0, 60.0), ("e1", "load", 100.0, 60.0)],
)
def test_what_nature_cuts_off_is_no_flat_top(code: str, role: str, top: float, usual: float) -> None:
    """Air has 21 % of oxygen, wet gas 100 % of humidity, and a works' load is full."""
    rng = random.Random(1)
    works = stack().channel(
        code, lambda n: top if 120 < n <= 240 else round(usual + rng.gauss(0, 0.5), 1), unit="%", role=role,
        low=0.0, high=21.0 if code == "a19001" else 100.0, hours=noisy(usual, 0.02),
    )  # fmt: skip
    assert found(works) == []


@pytest.mark.parametrize("sends_hours", [True, False])
@pytest.mark.parametrize("every_h", [1, 2, 3, 4])
def test_a_slow_analyser_may_speak_only_when_it_has_analysed(every_h: int, sends_hours: bool) -> None:
    for ago_h in range(every_h):
        works = analysed(every_h, ago_h, sends_hours=sends_hours)
        assert found(works) == [], f"last heard {ago_h} hours ago"


def analysed(every_h: int, ago_h: int, *, sends_hours: bool) -> Works:
    works = water().channel("w01018", noisy(30), unit="mg/L", over=100)
    last = UNTIL.hour - 1 - ago_h
    works.without("w01018", ReadingKind.MIN, lambda ts: ts.minute != 0 or (ts.hour - last) % every_h != 0)
    works.without("w01018", ReadingKind.HOUR, lambda ts: not sends_hours or (ts.hour - last) % every_h != 0)
    return works


@pytest.mark.parametrize("every_h", [1, 2])
def test_a_slow_analyser_that_has_stopped_is_still_found(every_h: int) -> None:
    works = analysed(every_h, 0, sends_hours=True)
    for kind in (ReadingKind.MIN, ReadingKind.HOUR):
        works.without("w01018", kind, lambda ts: (UNTIL - ts).total_seconds() <= 5 * 3600)
    assert ("data_missing", "w01018") in found(works)
