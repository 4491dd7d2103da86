"""Curves that are another outlet's, and curves that are only alike."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest

from detectors.sensors.quality.clones import RULE, judge
from farwatch.domain.place import Position
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Registry, Station
from farwatch.domain.review import HourCurve
from simulators.city import make_city
from simulators.monitors import Monitor

UNTIL = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
Values = list[float | None]


def city(count: int, drill: tuple[str, ...] = ()) -> Registry:
    names = [f"MN{n:04d}" for n in range(count)]
    return Registry(
        stations={
            mn: Station(
                mn=mn, enterprise="E1", name=mn, place=Position(30, 120), medium="air", drill=mn in drill
            )
            for mn in names
        }
    )


def honest(seed: int, swing: float = 0.16) -> Values:
    """The day's rhythm that all share, and a little noise of its own: hour means are quiet."""
    rng = random.Random(seed)
    base = rng.uniform(20, 60)
    return [
        round(base * (1 + swing * math.sin(math.tau * n / 24)) * (1 + rng.gauss(0, 0.005)), 3)
        for n in range(24)
    ]


def found(*columns: Values, code: str = "a21026") -> list[tuple[str | None, object]]:
    curves = [HourCurve(f"MN{n:04d}", code, tuple(values)) for n, values in enumerate(columns)]
    outcome = judge(city(len(columns)), curves, {}, UNTIL)
    return [(f.station, f.reason.params["other_station"]) for f in outcome.findings]


def shifted(values: Values, by: float = 3.0, scale: float = 1.2) -> Values:
    return [None if v is None else round(v * scale + by, 3) for v in values]


def without(values: Values, *hours: int) -> Values:
    return [None if n in hours else v for n, v in enumerate(values)]


ONE = honest(1)
COPY = [("MN0001", "MN0000")]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((ONE, ONE), COPY),
        ((ONE, shifted(ONE)), COPY),
        ((ONE, without(ONE, 3, 9, 15)), COPY),
        ((without(ONE, 1, 2), without(ONE, 3, 9, 15)), COPY),
        ((ONE, [v if n % 12 else 50.0 for n, v in enumerate(ONE)]), COPY),
        ((ONE, honest(2), ONE), [("MN0002", "MN0000")]),
        ((ONE, ONE, ONE), [("MN0001", "MN0000"), ("MN0002", "MN0000")]),
        ((ONE, honest(2)), []),
        ((ONE, without(ONE, *range(8))), []),
        (([40.0] * 24, [40.0] * 24), []),
        (([40.0 + n % 3 for n in range(24)], [40.0 + n % 3 for n in range(24)]), []),
    ],
    ids=[
        "the_same", "scaled_and_shifted", "with_hours_missing", "with_different_hours_missing", "with_two_hours_changed",
        "not_next_to_each_other", "twice", "the_same_rhythm", "too_few_hours", "constant", "too_few_values",
    ],
)  # fmt: skip
def test_a_copy_is_found_and_a_likeness_is_not(
    columns: tuple[Values, ...], expected: list[tuple[str, str]]
) -> None:
    assert found(*columns) == expected


def test_another_pollutant_a_drill_and_the_outlets_own_channels_are_not_compared() -> None:
    same = [HourCurve("MN0000", "a21026", tuple(ONE)), HourCurve("MN0001", "a21002", tuple(ONE))]
    assert judge(city(2), same, {}, UNTIL).findings == ()
    drill = [HourCurve("MN0000", "a21026", tuple(ONE)), HourCurve("MN0001", "a21026", tuple(ONE))]
    assert judge(city(2, drill=("MN0001",)), drill, {}, UNTIL).findings == ()
    of_2005 = [HourCurve("MN0000", "02", tuple(ONE)), HourCurve("MN0000", "a21026", tuple(ONE))]
    assert judge(city(1), of_2005, {}, UNTIL).findings == ()


def test_a_clone_is_found_once_and_ends_when_the_curves_part() -> None:
    curves = [HourCurve("MN0000", "a21026", tuple(ONE)), HourCurve("MN0001", "02", tuple(ONE))]
    [finding] = judge(city(2), curves, {}, UNTIL).findings
    assert (finding.rule, finding.station, finding.code) == (RULE, "MN0001", "02")
    stands = {("MN0001", "02"): finding.onset_at}
    later = UNTIL + timedelta(hours=1)
    assert judge(city(2), curves, stands, later) == judge(city(0), [], {}, later)
    parted = judge(city(2), [curves[0], HourCurve("MN0001", "02", tuple(honest(5)))], stands, later)
    assert [(e.finding_id, e.ended_at) for e in parted.ended] == [(finding.id, later)]
    silent = judge(city(2), curves[:1], stands, later)
    assert silent.ended == (), "who says nothing has not become honest"


@pytest.mark.parametrize("seed", [1, 7])
def test_the_practice_citys_monitors_are_no_copies_of_each_other(seed: int) -> None:
    made = make_city(seed, cameras_url="rtsp://127.0.0.1:1")
    said: dict[tuple[str, str], list[float | None]] = {}
    for station in made.stations:
        for m in Monitor(station.mn, made.plans[station.mn], seed).history(UNTIL, hours=24, minutes=0):
            assert m.kind is ReadingKind.HOUR
            for code, value in m.values.items():
                said.setdefault((m.mn, code), []).append(value)
    registry = Registry(stations={s.mn: s for s in made.stations})
    curves = [HourCurve(mn, code, tuple(values)) for (mn, code), values in said.items()]
    assert judge(registry, curves, {}, UNTIL).findings == ()


@pytest.mark.timeout(30)
def test_a_large_city_where_everybody_is_alike_takes_seconds() -> None:
    """2,000 outlets of one pollutant, each near to all others: the bound that the hourly job is built for."""
    curves = [HourCurve(f"MN{n:04d}", "a21026", tuple(honest(n))) for n in range(2000)]
    assert (
        judge(city(2000), [*curves[:-1], HourCurve("MN1999", "a21026", curves[7].values)], {}, UNTIL)
        .findings[0]
        .station
    )
