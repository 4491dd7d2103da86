"""Real-time conversions of a stack at rest: (21 - 6) / (21 - 20.9) times the little that an analyser says of air."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from detectors.sensors.judge import Key, LimitJudge, Memo
from farwatch.domain.judging import Outcome
from farwatch.domain.policy import SHIPPED
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Registry
from tests.support.histories import STATION, TEN, a_limit

LIMIT = a_limit("a21026", 50.0, converted=True)


def tiers(reference: float | None, said: Sequence[tuple[float, float]]) -> list[str]:
    city = Registry(
        stations={"MN1": replace(STATION, o2_reference_percent=reference)},
        limits={("MN1", "a21026"): (LIMIT,)},
    )
    judge, found = LimitJudge(), list[str]()
    state: dict[Key, Memo] = {}
    for n, (dry, converted) in enumerate(said):
        ts = TEN + n * timedelta(seconds=30)
        reading = Reading("MN1", "a21026", ReadingKind.RTD, ts, dry, ts, converted)
        outcome: Outcome = judge.judge(city, SHIPPED, state, [reading])
        state.update(outcome.changes)
        found += [str(f.tier) for f in outcome.findings]
    return found


@pytest.mark.parametrize("reference", [6.0, None])
@pytest.mark.parametrize("dry", [2.0, 0.0])
def test_a_conversion_from_air_warns_nobody_and_sends_nobody(reference: float | None, dry: float) -> None:
    assert tiers(reference, [(dry, 300.0)] * 10) == []


@pytest.mark.parametrize(
    ("dry", "converted"), [(60.0, 9000.0), (20.0, 200.0)], ids=["over_as_it_is", "diluted"]
)
def test_what_is_over_all_the_same_is_held(dry: float, converted: float) -> None:
    assert tiers(6.0, [(dry, converted)] * 10) == ["early", "violation"]


def test_what_is_open_is_neither_held_nor_ended_by_a_conversion_from_air() -> None:
    assert tiers(6.0, [(30.0, 60.0), *[(2.0, 300.0)] * 10, (30.0, 60.0)]) == ["early"]
