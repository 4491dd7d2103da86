"""Simulated monitors are plausible, tell their story when it is due, and are what the intake decodes."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.reading import ReadingKind
from ingest.payloads import Decoded, Measurement, decode, encode
from simulators.city import make_city
from simulators.city_names import INCINERATOR_STACK, SEWAGE_OUTLET, ULTRA_LOW_STACK, OutletPlan
from simulators.monitors import Faults, Monitor, Told, through
from simulators.timeline import ROUND_S, STORY, At, GoesDark, Measures, dark, going_on, silent, told

NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
STACK = OutletPlan(name="stack", medium="air", channels=ULTRA_LOW_STACK, oxygen=6)


def a_monitor(outlet: OutletPlan = STACK, seed: int = 1) -> Monitor:
    return Monitor("FA01", outlet, seed)


def steps(
    monitor: Monitor, count: int, *, period_s: float = 5, begins_at: datetime = NOON
) -> list[Measurement]:
    return [m for i in range(count) for m in monitor.step(begins_at + timedelta(seconds=i * period_s))]


def test_the_same_seed_measures_the_same() -> None:
    assert steps(a_monitor(seed=4), 50) == steps(a_monitor(seed=4), 50)
    assert steps(a_monitor(seed=4), 50) != steps(a_monitor(seed=5), 50)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("channels", [ULTRA_LOW_STACK, INCINERATOR_STACK, SEWAGE_OUTLET])
def test_without_a_story_no_limit_is_ever_passed(seed: int, channels: tuple) -> None:
    outlet = OutletPlan(name="x", medium="air", channels=channels, oxygen=6)
    day = steps(a_monitor(outlet, seed), 24 * 60, period_s=60)
    limits = {p.code: p.limit for p in channels if p.limit is not None}

    worst = max(m.converted.get(c, m.values[c]) / limit for m in day for c, limit in limits.items())
    assert 0.3 < worst < 0.95


def test_values_follow_the_hour_of_the_day() -> None:
    monitor = a_monitor(seed=2)
    afternoon = [
        monitor.step(NOON + timedelta(hours=3, seconds=i))[0].converted["a21002"] for i in range(200)
    ]
    night = [monitor.step(NOON + timedelta(hours=15, seconds=i))[0].converted["a21002"] for i in range(200)]

    assert sum(afternoon) > sum(night)


def test_a_story_climbs_to_its_ratio_of_the_limit() -> None:
    monitor = a_monitor()

    at_once = monitor.step(NOON, {"a21026": Told(ratio=3, since_s=0)})[0].converted["a21026"]
    risen = monitor.step(NOON, {"a21026": Told(ratio=3, since_s=30)})[0].converted["a21026"]
    assert at_once < 35
    assert 2.6 * 35 < risen < 3.4 * 35


def test_the_measured_value_is_the_converted_one_at_the_stacks_own_oxygen() -> None:
    measured = a_monitor().step(NOON)[0]
    oxygen = measured.values["a19001"]

    assert measured.values["a21026"] == pytest.approx(
        measured.converted["a21026"] * (21 - oxygen) / 15, rel=1e-3
    )


def test_only_whole_minutes_and_hours_are_reported_as_means() -> None:
    sent = steps(a_monitor(), 2 * 3600 // 5, begins_at=NOON + timedelta(minutes=20, seconds=30))
    minutes = [m for m in sent if m.kind is ReadingKind.MIN]
    hours = [m for m in sent if m.kind is ReadingKind.HOUR]

    assert minutes[0].ts == NOON + timedelta(minutes=21)
    assert [m.ts for m in hours] == [NOON + timedelta(hours=1)]
    of_the_first = [
        m.values["a21026"]
        for m in sent
        if m.kind is ReadingKind.RTD and m.ts.replace(second=0) == minutes[0].ts
    ]
    assert minutes[0].values["a21026"] == pytest.approx(sum(of_the_first) / len(of_the_first), abs=1e-3)


def test_a_mean_of_mostly_flagged_values_is_flagged() -> None:
    monitor = a_monitor()
    for i in range(12 * 2 + 1):
        story = {"a21026": Told(flag="C")} if i > 12 else {}
        sent = monitor.step(NOON + timedelta(seconds=5 * i), story)

    assert sent[1].flags == {"a21026": "D"}


def test_history_is_whole_periods_before_now_oldest_first_and_its_minutes_begin_with_an_hour() -> None:
    now = NOON + timedelta(minutes=7, seconds=3)
    history = list(a_monitor().history(now, hours=3, minutes=2))

    expected = [NOON - timedelta(hours=h) for h in (3, 2, 1)] + [
        NOON + timedelta(minutes=m) for m in range(7)
    ]
    assert [m.ts for m in history] == expected


def test_an_hour_of_history_is_the_mean_of_its_minutes() -> None:
    history = list(a_monitor().history(NOON + timedelta(minutes=7), hours=2, minutes=60))
    [hour] = [m for m in history if m.kind is ReadingKind.HOUR and m.ts == NOON - timedelta(hours=1)]
    minutes = [m for m in history if m.kind is ReadingKind.MIN and m.ts < NOON]
    assert len(minutes) == 60
    for code, value in hour.values.items():
        assert value == pytest.approx(sum(m.values[code] for m in minutes) / 60, abs=0.001)


def test_what_monitors_send_is_what_the_intake_decodes() -> None:
    for measurement in steps(a_monitor(), 30):
        topic, payload = encode(measurement)

        assert decode(topic, payload, measurement.ts) == Decoded((measurement,))


def test_a_good_line_changes_nothing_and_a_bad_one_does_what_it_says() -> None:
    sent = [m for m in steps(a_monitor(), 400) if m.kind is ReadingKind.RTD]

    assert [s.measurement for s in through(Faults(), random.Random(1), sent)] == sent
    lost = list(through(Faults(drop=0.5), random.Random(1), sent))
    assert 150 < len(lost) < 250
    assert len(list(through(Faults(duplicate=1), random.Random(1), sent))) == 800
    assert all(
        s.measurement.ts == m.ts + timedelta(seconds=90)
        for s, m in zip(through(Faults(skew_s=90), random.Random(1), sent), sent, strict=True)
    )
    assert max(s.after_s for s in through(Faults(delay=0.1), random.Random(1), sent)) > 30
    absurd = [s.measurement for s in through(Faults(absurd=1), random.Random(1), sent)]
    assert all(any(v in (-9999.0, 65535.0, 1e9) for v in m.values.values()) for m in absurd)


def test_the_story_holds_for_as_long_as_it_says_and_is_told_again() -> None:
    story = (
        At(10, Measures(enterprise="heat", code="a21026", ratio=2), for_s=20),
        At(15, GoesDark(camera="c"), for_s=5),
    )

    assert [len(going_on(story, t)) for t in (0, 9.9, 10, 15, 20, 29.9, 30)] == [0, 0, 1, 2, 1, 1, 0]
    assert going_on(story, ROUND_S + 12) == [(story[0].event, 2)]
    assert (dark(story, 16), dark(story, 25)) == ({"c"}, frozenset())


def test_the_shipped_story_speaks_of_what_the_city_has() -> None:
    city = make_city(1, cameras_url="rtsp://127.0.0.1:1")

    for step in STORY:
        middle_s = step.at_s + step.for_s / 2
        assert told(city, STORY, middle_s) or silent(city, STORY, middle_s) or dark(STORY, middle_s)
        assert dark(STORY, middle_s) <= {c.id for c in city.cameras}
        for mn, by_code in told(city, STORY, middle_s).items():
            assert set(by_code) <= {p.code for p in city.plans[mn].channels if p.limit is not None}
