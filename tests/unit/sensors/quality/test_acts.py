"""Ways around the rules about data that is taken back, and those of honest works that look alike."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from detectors.sensors.quality import review
from farwatch.domain.finding import Finding
from farwatch.domain.policy import Policy
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Limit
from farwatch.domain.review import Mark, MarkLabel, Period, Revision, period_of
from tests.support.quality import HOUR, UNTIL, Works, limit, stack
from tests.support.quality_cases import noisy, water

NOW = UNTIL + timedelta(minutes=10)
MINUTE = timedelta(minutes=1)
AFTER = UNTIL + timedelta(minutes=30)
DAY = period_of(ReadingKind.DAY, UNTIL - timedelta(days=1))
SO2 = "a21026"


def keys(works: Works, period: Period = HOUR) -> set[tuple[str, str | None]]:
    return {(f.reason.key, f.code) for f in found(works, period)}


def found(works: Works, period: Period = HOUR) -> list[Finding]:
    return list(review(works.history(), period, Policy(), NOW).findings)


def day_limit(code: str, value: float) -> Limit:
    return replace(limit(code, value), kind=ReadingKind.DAY)


def sent_again(works: Works, code: str, count: int, **after: object) -> Works:
    before = works.readings[code, ReadingKind.MIN][-count:]
    works.revisions = tuple(Revision(before=r, after=replace(r, **after)) for r in before)  # type: ignore[arg-type]
    return works


@pytest.mark.parametrize(
    ("every_min", "count", "expected"),
    [(10, 2, True), (10, 1, False), (5, 4, True), (5, 3, False), (30, 1, True)],
)
def test_of_slower_minutes_as_many_as_void_the_hour_are_enough(
    every_min: int, count: int, expected: bool
) -> None:
    works = Works().channel(SO2, noisy(140), over=100, every_min=every_min)
    assert (("data_remarked", SO2) in keys(sent_again(works, SO2, count, flag="M"))) is expected


def test_one_of_ten_minutes_voids_an_hour_of_water() -> None:
    works = Works().channel("w01018", noisy(140), over=100, unit="mg/L", every_min=10)
    assert ("data_remarked", "w01018") in keys(sent_again(works, "w01018", 1, flag="M"))


@pytest.mark.parametrize("after", [{"flag": "C"}, {"value": 7.0}])
def test_acid_below_its_lower_bound_that_is_taken_back_is_found(after: dict[str, object]) -> None:
    works = water().channel("w01001", lambda n: 4.0 + 0.01 * (n % 7), unit="pH")
    works.limits["w01001"] = (replace(limit("w01001", 9.0), lower=6.0),)
    works = sent_again(works, "w01001", 5, **after)
    [act] = [f for f in found(works) if f.rule == "data_remarked"]
    assert (act.reason.key, act.reason.params["limit"]) == ("data_remarked", 6.0)


@pytest.mark.parametrize(
    ("after", "key"),
    [({"flag": "M"}, "data_remarked"), ({"value": 40.0}, "data_lowered"), ({"value": 70.0}, None)],
)
def test_a_days_own_mean_that_is_taken_back_is_found_in_its_day(
    after: dict[str, object], key: str | None
) -> None:
    works = water()
    works.limits["w01018"] = (day_limit("w01018", 50.0),)
    before = a_day("w01018", 60.0)
    works.revisions = (Revision(before=before, after=replace(before, received_at=NOW, **after)),)  # type: ignore[arg-type]
    assert keys(works, DAY) == ({(key, "w01018")} if key else set())
    assert ("data_remarked", "w01018") not in keys(works)


def test_hours_that_were_taken_back_are_found_in_their_hour_and_not_again_in_their_day() -> None:
    works = stack()
    before = next(r for r in works.readings[SO2, ReadingKind.HOUR] if r.ts >= DAY.ts)
    over = replace(before, value=140.0)
    works.revisions = (Revision(before=over, after=replace(over, flag="M")),)
    assert keys(works, DAY) == set()


def a_day(code: str, value: float) -> Reading:
    return Reading("MN1", code, ReadingKind.DAY, DAY.ts, value, DAY.until + MINUTE)


def declared(from_min: float, to_min: float) -> tuple[Mark, ...]:
    """Minutes of the hour, after the hour's data had come."""
    return (
        Mark(
            label=MarkLabel.MAINTENANCE, from_at=HOUR.ts + from_min * MINUTE, to_at=HOUR.ts + to_min * MINUTE,
            declared_at=AFTER,
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("marks", "hint"),
    [
        (declared(0.02, 60), True),
        (declared(0, 30) + declared(30, 60), True),
        (declared(40, 56), True),
        (declared(40, 44), False),
    ],
)
def test_an_hour_need_not_be_declared_away_to_the_last_minute(marks: tuple[Mark, ...], hint: bool) -> None:
    works = stack().channel(SO2, noisy(140), over=100)
    works.marks = marks
    assert keys(works) == ({("data_marked_after", SO2)} if hint else set())


def test_a_peak_that_is_declared_away_so_that_the_rest_is_under_the_limit_is_a_hint() -> None:
    peak: Callable[[int], float] = lambda n: 80 + n % 7 + (400 if n <= 10 else 0)  # noqa: E731
    works = stack().channel(SO2, peak, hours=lambda _: 150.0, over=100)
    works.marks = declared(50, 60)
    assert keys(works) == {("data_marked_after", SO2)}


@pytest.mark.parametrize(
    ("declared_after", "hint"), [(timedelta(hours=3), True), (-timedelta(hours=3), False)]
)
@pytest.mark.parametrize("has_day", [True, False])
def test_hours_that_are_declared_away_so_that_the_day_is_under_its_limit_are_a_hint(
    declared_after: timedelta, hint: bool, has_day: bool
) -> None:
    works = Works().channel("w01018", None, hours=noisy(40, 0.2), unit="mg/L")
    works.limits["w01018"] = (day_limit("w01018", 50.0),)
    worst = DAY.ts + timedelta(hours=8)
    works.readings["w01018", ReadingKind.HOUR] = tuple(
        replace(r, value=200.0) if worst <= r.ts < worst + timedelta(hours=3) else r
        for r in works.readings["w01018", ReadingKind.HOUR]
    )
    if has_day:
        works.readings["w01018", ReadingKind.DAY] = (a_day("w01018", 60.0),)
    until = worst + timedelta(hours=3)
    works.marks = (
        Mark(
            label=MarkLabel.FAULT,
            from_at=worst,
            to_at=until,
            declared_at=until + declared_after,
            code="w01018",
        ),
    )
    assert keys(works, DAY) == ({("data_marked_after", "w01018")} if hint else set())


@pytest.mark.parametrize(
    ("flag", "abnormal", "expected"),
    [("M", 0, True), ("D", 15, True), ("M", 16, False), ("N", 0, False)],
)
def test_an_hour_whose_minutes_are_normal_is_not_to_be_flagged_away(
    flag: str, abnormal: int, expected: bool
) -> None:
    """By HJ 212-2017 appendix C an hour is normal while three quarters of its minutes are."""
    works = stack().channel(SO2, noisy(140), over=100, flag=lambda n: "M" if n <= abnormal else "N")
    hours = works.readings[SO2, ReadingKind.HOUR]
    works.readings[SO2, ReadingKind.HOUR] = (*hours[:-1], replace(hours[-1], flag=flag))
    assert (("data_flagged_away", SO2) in keys(works)) is expected


def test_below_the_limit_a_flag_hides_nothing() -> None:
    works = stack()
    hours = works.readings[SO2, ReadingKind.HOUR]
    works.readings[SO2, ReadingKind.HOUR] = (*hours[:-1], replace(hours[-1], flag="M"))
    assert keys(works) == set()


@pytest.mark.parametrize(("value", "expected"), [(60.0, True), (40.0, False)])
def test_a_day_whose_hours_are_normal_is_not_to_be_flagged_away(value: float, expected: bool) -> None:
    works = Works().channel("w01018", None, hours=noisy(value), unit="mg/L")
    works.limits["w01018"] = (day_limit("w01018", 50.0),)
    works.readings["w01018", ReadingKind.DAY] = (replace(a_day("w01018", value), flag="M"),)
    assert keys(works, DAY) == ({("data_flagged_away", "w01018")} if expected else set())


@pytest.mark.parametrize(("abnormal", "expected"), [(0, True), (1, False)])
def test_of_water_one_abnormal_value_makes_the_hour_abnormal(abnormal: int, expected: bool) -> None:
    works = Works().channel(
        "w01018", noisy(140), over=100, unit="mg/L", every_min=10, flag=lambda n: "C" if n <= 10 * abnormal else "N"
    )  # fmt: skip
    hours = works.readings["w01018", ReadingKind.HOUR]
    works.readings["w01018", ReadingKind.HOUR] = (*hours[:-1], replace(hours[-1], flag="C"))
    assert (("data_flagged_away", "w01018") in keys(works)) is expected
