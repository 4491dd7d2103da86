"""Which limit a live value is held against: schedules, validity, other kinds' limits, noise, and marks of the works."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.sensors.gate import Gate, gate_for
from detectors.sensors.in_force import own_limit
from farwatch.domain.policy import SHIPPED, LimitRule
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Limit
from farwatch.domain.review import CITY
from farwatch.domain.schedule import holds, overlap, stretch_of

RTD, MIN, HOUR, DAY = ReadingKind.RTD, ReadingKind.MIN, ReadingKind.HOUR, ReadingKind.DAY
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def local(day: int, clock: str) -> datetime:
    hour, minute = (int(part) for part in clock.split(":"))
    return datetime(2026, 11, day, hour, minute, tzinfo=CITY).astimezone(UTC)


def limit(kind: ReadingKind = HOUR, amount: float | None = 50.0, **changes: object) -> Limit:
    fields: dict[str, object] = {
        "mn": "MN1", "code": "Leq", "unit": "dB(A)", "kind": kind, "limit": amount, "valid_from": ALWAYS,
    }  # fmt: skip
    return Limit(**(fields | changes))  # type: ignore[arg-type]


def gate(
    *limits: Limit, code: str = "a21026", kind: ReadingKind = RTD, rule: LimitRule = SHIPPED.limit
) -> Gate:
    return gate_for(code, kind, limits, (), rule)


def amount(bounds: object) -> float | None:
    return getattr(getattr(bounds, "limit", None), "limit", None)


DAY_AND_NIGHT = (limit(schedule="06:00-22:00", amount=60.0), limit(schedule="22:00-06:00", amount=50.0))
EDGES = [
    ("05:59", 50.0), ("06:00", 60.0), ("12:00", 60.0), ("21:59", 60.0), ("22:00", 50.0), ("23:59", 50.0), ("00:00", 50.0),
]  # fmt: skip


@pytest.mark.parametrize(("clock", "expected"), EDGES)
def test_day_and_night_change_at_their_minute_of_the_citys_time(clock: str, expected: float) -> None:
    assert amount(gate(*DAY_AND_NIGHT, code="Leq", kind=MIN).look(local(22, clock))) == expected
    found = own_limit(DAY_AND_NIGHT, HOUR, local(22, clock))
    assert found is not None
    assert found.limit == expected


@given(st.lists(st.integers(-2 * 1440, 2 * 1440), min_size=2, max_size=6))
def test_day_and_night_are_told_apart_in_whatever_order_the_moments_are_asked(minutes: list[int]) -> None:
    door = gate(*DAY_AND_NIGHT, code="Leq", kind=MIN)
    for minute in minutes:
        ts = local(22, "00:00") + timedelta(minutes=minute)
        bounds = door.bounds if door.since <= ts < door.until else door.look(ts)
        assert amount(bounds) == (60.0 if 6 * 60 <= minute % 1440 < 22 * 60 else 50.0)


def test_outside_every_schedule_the_limit_without_one_counts_else_none() -> None:
    night = limit(schedule="22:00-06:00", amount=40.0)
    assert amount(gate(night, limit(), code="a21026").look(local(22, "23:00"))) == 40.0
    assert amount(gate(night, limit(), code="a21026").look(local(22, "12:00"))) == 50.0
    assert gate(night).look(local(22, "12:00")) is None


FALLBACKS = [
    (RTD, {RTD: 1.0, MIN: 2.0, HOUR: 3.0, DAY: 4.0}, 1.0),
    (RTD, {MIN: 2.0, HOUR: 3.0, DAY: 4.0}, 3.0),
    (RTD, {MIN: 2.0, DAY: 4.0}, 2.0),
    (RTD, {DAY: 4.0}, 4.0),
    (MIN, {RTD: 1.0, MIN: 2.0, HOUR: 3.0, DAY: 4.0}, 2.0),
    (MIN, {RTD: 1.0, DAY: 4.0}, 1.0),
    (RTD, {RTD: None, HOUR: 3.0}, 3.0),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "amounts", "expected"), FALLBACKS)
def test_live_values_use_the_legal_limit_where_they_have_none(
    kind: ReadingKind, amounts: dict[ReadingKind, float | None], expected: float
) -> None:
    limits = [limit(k, a) for k, a in amounts.items()]
    assert amount(gate(*limits, kind=kind).look(local(22, "12:00"))) == expected


def test_a_moment_far_above_the_days_mean_warns_and_never_violates() -> None:
    bounds = gate(limit(DAY, 50.0, lower=6.0), rule=LimitRule(violation_ratio=2.0)).look(local(22, "12:00"))
    assert bounds is not None
    assert (bounds.over, bounds.under, bounds.violation_from) == (100.0, float("-inf"), float("inf"))


@pytest.mark.parametrize(
    ("code", "kind", "limits", "expected"),
    [
        ("LA", RTD, (limit(RTD), limit(HOUR)), None),
        ("B03", RTD, (limit(RTD), limit(HOUR)), None),
        ("Leq", RTD, (limit(HOUR),), None),
        ("Leq", RTD, (limit(RTD), limit(HOUR, 60.0)), 50.0),
        ("Leq", MIN, (limit(HOUR),), 50.0),
        ("LMx", MIN, (limit(HOUR, 65.0),), 65.0),
    ],
)
def test_noise_is_judged_by_levels_of_a_period(
    code: str, kind: ReadingKind, limits: Sequence[Limit], expected: float | None
) -> None:
    assert amount(gate(*limits, code=code, kind=kind).look(local(22, "12:00"))) == expected


CLEARING = [
    (limit(RTD, 50.0), float("-inf"), 47.5),
    (limit(RTD, 9.0, lower=6.0), 6.3, 8.55),
    (limit(RTD, None, lower=850.0), 892.5, float("inf")),
    (limit(RTD, None, lower=-20.0), -19.0, float("inf")),
    (limit(RTD, 860.0, lower=850.0), 852.5, 857.5),
]  # fmt: skip


@pytest.mark.parametrize(("bound", "above", "below"), CLEARING)
def test_clearing_wants_some_room_from_both_bounds_and_always_leaves_some(
    bound: Limit, above: float, below: float
) -> None:
    bounds = gate(bound).look(local(22, "12:00"))
    assert bounds is not None
    assert bounds.clear_above == pytest.approx(above)
    assert bounds.clear_below == pytest.approx(below)
    assert bounds.clear_above < bounds.clear_below


schedules = st.sampled_from(["", "06:00-22:00", "22:00-06:00", "08:30-09:00", "23:59-00:01"])
moments = st.integers(-3 * 1440, 3 * 1440).map(lambda minute: local(22, "00:00") + timedelta(minutes=minute))
limits = st.lists(
    st.builds(
        limit,
        kind=st.sampled_from(ReadingKind),
        amount=st.none() | st.floats(1, 100),
        schedule=schedules,
        valid_from=moments,
        valid_to=st.none() | moments,
    ),
    max_size=6,
    unique_by=lambda x: (x.kind, x.schedule, x.valid_from),
)


@given(limits, st.lists(moments, min_size=1, max_size=8), st.sampled_from([RTD, MIN]))
def test_a_gate_that_remembers_its_stretch_answers_as_a_look_at_all_limits(
    known: list[Limit], asked: list[datetime], kind: ReadingKind
) -> None:
    door = gate(*known, kind=kind)
    order = (RTD, HOUR, MIN, DAY) if kind is RTD else (MIN, HOUR, RTD, DAY)
    for ts in asked:
        bounds = door.bounds if door.since <= ts < door.until else door.look(ts)
        assert door.since <= ts < door.until
        found = [own_limit(known, wanted, ts) for wanted in order]
        expected = next((x for x in found if x is not None), None)
        assert (bounds.limit if bounds else None) == expected


@given(st.sampled_from(["06:00-22:00", "22:00-06:00", "00:00-00:01"]), moments)
def test_a_schedule_and_its_complement_share_no_minute(schedule: str, at: datetime) -> None:
    begin, end = schedule.split("-")
    assert holds(stretch_of(schedule), at) != holds(stretch_of(f"{end}-{begin}"), at)
    assert not overlap(schedule, f"{end}-{begin}")
    assert overlap(schedule, schedule)


@pytest.mark.parametrize("word", ["24:00-06:00", "06:60-07:00", "x", "06:00"])
def test_what_is_no_schedule_is_refused(word: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - any of them says what it is
        stretch_of(word)
