"""Days from their hours: 20 valid ones for gas and noise, what there is for water."""

from dataclasses import replace
from datetime import timedelta

import pytest

from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.review import PeriodVerdict, Verdict
from tests.support.histories import DAY, a_history, a_limit, a_reading, reviewed, verdict

SO2, COD, FLOW = "a21026", "w01018", "w00000"


def hours(
    code: str, *said: tuple[int, float, Verdict], converted: float | None = None
) -> tuple[PeriodVerdict, ...]:
    """So many hours of that value and verdict, one run after the other."""
    runs = [(value, what) for count, value, what in said for _ in range(count)]
    return tuple(
        PeriodVerdict(
            code=code, kind=ReadingKind.HOUR, ts=DAY.ts + timedelta(hours=n), verdict=what, reason="device_mean",
            expected=60, received=0 if what is Verdict.MISSING else 60, valid=60,
            device_value=None if what is Verdict.MISSING else value, device_converted=converted,
        )
        for n, (value, what) in enumerate(runs)
    )  # fmt: skip


def a_day(value: float, flag: str = "N", **changes: object) -> Reading:
    return a_reading(SO2, ReadingKind.DAY, DAY.ts, value, flag, received_at=DAY.until, **changes)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([(24, 40.0, Verdict.OK)], (24, 24, Verdict.OK, "own_mean", 40.0)),
        ([(20, 55.0, Verdict.OVER), (4, 0.0, Verdict.INVALID)], (24, 20, Verdict.OVER, "own_mean", 55.0)),
        ([(19, 55.0, Verdict.OVER), (5, 0.0, Verdict.INVALID)], (24, 19, Verdict.INVALID, "flagged", None)),
        ([(19, 55.0, Verdict.OVER), (5, 0.0, Verdict.MISSING)], (19, 19, Verdict.INVALID, "too_few", None)),
        ([(19, 55.0, Verdict.OVER), (5, 0.0, Verdict.MARKED)], (24, 19, Verdict.MARKED, "marked", None)),
        ([(12, 20.0, Verdict.OK), (12, 90.0, Verdict.OVER)], (24, 24, Verdict.OVER, "own_mean", 55.0)),
        ([(24, 0.0, Verdict.MISSING)], (0, 0, Verdict.MISSING, "no_data", None)),
    ],
    ids=["all", "20_valid", "19_valid", "19_came", "rest_marked", "mean_over", "nothing"],
)
def test_a_day_of_gas_needs_twenty_valid_hours(
    said: list[tuple[int, float, Verdict]], expected: tuple[object, ...]
) -> None:
    limit = a_limit(SO2, 50.0, ReadingKind.DAY)
    found = verdict(a_history([], limit, hours={SO2: hours(SO2, *said)}), SO2, DAY)
    assert (found.received, found.valid, found.verdict, found.reason, found.judged_value) == expected


def test_the_devices_day_is_judged_first_and_its_flag_gates() -> None:
    limit, good = a_limit(SO2, 50.0, ReadingKind.DAY), {SO2: hours(SO2, (24, 40.0, Verdict.OK))}
    assert verdict(a_history([a_day(51.0)], limit, hours=good), SO2, DAY).verdict is Verdict.OVER
    assert verdict(a_history([a_day(51.0, "M")], limit, hours=good), SO2, DAY).reason == "device_flag"
    assert verdict(a_history([a_day(51.0)], limit), SO2, DAY).reason == "device_mean"


def test_hours_that_are_marked_away_are_in_our_mean_of_the_day_and_not_in_the_devices() -> None:
    """20 x 40 is judged, not the device's 60, which still has the four hours of 160 in it."""
    said = hours(SO2, (20, 40.0, Verdict.OK), (4, 160.0, Verdict.MARKED))
    found = verdict(
        a_history([a_day(60.0)], a_limit(SO2, 50.0, ReadingKind.DAY), hours={SO2: said}), SO2, DAY
    )
    assert (found.verdict, found.reason, found.judged_value) == (Verdict.OK, "own_mean", 40.0)


def test_a_converted_day_is_the_mean_of_converted_hours() -> None:
    limit = a_limit(SO2, 50.0, ReadingKind.DAY, converted=True)
    said = hours(SO2, (24, 30.0, Verdict.OK), converted=60.0)
    assert verdict(a_history([], limit, hours={SO2: said}), SO2, DAY).judged_value == 60.0
    half = (*said[:12], *(replace(h, device_converted=None) for h in said[12:]))
    assert verdict(a_history([], limit, hours={SO2: half}), SO2, DAY).reason == "hours_not_converted"


def test_a_day_of_water_is_the_flow_weighted_mean_of_what_there_is() -> None:
    """GB 18918 is judged on the daily mean: (90 x 1 + 30 x 5) / 6 = 40, where the plain mean is 60."""
    cod, flow = (
        hours(COD, (1, 90.0, Verdict.OK), (1, 30.0, Verdict.OK)),
        hours(FLOW, (1, 1.0, Verdict.NO_LIMIT), (1, 5.0, Verdict.NO_LIMIT)),
    )
    history = a_history(
        [],
        a_limit(COD, 50.0, ReadingKind.DAY),
        a_limit(FLOW, None, ReadingKind.DAY),
        hours={COD: cod, FLOW: flow},
    )
    found = verdict(history, COD, DAY)
    assert (found.verdict, found.valid, found.judged_value) == (Verdict.OK, 2, pytest.approx(40.0))
    alone = verdict(a_history([], a_limit(COD, 50.0, ReadingKind.DAY), hours={COD: cod}), COD, DAY)
    assert (alone.verdict, alone.judged_value) == (Verdict.OVER, 60.0)


def test_a_day_over_its_limit_is_a_violation_of_that_day() -> None:
    [finding] = reviewed(a_history([a_day(51.0)], a_limit(SO2, 50.0, ReadingKind.DAY)), DAY).findings
    assert (finding.rule, finding.onset_at, finding.reason.params["reading"]) == ("limit_day", DAY.ts, "day")


def test_late_hours_that_came_in_time_for_the_day_leave_it_live() -> None:
    def came(after: timedelta) -> bool:
        late = tuple(replace(h, late=True) for h in hours(SO2, (24, 60.0, Verdict.OVER)))
        readings = [
            a_reading(SO2, ReadingKind.HOUR, h.ts, 60.0, received_at=DAY.until + after, late=True)
            for h in late
        ]
        limit = a_limit(SO2, 50.0, ReadingKind.DAY)
        return verdict(a_history(readings, limit, hours={SO2: late}), SO2, DAY).late

    assert came(timedelta(minutes=80)) is False
    assert came(timedelta(minutes=100)) is True
