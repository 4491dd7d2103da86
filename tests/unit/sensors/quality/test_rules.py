"""Each rule fires on its made series and not on its near miss; rule by rule, nothing else fires on either."""

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from detectors.sensors.quality import review
from farwatch.domain.finding import Finding, Kind, Tier
from farwatch.domain.policy import Policy, QualityRule
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.review import Mark, MarkLabel, Revision
from tests.support.quality import HOUR, UNTIL, Works, stack
from tests.support.quality_cases import CASES, FLAT, noisy, water

NOW = UNTIL + timedelta(minutes=10)


def found(works: Works, **extra: object) -> list[Finding]:
    return list(review(works.history(**extra), HOUR, Policy(), NOW).findings)  # type: ignore[arg-type]


def keys(works: Works, **extra: object) -> set[tuple[str, str | None]]:
    return {(f.reason.key, f.code) for f in found(works, **extra)}


@pytest.mark.parametrize("case", CASES)
def test_a_rule_fires_on_what_it_is_made_for_and_not_on_its_near_miss(case: str) -> None:
    key, code, fires, near_miss = CASES[case]
    assert keys(fires()) == {(key, code)}
    params = found(fires())[0].reason.params
    assert {type(value) for value in params.values()} <= {str, int, float, bool, type(None)}, (
        "numbers as JSON has them"
    )
    assert keys(near_miss()) == set()


def test_honest_works_are_not_accused() -> None:
    assert keys(stack()) == set()
    assert keys(water()) == set()


def test_a_gap_is_noticed_and_is_over_when_it_is_found() -> None:
    works = stack()
    for code in works.channels:
        works.without(
            code,
            ReadingKind.MIN,
            lambda ts: UNTIL - timedelta(minutes=20) <= ts < UNTIL - timedelta(minutes=18),
        )
    outcome = review(works.history(), HOUR, Policy(), NOW)
    [gap] = outcome.findings
    assert (gap.reason.key, gap.code, gap.onset_at) == ("data_gap", None, UNTIL - timedelta(minutes=20))
    assert [(e.finding_id, e.ended_at) for e in outcome.ended] == [(gap.id, UNTIL - timedelta(minutes=18))]
    ours = [(UNTIL - timedelta(minutes=19), UNTIL - timedelta(minutes=17))]
    assert keys(works, outages=ours) == {("data_gap_ours", None)}


def test_a_single_lost_minute_is_no_gap_but_where_we_were_away() -> None:
    works, lost_at = stack(), UNTIL - timedelta(minutes=20)
    for code in works.channels:
        works.without(code, ReadingKind.MIN, lambda ts: ts == lost_at)
    assert keys(works) == set()
    away = timedelta(seconds=20)
    assert keys(works, outages=[(lost_at + away, lost_at + 2 * away)]) == {("data_gap_ours", None)}
    assert keys(works, outages=[(lost_at - 9 * away, lost_at - 6 * away)]) == set()


def delayed(works: Works, by: timedelta, until_min: int = 60, *, at_once: bool = False) -> Works:
    """The minutes come so much later, those of the hour's last `until_min`; or all of them at one time."""
    for (code, kind), readings in works.readings.items():
        if kind is ReadingKind.MIN:
            works.readings[code, kind] = tuple(
                replace(r, late=True, received_at=UNTIL if at_once else r.ts + by)
                if r.ts >= UNTIL - timedelta(minutes=until_min)
                else r
                for r in readings
            )
    return works


def test_data_that_always_comes_late_is_told_at_once_and_a_back_fill_is_not() -> None:
    held_back = timedelta(minutes=40)
    [fault] = found(delayed(stack(), held_back))
    assert (fault.reason.key, fault.tier, fault.code, fault.late) == ("data_late", Tier.FAULT, None, False)
    assert (fault.reason.params["late_percent"], fault.reason.params["minutes"]) == (100, 40)
    assert fault.onset_at == HOUR.ts
    assert keys(delayed(stack(), held_back, at_once=True)) == set()
    assert keys(delayed(stack(), held_back, until_min=40)) == set()
    assert keys(delayed(stack(), held_back), open_onsets={("data_late", ""): HOUR.ts}) == set()


def test_late_data_is_over_when_it_comes_in_time_again_and_a_mixed_hour_says_nothing() -> None:
    onset = {("data_late", ""): HOUR.ts - timedelta(hours=3)}
    for works, ended in ((stack(), 1), (delayed(stack(), timedelta(minutes=40), until_min=30), 0)):
        assert len(review(works.history(open_onsets=onset), HOUR, Policy(), NOW).ended) == ended


def test_a_clock_that_is_off_is_told_at_once_though_all_its_data_is_late() -> None:
    works = delayed(stack(), timedelta(hours=2))
    late_too = review(
        works.history(clock_offset_s=7140.0), HOUR, Policy(), UNTIL + timedelta(hours=2, minutes=10)
    )
    assert {(f.reason.key, f.late) for f in late_too.findings} == {
        ("data_clock_drift", False),
        ("data_late", False),
    }


@pytest.mark.parametrize(("offset_s", "drifts"), [(-75.0, True), (61.0, True), (50.0, False), (None, False)])
def test_a_clock_drifts_from_a_minute_on(offset_s: float | None, drifts: bool) -> None:
    assert keys(stack(), clock_offset_s=offset_s) == ({("data_clock_drift", None)} if drifts else set())


@pytest.mark.parametrize(
    ("after", "key"),
    [({"flag": "M"}, "data_remarked"), ({"value": 60.0}, "data_lowered"), ({"value": 130.0}, None)],
)
def test_exceeding_data_that_is_taken_back_is_a_violation_that_stands(
    after: dict[str, object], key: str | None
) -> None:
    works = stack()
    before = replace(works.readings["a21026", ReadingKind.HOUR][-1], value=140.0)
    sent_again = replace(before, received_at=NOW - timedelta(minutes=1), **after)  # type: ignore[arg-type]
    works.revisions = (Revision(before=before, after=sent_again),)
    outcome = review(works.history(), HOUR, Policy(), NOW)
    assert [(f.reason.key, f.tier, f.onset_at, f.late) for f in outcome.findings] == (
        [(key, Tier.VIOLATION, sent_again.received_at, False)] if key else []
    )
    assert outcome.ended == ()
    repeated = review(works.history(open_onsets={("data_remarked", "a21026"): HOUR.ts}), HOUR, Policy(), NOW)
    assert [f.id for f in repeated.findings] == [f.id for f in outcome.findings], (
        "each act is found, and once"
    )


@pytest.mark.parametrize("sends_hours", [True, False])
@pytest.mark.parametrize(("declared_min", "hint"), [(30, True), (-120, False)])
def test_a_mark_that_was_declared_after_the_exceedance_is_a_hint(
    declared_min: int, hint: bool, sends_hours: bool
) -> None:
    works = stack().channel("a21026", noisy(140), over=100)
    if not sends_hours:
        works.without("a21026", ReadingKind.HOUR, lambda _: True)
    declared_at = UNTIL + timedelta(minutes=declared_min)
    works.marks = (
        Mark(
            label=MarkLabel.MAINTENANCE, from_at=HOUR.ts, to_at=UNTIL, declared_at=declared_at, code="a21026"
        ),
    )
    assert keys(works) == ({("data_marked_after", "a21026")} if hint else set())


@pytest.mark.parametrize(("minutes", "expected"), [(5, {("data_remarked", "a21026")}), (4, set())])
def test_a_few_minutes_that_were_calibration_after_all_accuse_nobody(
    minutes: int, expected: set[tuple[str, str | None]]
) -> None:
    works = stack().channel("a21026", noisy(140), over=100)
    sent = works.readings["a21026", ReadingKind.MIN][-minutes:]
    works.revisions = tuple(Revision(before=r, after=replace(r, flag="C")) for r in sent)
    assert keys(works) == expected


def test_slow_analysers_in_water_may_say_their_last_result_for_hours() -> None:
    every_four_hours = [random.Random(n).uniform(30, 50) for n in range(20)]
    held = water().channel(
        "w01018",
        lambda _: every_four_hours[0],
        hours=lambda n: round(every_four_hours[n // 4], 2),
        over=100,
        unit="mg/L",
    )
    assert keys(held) == set()
    stuck = water().channel("w01018", lambda _: 40.0, hours=lambda _: 40.0, over=100, unit="mg/L")
    assert keys(stuck) == {("data_constant", "w01018")}


def test_what_is_flagged_or_declared_is_not_held_against_the_works() -> None:
    flat = lambda _: FLAT  # noqa: E731
    assert keys(stack().channel("a21026", flat, over=100, flag=lambda n: "M" if n > 30 else "N")) == set()
    works = stack().channel("a21026", flat, over=100)
    works.marks = (
        Mark(
            label=MarkLabel.MAINTENANCE, from_at=UNTIL - timedelta(hours=3), to_at=UNTIL, declared_at=HOUR.ts
        ),
    )
    assert ("data_constant", "a21026") not in keys(works)


def test_outside_business_hours_a_fan_may_run_alone() -> None:
    works = CASES["purifier_off"][2]()
    for hours, rules in ((("11:00-12:00",), {"data_purifier_off"}), (("18:00-11:00",), set()), ((), set())):
        policy = Policy(quality=QualityRule(business_hours=hours))
        assert {f.rule for f in review(works.history(), HOUR, policy, NOW).findings} == rules


def test_a_kitchens_second_purifier_will_do() -> None:
    works = CASES["purifier_off"][2]()
    works.channel("ga1pur", lambda _: 2.0, unit="A", role="purifier")
    assert keys(works) == set()


def test_a_channel_that_was_only_heard_is_not_found_fault_with() -> None:
    works = stack().channel("a21026", lambda _: FLAT, over=100)
    works.channels["a21026"] = replace(works.channels["a21026"], registered=False)
    assert keys(works) == set()


def test_a_stopped_works_may_rest() -> None:
    works = Works()
    works.channel("a21026", lambda _: 0.0, over=100, high=500)
    works.channel("a19001", lambda _: 20.9, unit="%", high=25)
    works.channel("a00000", lambda _: 0.0, unit="m3/s")
    assert keys(works) == set()


def test_each_finding_says_whose_it_is_and_with_which_numbers() -> None:
    [finding] = found(stack().channel("a21026", lambda _: FLAT, over=100))
    assert (finding.kind, finding.tier, finding.station, finding.code) == (
        Kind.DATA_FAULT,
        Tier.FAULT,
        "MN1",
        "a21026",
    )
    assert finding.reason.params == {
        "code": "a21026",
        "unit": "mg/m3",
        "value": FLAT,
        "hours": 6.0,
        "readings": 360,
    }
    assert finding.onset_at == UNTIL - timedelta(hours=6)


def test_what_is_found_in_late_data_is_late() -> None:
    works = stack().channel("a21026", lambda _: FLAT, over=100)
    for key, rows in works.readings.items():
        works.readings[key] = tuple(_late(r) for r in rows)
    assert {f.reason.key: f.late for f in found(works)} == {"data_constant": True, "data_late": False}


def _late(reading: Reading) -> Reading:
    return replace(reading, late=True)
