"""The device's arithmetic against ours: what no honest way of reckoning explains, and nothing else."""

from dataclasses import replace

import pytest

from farwatch.domain.finding import Finding, Kind, Tier
from farwatch.domain.reading import Reading
from farwatch.domain.review import History
from tests.support.histories import STATION, TEN, a_history, a_limit, a_reading, an_hour, minutes, reviewed

SO2, COD = "a21026", "w01018"
CONVERTING = replace(STATION, o2_reference_percent=6.0)


def faults(history: History) -> list[Finding]:
    return [f for f in reviewed(history).findings if f.kind is Kind.DATA_FAULT]


@pytest.mark.parametrize(
    ("readings", "accused"),
    [
        ([*minutes(SO2, [40.0] * 60), an_hour(SO2, 40.7)], False),
        ([*minutes(SO2, [40.0] * 60), an_hour(SO2, 41.0)], True),
        ([*minutes(SO2, [40.0] * 60), an_hour(SO2, 38.9)], True),
        ([*minutes(SO2, [1.0] * 60), an_hour(SO2, 1.4)], False),
        ([*minutes(SO2, [40.0] * 60), an_hour(SO2, 20.0, "M")], False),
        ([*minutes(SO2, [40.0] * 50), an_hour(SO2, 20.0)], False),
        ([*minutes(SO2, [30.0] * 27 + [60.0] * 27), an_hour(SO2, 47.9)], False),
        ([*minutes(SO2, [30.0] * 27 + [60.0] * 27), an_hour(SO2, 49.0)], True),
        ([*minutes(SO2, [40.0] * 59 + [(40.0, "C")]), an_hour(SO2, 20.0)], False),
        ([*minutes(COD, [100.0] * 3 + [40.0] * 3, 10), *minutes("w00000", [1.0] * 3 + [9.0] * 3, 10), an_hour(COD, 46.0)], False),
        ([*minutes(COD, [100.0] * 3 + [40.0] * 3, 10), *minutes("w00000", [1.0] * 3 + [9.0] * 3, 10), an_hour(COD, 70.0)], False),
        ([*minutes(COD, [100.0] * 3 + [40.0] * 3, 10), *minutes("w00000", [1.0] * 3 + [9.0] * 3, 10), an_hour(COD, 75.0)], True),
        ([*minutes("LA", [50.0] * 60), an_hour("LA", 70.0)], False),
    ],
    ids=[
        "within_2_percent", "above", "below", "digits_of_a_small_value", "flagged", "too_little_came",
        "what_is_missing_may_explain_it", "what_is_missing_cannot", "flagged_minutes_may_be_left_out",
        "weighted_by_flow", "not_weighted", "neither", "levels_without_a_mean",
    ],
)  # fmt: skip
def test_hour_means(readings: list[Reading], accused: bool) -> None:
    codes = {r.code for r in readings} - {"w00000"}
    history = a_history(readings, *(a_limit(code, 50.0) for code in codes))
    assert [f.rule for f in faults(history)] == ["data_mean_differs"] * accused


@pytest.mark.parametrize(
    ("converted", "o2", "accused"),
    [
        # 30 x 15 / (21 - 11) = 45.
        (45.0, 11.0, False),
        (45.9, 11.0, False),
        (46.0, 11.0, True),
        (30.0, 11.0, True),
        (30.0, 19.5, False),
    ],
    ids=["right", "within_2_percent", "above", "not_converted_at_all", "oxygen_too_high_to_say"],
)
def test_conversions(converted: float, o2: float, accused: bool) -> None:
    readings = [an_hour(SO2, 30.0, converted=converted), an_hour("a19001", o2)]
    history = a_history(readings, a_limit(SO2, 50.0, converted=True), station=CONVERTING)
    assert [f.rule for f in faults(history)] == ["data_conversion_differs"] * accused


def test_a_device_may_convert_each_minute_before_it_averages() -> None:
    """Half at 9 % and half at 15 % of oxygen: 30 x 15/12 = 37.5 and 30 x 15/6 = 75, their mean 56.25, of the mean 12 % only 50."""
    so2 = [replace(r, converted=37.5 if n < 30 else 75.0) for n, r in enumerate(minutes(SO2, [30.0] * 60))]
    o2 = minutes("a19001", [9.0] * 30 + [15.0] * 30)
    for converted, accused in ((56.25, False), (50.0, False), (60.0, True)):
        readings = [*so2, *o2, an_hour(SO2, 30.0, converted=converted)]
        history = a_history(readings, a_limit(SO2, 80.0, converted=True), station=CONVERTING)
        assert [f.rule for f in faults(history)] == ["data_conversion_differs"] * accused


def test_what_lasts_is_one_fault_and_ends_when_the_numbers_agree_again() -> None:
    wrong, right = an_hour(SO2, 30.0), an_hour(SO2, 40.0)
    limit, open_since = a_limit(SO2, 50.0), {("data_mean_differs", SO2): TEN}
    [fault] = faults(a_history([*minutes(SO2, [40.0] * 60), wrong], limit))
    assert (fault.tier, fault.onset_at, fault.reason.params["percent"]) == (Tier.FAULT, TEN, 25.0)
    assert faults(a_history([*minutes(SO2, [40.0] * 60), wrong], limit, open_onsets=open_since)) == []
    ended = reviewed(a_history([*minutes(SO2, [40.0] * 60), right], limit, open_onsets=open_since)).ended
    assert fault.id in {e.finding_id for e in ended}
    no_minutes = reviewed(a_history([right], limit, open_onsets=open_since)).ended
    assert fault.id not in {e.finding_id for e in no_minutes}


def test_real_time_values_accuse_nobody() -> None:
    readings = [*minutes(SO2, [40.0] * 60), an_hour(SO2, 20.0)]
    assert faults(a_history(readings, a_limit(SO2, 50.0), from_rtd=frozenset({SO2}))) == []


def test_the_analysers_span_says_what_is_a_matter_of_digits_where_no_limit_does() -> None:
    readings = [*minutes("a01012", [3.0] * 60), a_reading("a01012", an_hour("a01012", 0).kind, TEN, 3.9)]
    plain = a_history(readings)
    wide = replace(
        plain, channels={"a01012": replace(plain.channels["a01012"], range_low=0.0, range_high=200.0)}
    )
    assert len(faults(plain)) == 1
    assert faults(wide) == []
