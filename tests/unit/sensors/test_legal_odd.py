"""Hours and days that an honest works has and that a hasty law would condemn, or a kind one acquit."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from farwatch.domain.finding import Kind
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Limit
from farwatch.domain.review import PeriodVerdict, Verdict
from tests.support.histories import (
    DAY,
    STATION,
    TEN,
    a_history,
    a_limit,
    a_reading,
    an_hour,
    minutes,
    reviewed,
    verdict,
)

SO2, O2, COD = "a21026", "a19001", "w01018"
BOILER = replace(STATION, o2_reference_percent=6.0)
CERAMICS = replace(STATION, o2_reference_percent=18.0)
CONVERTED = a_limit(SO2, 50.0, converted=True)


@pytest.mark.parametrize(
    ("station", "dry", "converted", "o2", "expected"),
    [
        # A stack at rest: 2 x 15 / 0.1 = 300, and nothing was burnt.
        (BOILER, 2.0, 300.0, 20.9, (Verdict.NOT_CONVERTED, "o2_too_high", None)),
        # Even what was measured is over: whatever the air, the conversion could only be more.
        (BOILER, 60.0, 900.0, 20.9, (Verdict.OVER, "device_mean", 60.0)),
        # Diluted, but not with so much air that the conversion says nothing: the law's way.
        (BOILER, 10.0, 100.0, 19.5, (Verdict.OVER, "device_converted", 100.0)),
        (CERAMICS, 20.0, 40.0, 19.5, (Verdict.OK, "device_converted", 40.0)),
    ],
)
def test_a_conversion_from_air_convicts_nobody(
    station: object, dry: float, converted: float, o2: float, expected: tuple[object, ...]
) -> None:
    for oxygen in ([an_hour(O2, o2)], minutes(O2, [o2] * 60)):
        readings = [an_hour(SO2, dry, converted=converted), *oxygen]
        found = verdict(a_history(readings, CONVERTED, station=station))  # type: ignore[arg-type]
        assert (found.verdict, found.reason, found.judged_value) == expected


@pytest.mark.parametrize(("dry", "o2", "is_converted"), [(60.0, 20.9, False), (20.0, 8.0, True)])
def test_a_finding_says_whether_its_value_is_a_converted_one(
    dry: float, o2: float, is_converted: bool
) -> None:
    readings = [an_hour(SO2, dry, converted=90.0), an_hour(O2, o2)]
    outcome = reviewed(a_history(readings, CONVERTED, station=CERAMICS))
    [found] = [f for f in outcome.findings if f.kind is Kind.EXCEEDANCE]
    assert found.reason.params["converted"] is is_converted


def test_without_reference_oxygen_conversions_of_minutes_from_air_count_for_nothing_either() -> None:
    so2 = [replace(r, converted=300.0) for r in minutes(SO2, [2.0] * 60)]
    found = verdict(a_history([*so2, *minutes(O2, [20.9] * 60)], CONVERTED))
    assert (found.verdict, found.reason) == (Verdict.NOT_CONVERTED, "o2_too_high")


def hours(code: str, *said: tuple[int, float], dry: float | None = None) -> tuple[PeriodVerdict, ...]:
    """So many hours of that converted mean (of oxygen: of that mean), from midnight on."""
    each = [value for count, value in said for _ in range(count)]
    return tuple(
        PeriodVerdict(
            code=code, kind=ReadingKind.HOUR, ts=DAY.ts + timedelta(hours=n), reason="", verdict=Verdict.NO_LIMIT,
            expected=60, received=60, valid=60, device_value=value if dry is None else dry, device_converted=value,
            device_flag="N",
        )
        for n, value in enumerate(each)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "o2", "expected"),
    [
        (((21, 40.0), (3, 3000.0)), ((21, 8.0), (3, 20.9)), (Verdict.OK, "own_converted", 40.0)),
        (((21, 60.0), (3, 3000.0)), ((21, 8.0), (3, 20.9)), (Verdict.OVER, "own_converted", 60.0)),
        (((12, 40.0), (12, 3000.0)), ((12, 8.0), (12, 20.9)), (Verdict.NOT_CONVERTED, "hours_not_converted", None)),
        (((24, 40.0),), ((24, 8.0),), (Verdict.OVER, "device_converted", 410.0)),
    ],
)  # fmt: skip
def test_hours_of_air_neither_convict_nor_acquit_a_day(
    said: tuple[tuple[int, float], ...], o2: tuple[tuple[int, float], ...], expected: tuple[object, ...]
) -> None:
    day = a_reading(SO2, ReadingKind.DAY, DAY.ts, 10.0, received_at=DAY.until, converted=410.0)
    limit = a_limit(SO2, 50.0, ReadingKind.DAY, converted=True)
    reviewed_hours = {SO2: hours(SO2, *said, dry=10.0), O2: hours(O2, *o2)}
    history = a_history([day, an_hour(O2, 8.0)], limit, hours=reviewed_hours)
    found = verdict(history, SO2, DAY)
    assert (found.verdict, found.reason, found.judged_value) == expected


def test_one_hour_without_a_conversion_saves_no_day() -> None:
    limit = a_limit(SO2, 50.0, ReadingKind.DAY, converted=True)
    whole = hours(SO2, (24, 60.0), dry=10.0)
    said = (*whole[:3], replace(whole[3], device_converted=None), *whole[4:])
    found = verdict(a_history([], limit, hours={SO2: said}), SO2, DAY)
    assert (found.verdict, found.judged_value) == (Verdict.OVER, 60.0)


def accused(readings: list[Reading], limit: Limit) -> list[str]:
    outcome = reviewed(a_history(readings, limit, station=BOILER))
    return [f.rule for f in outcome.findings if f.kind is Kind.DATA_FAULT]


@pytest.mark.parametrize(("factor", "expected"), [(1.0, []), (0.8, ["data_conversion_differs"])])
def test_a_device_may_convert_each_minute_by_its_own_oxygen_and_send_the_hour_alone(
    factor: float, expected: list[str]
) -> None:
    dice = random.Random(4)
    dry = [dice.gauss(30, 2) for _ in range(60)]
    o2 = [10 + 5 * math.sin(n / 9) for n in range(60)]
    each = [d * 15 / (21 - o) for d, o in zip(dry, o2, strict=True)]
    assert sum(each) / 60 > 1.06 * (sum(dry) / 60) * 15 / (21 - sum(o2) / 60), "not what the means give"
    readings = [
        *minutes(SO2, dry), *minutes(O2, o2), an_hour(O2, sum(o2) / 60),
        an_hour(SO2, sum(dry) / 60, converted=factor * sum(each) / 60),
    ]  # fmt: skip
    assert accused(readings, CONVERTED) == expected


def test_an_hour_in_which_the_works_started_is_not_compared_with_our_conversion() -> None:
    o2 = [20.9] * 20 + [8.0] * 40
    readings = [
        *minutes(SO2, [30.0] * 60), *minutes(O2, o2), an_hour(O2, sum(o2) / 60), an_hour(SO2, 30.0, converted=1500.0)
    ]  # fmt: skip
    assert accused(readings, CONVERTED) == []


@pytest.mark.parametrize(("said", "expected"), [(40.0, []), (30.0, []), (45.0, ["data_mean_differs"])])
def test_a_sampling_analysers_hour_may_be_its_newest_result(said: float, expected: list[str]) -> None:
    """It said the old result for twenty minutes and the new one for forty: 36.7 on average."""
    readings = [*minutes(COD, [30.0, 30.0, 40.0, 40.0, 40.0, 40.0], 10), an_hour(COD, said)]
    history = a_history(readings, a_limit(COD, 100.0), station=replace(STATION, minute_interval_min=10))
    assert [f.rule for f in reviewed(history).findings if f.kind is Kind.DATA_FAULT] == expected


@pytest.mark.parametrize(("value", "shown"), [(50.0004, lambda v: v > 50), (51.23456, lambda v: v == 51.235)])
def test_a_finding_shows_a_value_that_is_over_its_limit(value: float, shown: Callable[[float], bool]) -> None:
    [found] = reviewed(a_history([an_hour(SO2, value)], a_limit(SO2, 50.0))).findings
    assert shown(found.reason.params["value"])  # type: ignore[arg-type]
    assert found.onset_at == TEN


@pytest.mark.parametrize(
    ("code", "every", "count", "expected"),
    [
        ("w01001", 1, 1, Verdict.INVALID),
        ("w01001", 1, 7, Verdict.INVALID),
        ("w01001", 1, 8, Verdict.OVER),
        ("w01001", 5, 1, Verdict.INVALID),
        ("w01001", 5, 2, Verdict.OVER),
        ("w01001", 10, 1, Verdict.OVER),
        (COD, 1, 1, Verdict.OVER),
    ],
)
def test_an_hour_of_water_needs_ten_minutes_of_it_or_a_sample(
    code: str, every: int, count: int, expected: Verdict
) -> None:
    """HJ 212-2017 appendix D: an hour is the mean of one to six ten-minute values."""
    for device in ([], [an_hour(code, 9.5)]):
        readings = [*minutes(code, [9.5] * count, every), *device]
        station = replace(STATION, minute_interval_min=every)
        assert verdict(a_history(readings, a_limit(code, 9.0), station=station), code).verdict is expected


def test_a_logger_that_sends_each_minute_is_held_to_sixty_whatever_was_registered() -> None:
    readings = minutes(SO2, [60.0] * 6 + [(60.0, "D")] * 54)
    station = replace(STATION, minute_interval_min=10)
    found = verdict(a_history(readings, a_limit(SO2, 50.0), station=station))
    assert (found.verdict, found.expected, found.valid) == (Verdict.INVALID, 60, 6)
