"""Timelines: (seconds, value, flag) in, what begins and ends out."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sensors.gate import gate_for
from detectors.sensors.judge import LimitJudge
from farwatch.domain.finding import Finding, Tier
from farwatch.domain.judging import Outcome
from farwatch.domain.place import Position
from farwatch.domain.policy import SHIPPED
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Limit, Registry, Station
from farwatch.domain.review import Mark

T0 = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
HERE = Position(30.0, 120.0)


def a_limit(kind: ReadingKind = ReadingKind.RTD, limit: float = 50.0, **changes: object) -> Limit:
    fields: dict[str, object] = {
        "mn": "MN1",
        "code": "a21026",
        "unit": "mg/m3",
        "kind": kind,
        "limit": limit,
        "valid_from": T0 - timedelta(days=1),
    }
    return Limit(**(fields | changes))  # type: ignore[arg-type]


def a_city(*limits: Limit, drill: bool = False) -> Registry:
    station = Station(mn="MN1", enterprise="E1", name="stack", place=HERE, medium="air", drill=drill)
    return Registry(stations={"MN1": station}, limits={("MN1", "a21026"): limits})


def a_reading(
    at_s: float, value: float, flag: str = "N", kind: ReadingKind = ReadingKind.RTD, **changes: object
) -> Reading:
    ts = T0 + timedelta(seconds=at_s)
    fields: dict[str, object] = {
        "mn": "MN1",
        "code": "a21026",
        "kind": kind,
        "ts": ts,
        "value": value,
        "received_at": ts,
        "flag": flag,
    }
    return Reading(**(fields | changes))  # type: ignore[arg-type]


def judged(city: Registry, readings: list[Reading]) -> list[tuple[str, float]]:
    """Begins and ends in words, with the seconds at which they are dated."""
    outcome = LimitJudge().judge(city, SHIPPED, {}, readings)
    return story(outcome)


def story(outcome: Outcome) -> list[tuple[str, float]]:
    begun = {f.id: f for f in outcome.findings}
    told = [(f"{f.tier} begins", (f.onset_at - T0).total_seconds()) for f in outcome.findings]
    return told + [
        (f"{begun[e.finding_id].tier} ends", (e.ended_at - T0).total_seconds())
        for e in outcome.ended
        if e.finding_id in begun
    ]


@pytest.mark.parametrize(
    ("timeline", "expected"),
    [
        ([(0, 40, "N"), (5, 49, "N")], []),
        ([(0, 60, "N")], [("early begins", 0)]),
        ([(0, 60, "N"), (5, 61, "N"), (10, 62, "N"), (60, 70, "N")], [("early begins", 0)]),
        ([(0, 150, "N"), (5, 150, "N")], [("early begins", 0)]),
        ([(0, 150, "N"), (5, 150, "N"), (10, 150, "N")], [("early begins", 0), ("violation begins", 0)]),
        ([(0, 150, "N"), (5, 60, "N"), (10, 150, "N"), (15, 150, "N")], [("early begins", 0)]),
        ([(0, 150, "N"), (1, 150, "N"), (2, 150, "N"), (3, 150, "N")], [("early begins", 0)]),
        ([(0, 150, "M"), (5, 150, "D"), (10, 150, "C")], []),
        ([(0, 60, "N"), (5, 40, "N"), (20, 40, "N"), (36, 40, "N")], [("early begins", 0), ("early ends", 5)]),
        ([(0, 60, "N"), (5, 40, "N"), (20, 60, "N"), (36, 40, "N")], [("early begins", 0)]),
        ([(0, 60, "N"), (5, 49, "N"), (60, 49, "N")], [("early begins", 0)]),
        ([(0, 150, "N"), (5, 150, "N"), (700, 150, "N")], [("early begins", 0)]),
    ],
    ids=[
        "below", "one_value_over_warns", "over_but_not_twice_only_warns", "twice_but_not_held", "twice_and_held",
        "a_dip_breaks_the_hold", "held_too_short", "flags_never_raise", "cleared_after_a_while", "not_cleared_by_a_dip",
        "hysteresis", "a_long_silence_breaks_the_hold",
    ],
)  # fmt: skip
def test_real_time_values(
    timeline: list[tuple[float, float, str]], expected: list[tuple[str, float]]
) -> None:
    assert judged(a_city(a_limit()), [a_reading(*moment) for moment in timeline]) == expected


def test_a_violation_names_its_numbers() -> None:
    outcome = LimitJudge().judge(a_city(a_limit()), SHIPPED, {}, [a_reading(t, 150) for t in (0, 5, 10)])
    violation = outcome.findings[-1]
    assert violation.reason.key == "over_limit_held"
    assert (violation.reason.params["limit"], violation.reason.params["ratio"]) == (50.0, 3.0)
    assert len({f.id for f in outcome.findings}) == 2
    assert len({f.fingerprint for f in outcome.findings}) == 1


@pytest.mark.parametrize("kind", [ReadingKind.HOUR, ReadingKind.DAY])
def test_legal_means_are_left_to_the_review(kind: ReadingKind) -> None:
    assert judged(a_city(a_limit(kind)), [a_reading(0, 500, kind=kind)]) == []


def test_real_time_values_are_held_against_the_legal_limit_where_they_have_none() -> None:
    assert judged(a_city(a_limit(ReadingKind.HOUR)), [a_reading(0, 60)]) == [("early begins", 0)]


def test_the_converted_value_counts_where_the_limit_says_so() -> None:
    city = a_city(a_limit(converted=True))
    assert judged(city, [a_reading(0, 10, converted=60.0)]) == [("early begins", 0)]
    assert judged(city, [a_reading(0, 500)]) == []


def test_a_limit_counts_only_in_its_validity_period() -> None:
    old = a_limit(limit=50, valid_from=T0 - timedelta(days=2), valid_to=T0)
    new = a_limit(limit=80, valid_from=T0)
    gate = gate_for("a21026", ReadingKind.RTD, (old, new), (), SHIPPED.limit)
    assert [b and b.limit for b in (gate.look(T0 - timedelta(seconds=1)), gate.look(T0))] == [old, new]


def test_late_values_leave_the_live_state_alone_and_their_findings_say_late() -> None:
    outcome = LimitJudge().judge(
        a_city(a_limit()), SHIPPED, {}, [a_reading(t, 150, late=True) for t in (0, 5, 10)]
    )
    assert all(f.late for f in outcome.findings)
    assert all(key[3] for key in outcome.changes)


def test_an_exceedance_ends_with_its_limit_and_begins_anew_under_the_next() -> None:
    limits = (
        a_limit(limit=50, valid_to=T0 + timedelta(seconds=10)),
        a_limit(limit=40, valid_from=T0 + timedelta(seconds=20)),
    )
    readings = [a_reading(at_s, 60) for at_s in (0, 5, 10, 15, 20, 25)]
    assert judged(a_city(*limits), readings) == [
        ("early begins", 0),
        ("early begins", 20),
        ("early ends", 10),
    ]


def test_a_station_marked_for_drills_only_makes_drill_findings() -> None:
    outcome = LimitJudge().judge(a_city(a_limit(), drill=True), SHIPPED, {}, [a_reading(0, 60)])
    assert [f.drill_id for f in outcome.findings] == ["standing"]


def test_a_value_below_its_lower_bound_warns_and_ends_well_above_it() -> None:
    city = a_city(a_limit(limit=9.0, lower=6.0))
    readings = [a_reading(0, 5.9), a_reading(5, 6.1), a_reading(10, 7.0), a_reading(41, 7.0)]
    assert judged(city, readings) == [("early begins", 0), ("early ends", 10)]
    (finding,) = LimitJudge().judge(city, SHIPPED, {}, readings).findings
    assert (finding.reason.key, finding.reason.params["limit"], finding.reason.params["ratio"]) == (
        "under_limit", 6.0, 0.983,
    )  # fmt: skip


def test_too_low_and_then_too_high_is_one_matter() -> None:
    city = a_city(a_limit(limit=9.0, lower=6.0))
    assert judged(city, [a_reading(0, 5.0), a_reading(5, 9.5), a_reading(10, 5.0)]) == [("early begins", 0)]


def test_a_finding_says_where_its_limit_comes_from_and_whether_anybody_compared_it() -> None:
    city = a_city(a_limit(ReadingKind.HOUR, source="GB 13223-2011 燃煤锅炉", unverified=True))
    (finding,) = LimitJudge().judge(city, SHIPPED, {}, [a_reading(0, 60)]).findings
    params = finding.reason.params
    assert (params["source"], params["unverified"], params["limit_kind"]) == (
        "GB 13223-2011 燃煤锅炉", True, "hour",
    )  # fmt: skip


def test_what_is_held_lives_through_the_edge_of_a_schedule() -> None:
    """16:00 in the city is 8:00 UTC: the limit halves in mid-hold, and what goes on being far over goes on being held."""
    day = a_limit(limit=50, schedule="08:00-16:00")
    night = a_limit(limit=25, schedule="16:00-08:00")
    readings = [a_reading(at_s, 120) for at_s in (-8, -4, 0, 4)]
    assert judged(a_city(day, night), readings) == [("early begins", -8), ("violation begins", -8)]
    assert judged(a_city(day), readings) == [("early begins", -8), ("early ends", 0)]
    eased = [a_reading(-4, 40), a_reading(0, 40), a_reading(31, 40)]
    assert judged(a_city(night, a_limit(limit=30, schedule="08:00-16:00")), eased) == [("early begins", -4)]


def marked(*marks: Mark, code: str = "a21026") -> Registry:
    return replace(a_city(a_limit()), marks={"MN1": marks})


START_UP = Mark(
    label="启炉", from_at=T0, to_at=T0 + timedelta(minutes=5), declared_at=T0 - timedelta(hours=1)
)


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        (START_UP, [("early begins", 300)]),
        (replace(START_UP, code="a21026"), [("early begins", 300)]),
        (replace(START_UP, code="a21002"), [("early begins", 0)]),
        (replace(START_UP, declared_at=T0 + timedelta(minutes=2)), [("early begins", 0)]),
    ],
    ids=["the station's", "the channel's", "another channel's", "declared too late"],
)
def test_what_lies_in_a_declared_mark_raises_nothing(mark: Mark, expected: list[tuple[str, float]]) -> None:
    assert judged(marked(mark), [a_reading(at_s, 60) for at_s in (0, 60, 299, 300)]) == expected


def test_a_mark_neither_holds_nor_ends_what_was_open_before_it() -> None:
    readings = [
        a_reading(-5, 60),
        a_reading(10, 10),
        a_reading(200, 10),
        a_reading(310, 10),
        a_reading(350, 10),
    ]
    assert judged(marked(START_UP), readings) == [("early begins", -5), ("early ends", 310)]


values = st.lists(
    st.tuples(st.integers(1, 40), st.sampled_from([10.0, 48.0, 60.0, 150.0]), st.sampled_from("NNNM")),
    max_size=40,
)


@given(values, st.integers(0, 40))
def test_judging_in_any_batches_and_again_finds_the_same_once(
    steps: list[tuple[int, float, str]], cut: int
) -> None:
    readings, at_s = [], 0
    for gap, value, flag in steps:
        at_s += gap
        readings.append(a_reading(at_s, value, flag, received_at=T0 + timedelta(hours=1)))
    judge, city = LimitJudge(), a_city(a_limit())
    whole = judge.judge(city, SHIPPED, {}, readings)
    first = judge.judge(city, SHIPPED, {}, readings[:cut])
    second = judge.judge(city, SHIPPED, dict(first.changes), readings[cut:])
    repeated = judge.judge(city, SHIPPED, dict(whole.changes), readings)
    assert {f.id for f in whole.findings} == {f.id for f in (*first.findings, *second.findings)}
    assert repeated.findings == ()


@given(values, st.integers(0, 40))
def test_a_judge_that_starts_again_goes_on_where_it_was(
    steps: list[tuple[int, float, str]], cut: int
) -> None:
    readings, at_s = [], 0
    for gap, value, flag in steps:
        at_s += gap
        readings.append(a_reading(at_s, value, flag))
    judge, city = LimitJudge(), a_city(a_limit())
    first = judge.judge(city, SHIPPED, {}, readings[:cut])
    ended = {e.finding_id for e in first.ended}
    still_open: dict[tuple[str, str, str, str, bool], datetime] = {
        (f.rule, f.tier, "MN1", "a21026", False): f.onset_at for f in first.findings if f.id not in ended
    }
    memory, before = judge.memory(SHIPPED), readings[:cut]
    needed = [
        r
        for n, r in enumerate(before)
        if n >= len(before) - memory.readings or before[-1].ts - r.ts <= memory.span
    ]
    resumed = judge.resume(city, SHIPPED, needed, still_open)
    assert (
        judge.judge(city, SHIPPED, resumed, readings[cut:]).findings
        == judge.judge(city, SHIPPED, dict(first.changes), readings[cut:]).findings
    )


def test_a_finding_older_than_what_is_replayed_still_ends() -> None:
    judge, city = LimitJudge(), a_city(a_limit())
    onset_at = T0 - timedelta(hours=5)
    state = judge.resume(city, SHIPPED, [], {("limit_rtd", "early", "MN1", "a21026", False): onset_at})
    outcome = judge.judge(city, SHIPPED, state, [a_reading(0, 10), a_reading(31, 10)])
    expected = Finding(
        rule="limit_rtd", kind="exceedance", tier=Tier.EARLY, place=HERE, onset_at=onset_at, severity=1, reason=None,  # type: ignore[arg-type]
        station="MN1", code="a21026",
    ).id  # fmt: skip
    assert [e.finding_id for e in outcome.ended] == [expected]


def test_a_clock_that_was_ahead_and_is_set_does_not_hide_what_comes_after() -> None:
    judge, city = LimitJudge(), a_city(a_limit())
    state = judge.judge(city, SHIPPED, {}, [a_reading(600, 10, received_at=T0)]).changes
    (finding,) = judge.judge(city, SHIPPED, state, [a_reading(10, 60)]).findings
    assert finding.onset_at == T0 + timedelta(seconds=10)
