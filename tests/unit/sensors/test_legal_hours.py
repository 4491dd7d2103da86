"""Hours as the law counts them: tables with numbers worked out by hand from HJ 212-2017 appendix D."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sensors.legal import means
from farwatch.domain.finding import Tier
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.review import Mark, Verdict
from tests.support.histories import (
    HOUR,
    MINUTE,
    STATION,
    TEN,
    a_history,
    a_limit,
    a_mark,
    a_reading,
    an_hour,
    minutes,
    reviewed,
    verdict,
)  # fmt: skip

SO2 = "a21026"
GOOD, MAINTAINED = (40.0, "N"), (90.0, "M")


@pytest.mark.parametrize(
    ("values", "every", "expected"),
    [
        ([GOOD] * 60, 1, (60, 60, 60, Verdict.OK, "device_mean")),
        ([GOOD] * 45 + [MAINTAINED] * 15, 1, (60, 60, 45, Verdict.OK, "device_mean")),
        ([GOOD] * 44 + [MAINTAINED] * 16, 1, (60, 60, 44, Verdict.INVALID, "flagged")),
        ([GOOD] * 45, 1, (60, 45, 45, Verdict.OK, "device_mean")),
        ([GOOD] * 44, 1, (60, 44, 44, Verdict.INVALID, "too_few")),
        ([GOOD] * 5 + [MAINTAINED], 10, (6, 6, 5, Verdict.OK, "device_mean")),
        ([GOOD] * 4 + [MAINTAINED] * 2, 10, (6, 6, 4, Verdict.INVALID, "flagged")),
        ([GOOD] * 9, 5, (12, 9, 9, Verdict.OK, "device_mean")),
        ([GOOD] * 8, 5, (12, 8, 8, Verdict.INVALID, "too_few")),
    ],
    ids=["all", "45_of_60", "44_of_60", "45_came", "44_came", "5_of_6", "4_of_6", "9_of_12", "8_of_12"],
)
def test_an_hour_is_valid_with_45_minutes_of_60_at_whatever_interval(
    values: list[tuple[float, str]], every: int, expected: tuple[object, ...]
) -> None:
    found = verdict(a_history([*minutes(SO2, values, every), an_hour(SO2, 40.0)], a_limit(SO2, 50.0)))
    assert (found.expected, found.received, found.valid, found.verdict, found.reason) == expected


def test_the_registry_knows_the_interval_better_than_what_came() -> None:
    station = replace(STATION, minute_interval_min=1)
    history = a_history(minutes(SO2, [GOOD] * 6, 10), a_limit(SO2, 50.0), station=station)
    assert (verdict(history).expected, verdict(history).verdict) == (60, Verdict.INVALID)


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        ([an_hour(SO2, 51.0)], (Verdict.OVER, "device_mean", 51.0)),
        ([an_hour(SO2, 50.0)], (Verdict.OK, "device_mean", 50.0)),
        ([an_hour(SO2, 51.0, "M")], (Verdict.INVALID, "device_flag", None)),
        (minutes(SO2, [20.0] * 30 + [90.0] * 30), (Verdict.OVER, "own_mean", 55.0)),
        ([*minutes(SO2, [20.0] * 60), an_hour(SO2, 51.0)], (Verdict.OVER, "device_mean", 51.0)),
        ([], (Verdict.MISSING, "no_data", None)),
        ([a_reading(SO2, ReadingKind.MIN, TEN - MINUTE, 10.0)], (Verdict.MISSING, "no_data", None)),
    ],
    ids=["device", "at_the_limit", "its_flag_gates", "ours", "device_first", "never_heard", "fell_silent"],
)
def test_the_devices_mean_is_judged_and_ours_where_it_sent_none(
    readings: list[Reading], expected: tuple[object, ...]
) -> None:
    found = verdict(a_history(readings, a_limit(SO2, 50.0)))
    assert (found.verdict, found.reason, found.judged_value) == expected


def test_real_time_values_make_a_mean_but_say_nothing_against_the_devices_own() -> None:
    sparse = a_history(
        [*minutes(SO2, [99.0] * 3), an_hour(SO2, 51.0)], a_limit(SO2, 50.0), from_rtd=frozenset({SO2})
    )
    assert verdict(sparse).reason == "device_mean"
    whole = a_history(minutes(SO2, [60.0] * 50), a_limit(SO2, 50.0), from_rtd=frozenset({SO2}))
    assert (verdict(whole).verdict, verdict(whole).reason) == (Verdict.OVER, "own_mean")
    few = a_history(minutes(SO2, [60.0] * 20), a_limit(SO2, 50.0), from_rtd=frozenset({SO2}))
    assert (verdict(few).verdict, verdict(few).reason) == (Verdict.INVALID, "too_few")


CONVERTING = replace(STATION, o2_reference_percent=6.0)


@pytest.mark.parametrize(
    ("o2", "expected"),
    [
        # 30 x (21 - 6) / (21 - 11) = 45; with 13 % it is 30 x 15 / 8 = 56.25.
        ([11.0] * 60, (Verdict.OK, "own_converted", 45.0)),
        ([13.0] * 60, (Verdict.OVER, "own_converted", 56.25)),
        ([19.0] * 60, (Verdict.NOT_CONVERTED, "o2_too_high", None)),
        ([20.99] * 60, (Verdict.NOT_CONVERTED, "o2_too_high", None)),
        ([], (Verdict.NOT_CONVERTED, "no_o2", None)),
    ],
)
def test_a_limit_on_converted_values_is_held_against_our_own_conversion_where_none_was_sent(
    o2: list[float], expected: tuple[object, ...]
) -> None:
    readings = minutes(SO2, [30.0] * 60) + minutes("a19001", o2)
    found = verdict(a_history(readings, a_limit(SO2, 50.0, converted=True), station=CONVERTING))
    assert (found.verdict, found.reason, found.judged_value) == expected


def test_without_reference_oxygen_only_a_conversion_that_was_sent_counts() -> None:
    limit = a_limit(SO2, 50.0, converted=True)
    assert verdict(a_history([an_hour(SO2, 90.0)], limit)).reason == "no_reference"
    assert verdict(a_history([an_hour(SO2, 10.0, converted=51.0)], limit)).verdict is Verdict.OVER


@pytest.mark.parametrize("code", ["a00000", "B02", "a01012", "S03", "a19001", "S01", "w01018", "Leq"])
def test_only_a_pollutant_in_gas_is_converted(code: str) -> None:
    readings = [*minutes(code, [11.0] * 60), *([] if code == "a19001" else minutes("a19001", [11.0] * 60))]
    found = verdict(a_history(readings, station=CONVERTING), code)
    assert (found.own_converted, found.own_value is not None, found.verdict) == (None, True, Verdict.NO_LIMIT)


def test_water_counts_by_its_flow_and_one_abnormal_value_makes_the_hour_abnormal() -> None:
    """(100 x 1 + 40 x 9) / 10 = 46, where the plain mean is 70."""
    cod = minutes("w01018", [100.0] * 3 + [40.0] * 3, 10)
    flow = minutes("w00000", [1.0] * 3 + [9.0] * 3, 10)
    found = verdict(a_history([*cod, *flow], a_limit("w01018", 50.0)), "w01018")
    assert (found.verdict, found.own_value) == (Verdict.OK, pytest.approx(46.0))
    assert verdict(a_history(cod, a_limit("w01018", 50.0)), "w01018").own_value == 70.0
    acid = minutes("w01001", [9.0] * 3 + [7.0] * 3, 10)
    assert verdict(a_history([*acid, *flow], a_limit("w01001", 9.0)), "w01001").own_value == 8.0
    spoilt = [replace(cod[0], flag="D"), *cod[1:]]
    assert verdict(a_history([*spoilt, *flow], a_limit("w01018", 50.0)), "w01018").reason == "flagged"
    one = verdict(a_history(cod[:1], a_limit("w01018", 50.0)), "w01018")
    assert (one.verdict, one.judged_value) == (Verdict.OVER, 100.0)


def test_sound_levels_are_averaged_by_their_energy() -> None:
    """10 lg((10^6 + 10^7) / 2) = 67.404 dB, where the plain mean is 65."""
    found = verdict(a_history(minutes("Leq", [60.0, 70.0] * 30), a_limit("Leq", 66.0)), "Leq")
    assert found.judged_value == pytest.approx(67.4036, abs=1e-4)
    assert found.verdict is Verdict.OVER


@pytest.mark.parametrize(("schedule", "limit"), [("06:00-22:00", 70.0), ("22:00-06:00", 60.0)])
def test_the_limit_of_the_hours_own_time_of_day_counts(schedule: str, limit: float) -> None:
    """Ten in the morning: GB 12348 has its own limits by day and night."""
    here = a_limit("Leq", limit, schedule=schedule)
    other = a_limit("Leq", 130.0 - limit, schedule="22:00-06:00" if limit == 70 else "06:00-22:00")
    assert verdict(a_history([an_hour("Leq", 65.0)], here, other), "Leq").limit == 70.0


def test_a_value_below_the_lower_bound_violates_too() -> None:
    outcome = reviewed(a_history([an_hour("w01001", 5.4)], a_limit("w01001", 9.0, lower=6.0)))
    assert outcome.verdicts[0].verdict is Verdict.BELOW
    assert (outcome.findings[0].reason.key, outcome.findings[0].reason.params["limit"]) == (
        "under_limit",
        6.0,
    )


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (a_mark(0, 60), (Verdict.MARKED, "marked", None)),
        (a_mark(0, 16), (Verdict.MARKED, "marked", None)),
        (a_mark(0, 15), (Verdict.OK, "own_mean", 40.0)),
        (a_mark(0, 60, "a21002"), (Verdict.OVER, "device_mean", 65.0)),
    ],
    ids=["all", "more_than_a_quarter", "a_quarter", "another_channel"],
)
def test_what_is_marked_does_not_count(mark: Mark, expected: tuple[object, ...]) -> None:
    readings = [*minutes(SO2, [140.0] * 15 + [40.0] * 45), an_hour(SO2, 65.0)]
    found = verdict(a_history(readings, a_limit(SO2, 50.0), marks=[mark]))
    assert (found.verdict, found.reason, found.judged_value) == expected


def test_a_stopped_stations_silence_is_marked_not_missing() -> None:
    assert verdict(a_history([], a_limit(SO2, 50.0), marks=[a_mark(0, 60)])).verdict is Verdict.MARKED


@pytest.mark.parametrize(("delay_min", "late"), [(1, False), (29, False), (31, True), (600, True)])
def test_an_hour_is_late_when_what_it_needs_came_late(delay_min: int, late: bool) -> None:
    received_at = HOUR.until + delay_min * MINUTE
    device = an_hour(SO2, 51.0, received_at=received_at, late=delay_min > 30)
    assert verdict(a_history([device], a_limit(SO2, 50.0))).late is late
    back_filled = [replace(r, received_at=received_at, late=True) for r in minutes(SO2, [60.0] * 60)]
    assert verdict(a_history(back_filled, a_limit(SO2, 50.0))).late is late


def test_a_few_minutes_that_were_back_filled_do_not_make_a_live_hour_late() -> None:
    live = minutes(SO2, [60.0] * 60)
    mended = [replace(r, received_at=r.ts + timedelta(hours=9), late=True) for r in live[:10]] + live[10:]
    assert verdict(a_history(mended, a_limit(SO2, 50.0))).late is False
    assert verdict(a_history(mended[:16] + mended[26:], a_limit(SO2, 50.0))).late is True


def test_a_violation_names_its_numbers_and_where_its_limit_is_from() -> None:
    limit = a_limit(SO2, 50.0, source="GB 13271-2014 table 2", unverified=True)
    [finding] = reviewed(a_history(minutes(SO2, [60.0] * 60), limit)).findings
    assert (finding.rule, finding.tier, finding.severity, finding.onset_at) == (
        "limit_hour",
        Tier.VIOLATION,
        2,
        TEN,
    )
    assert finding.reason.params == {
        "code": SO2, "value": 60.0, "limit": 50.0, "unit": "mg/m3", "ratio": 1.2, "reading": "hour", "converted": False,
        "source": "GB 13271-2014 table 2", "unverified": True, "valid": 60, "expected": 60, "mean": "own_mean",
    }  # fmt: skip


def test_states_of_equipment_have_no_verdict() -> None:
    assert reviewed(a_history([an_hour("SB1", 1.0), an_hour("e30101", 4.0)])).verdicts == ()


def test_a_channel_without_limit_is_counted_all_the_same() -> None:
    assert verdict(a_history(minutes(SO2, [GOOD] * 60))).verdict is Verdict.NO_LIMIT
    assert verdict(a_history(minutes(SO2, [MAINTAINED] * 60))).verdict is Verdict.INVALID


@given(st.lists(st.tuples(st.floats(0, 500), st.sampled_from("NNNMD")), max_size=60), st.floats(0, 500))
def test_an_hour_is_never_over_on_flagged_data_and_its_own_mean_lies_among_its_minutes(
    values: list[tuple[float, str]], limit: float
) -> None:
    found = verdict(a_history(minutes(SO2, values), a_limit(SO2, limit)))
    valid = [v for v, flag in values if flag == "N"]
    assert found.valid == len(valid)
    if found.verdict is Verdict.OVER:
        assert len(valid) >= 45
        assert max(valid) > limit
    if found.own_value is not None:
        assert min(valid) - 1e-9 <= found.own_value <= max(valid) + 1e-9


@pytest.mark.parametrize(
    ("value", "shown"), [(2.0005, 2.0), (2.0015, 2.002), (2.00051, 2.001), (0.1235, 0.124), (0.1225, 0.122)]
)
def test_numbers_are_shown_rounded_half_to_even(value: float, shown: float) -> None:
    assert means.rounded(value) == shown


@pytest.mark.parametrize("level", [9999.0, 99999.0, -9999.0, 65.0])
def test_a_meter_that_says_absurd_levels_does_not_hide_its_stations_other_outlets(level: float) -> None:
    assert means.energy_mean([level] * 60) == pytest.approx(level)
    noise = [*minutes("Leq", [level] * 60), an_hour("Leq", level)]
    history = a_history([*noise, *minutes(SO2, [60.0] * 60), an_hour(SO2, 60.0)], a_limit(SO2, 50.0))
    assert verdict(history).verdict is Verdict.OVER


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_can_be_shown(value: float) -> None:
    assert means.rounded(value) == pytest.approx(value, rel=1e-9, abs=6e-4)


def test_the_last_digit_of_a_sum_violates_nothing() -> None:
    assert verdict(a_history(minutes(SO2, [50.000000001] * 60), a_limit(SO2, 50.0))).verdict is Verdict.OK
