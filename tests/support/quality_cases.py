"""For each rule about the quality of data a made series that it is for, and a near miss."""

import math
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from farwatch.domain.reading import ReadingKind
from tests.support.quality import HOUR, STATION, Works, stack


def kitchen(fan: Callable[[int], float], purifier: Callable[[int], float]) -> Works:
    works = Works(station=replace(STATION, o2_reference_percent=None))
    works.channel("a34041", works.noisy(0.8), over=2.0, high=10)
    works.channel("ga0fan", fan, unit="A", role="fan")
    return works.channel("ga0pur", purifier, unit="A", role="purifier")


def water() -> Works:
    works = Works(station=replace(STATION, medium="water", o2_reference_percent=None))
    works.channel("w00000", works.noisy(26), unit="L/s")
    works.channel("w01018", works.noisy(40), over=100, unit="mg/L")
    works.channel("w21003", works.noisy(3), over=15, unit="mg/L")
    return works.channel("w21001", works.noisy(9), over=20, unit="mg/L")


def with_column(code: str, column: Callable[[int], float], **changes: object) -> Callable[[], Works]:
    return lambda: stack().channel(code, column, **({"over": 100, "high": 500} | changes))  # type: ignore[arg-type]


def noisy(level: float, share: float = 0.05, seed: int = 7) -> Callable[[int], float]:
    rng = random.Random(seed)
    return lambda _: round(level * (1 + rng.gauss(0, share)), 3)


def between(low: float, high: float) -> Callable[[int], float]:
    rng = random.Random(9)
    return lambda _: round(rng.uniform(low, high), 2)


def capped_at(top: float) -> Callable[[int], float]:
    rng = random.Random(3)
    return lambda n: min(top, round(top * (0.97 + 0.2 * math.sin(n / 9)) + rng.gauss(0, top / 200), 3))


def stepping(before: float, after: float, at: int = 45) -> Callable[[int], float]:
    rng = random.Random(11)
    return lambda n: round((before if n > at else after) * (1 + rng.gauss(0, 0.03)), 3)


def repeating(period: int) -> Callable[[int], float]:
    rng = random.Random(5)
    said = [round(40 + rng.gauss(0, 4), 2) for _ in range(period)]
    return lambda n: said[n % period]


def stopped_since(hours: int, oxygen: float) -> Works:
    works = stack()
    works.channel("a21026", noisy(20), over=100, flag=lambda n: "F" if n <= hours * 60 else "N")
    return works.channel(
        "a19001", lambda n: oxygen if n <= hours * 60 else 9 + n % 7 / 10, unit="%", hours=noisy(9)
    )


def falling_together(*, works_fall: bool) -> Works:
    works = stack()
    for n, code in enumerate(("a21026", "a21002", "a34013")):
        column = stepping(30 + n, 9)
        works.channel(code, column, over=100)
    return works.channel("a00000", stepping(20, 8) if works_fall else noisy(20), unit="m3/s", hours=noisy(20))


def units(state: float) -> Works:
    return stack().channel("SB1", lambda _: state, unit="", hours=lambda _: state)


def amounts(said: float) -> Works:
    works = stack()
    rows = works.readings["a21026", ReadingKind.HOUR]
    works.readings["a21026", ReadingKind.HOUR] = tuple(replace(r, amount=said) for r in rows)
    return works


def no_load(load: float) -> Works:
    return stack().channel(
        "e1", lambda n: load if n <= 60 else 90.0, unit="MW", role="load", hours=lambda _: 90.0
    )


def air(*, warm: bool) -> Works:
    works = stack().channel(
        "a19001", lambda n: 20.4 + n % 3 / 10 if n <= 60 else 9 + n % 7 / 10, unit="%", hours=noisy(9, 0.02)
    )
    return works.channel(
        "a01012", lambda n: (120 if warm else 30) + n % 5, unit="Cel", hours=noisy(120, 0.01)
    )


def jumping(to: float) -> Works:
    rng = random.Random(2)
    column = lambda n: round((7.0 if n > 30 else to) + rng.gauss(0, 0.05), 2)  # noqa: E731
    return water().channel("w01001", column, unit="pH")


def parts(total: float) -> Works:
    works = stack(station=replace(STATION, o2_reference_percent=None))
    works.channel("a24088", noisy(total), over=120).channel("a25002", noisy(30), over=200)
    return works.channel("a25003", noisy(30, seed=8), over=200)


FLAT = 41.3
CASES: dict[str, tuple[str, str | None, Callable[[], Works], Callable[[], Works]]] = {
    "constant": (
        "data_constant",
        "a21026",
        with_column("a21026", lambda _: FLAT),
        with_column("a21026", lambda n: FLAT + (n == 100)),
    ),
    "constant_oxygen": (
        "data_constant",
        "a19001",
        with_column("a19001", lambda _: 9.1, over=None, high=25),
        with_column("a19001", noisy(9.1, 0.05), over=None, high=25),
    ),
    "near_constant": (
        "data_near_constant",
        "a21026",
        with_column("a21026", between(120, 124), over=1000),
        with_column("a21026", between(120, 126), over=1000),
    ),
    "zero": (
        "data_zero",
        "a21026",
        with_column("a21026", lambda n: 0.0 if n % 20 else 3.0, high=None),
        with_column("a21026", lambda n: 0.0 if n % 8 else 30.0 + n / 100),
    ),
    "long_low": (
        "data_long_low",
        "a21026",
        with_column("a21026", noisy(3.0)),
        with_column("a21026", noisy(12.0)),
    ),
    "negative": (
        "data_negative",
        "a21026",
        with_column("a21026", lambda n: -20 - n / 9 if n <= 10 else 40 + n % 13),
        with_column("a21026", lambda n: -6.0 - n / 9 if n <= 10 else 40 + n % 13),
    ),
    "out_of_range": (
        "data_out_of_range",
        "a21026",
        with_column("a21026", lambda n: 501.0 + n if n <= 10 else 40.0 + n % 13),
        with_column("a21026", lambda n: 501.0 if n <= 3 else 40.0 + n % 13),
    ),
    "below_range": (
        "data_out_of_range",
        "a01012",
        with_column("a01012", lambda n: 12.0 if n <= 10 else 120 + n % 7, low=20, over=None),
        with_column("a01012", lambda n: 12.0 if n <= 3 else 120 + n % 7, low=20, over=None),
    ),
    "not_measurable": (
        "data_out_of_range",
        "a19001",
        with_column("a19001", lambda n: 65535.0 if n <= 10 else 9 + n % 7 / 10, over=None, high=None),
        with_column("a19001", lambda n: 65535.0 if n <= 3 else 9 + n % 7 / 10, over=None, high=None),
    ),
    "flagged_above_range": (
        "data_out_of_range",
        "a21026",
        with_column("a21026", noisy(40), flag=lambda n: "T" if n <= 10 else "N"),
        with_column("a21026", noisy(40), flag=lambda n: "T" if n <= 3 else "N"),
    ),
    "flat_top": (
        "data_flat_top",
        "a21026",
        with_column("a21026", capped_at(500), over=2000),
        with_column("a21026", capped_at(470), over=2000),
    ),
    "capped": (
        "data_capped",
        "a21026",
        with_column("a21026", capped_at(100)),
        with_column("a21026", capped_at(104)),
    ),
    "ph_jump": ("data_jump", "w01001", lambda: jumping(9.5), lambda: jumping(8.5)),
    "step_drop": (
        "data_step_drop",
        "a21026",
        with_column("a21026", stepping(90, 20)),
        with_column("a21026", stepping(60, 20)),
    ),
    "drop_together": (
        "data_drop_together",
        "a21002",
        lambda: falling_together(works_fall=False),
        lambda: falling_together(works_fall=True),
    ),
    "oxygen_of_air": ("data_oxygen_of_air", "a19001", lambda: air(warm=True), lambda: air(warm=False)),
    "stopped_but_burning": (
        "data_stopped_burns",
        "a21026",
        lambda: stopped_since(1, 9.2),
        lambda: stopped_since(1, 20.6),
    ),
    "no_load": ("data_load_zero", "a21026", lambda: no_load(0.0), lambda: no_load(30.0)),
    "treatment_off": ("data_treatment_off", "a21026", lambda: units(0), lambda: units(1)),
    "too_fast": (
        "data_velocity",
        "a01011",
        lambda: stack().channel("a34013", noisy(8), over=30).channel("a01011", noisy(33, 0.01), unit="m/s"),
        lambda: stack().channel("a34013", noisy(8), over=30).channel("a01011", noisy(12), unit="m/s"),
    ),
    "zero_amount": ("data_zero_amount", "a21026", lambda: amounts(0.0), lambda: amounts(2.9)),
    "nh3_over_tn": (
        "data_nh3_over_tn",
        "w21003",
        lambda: water().channel("w21003", noisy(12), over=15, unit="mg/L"),
        lambda: water().channel("w21003", noisy(9, 0.01), over=15, unit="mg/L"),
    ),
    "bod_over_cod": (
        "data_bod_over_cod",
        "w01017",
        lambda: water().channel("w01017", noisy(60), unit="mg/L"),
        lambda: water().channel("w01017", noisy(20), unit="mg/L"),
    ),
    "parts_over_nmhc": ("data_parts_over_nmhc", "a25002", lambda: parts(40), lambda: parts(60)),
    "repeats": (
        "data_repeats",
        "a21026",
        with_column("a21026", repeating(90)),
        with_column("a21026", repeating(359)),
    ),
    "valid_rate": (
        "data_valid_rate",
        "a21026",
        with_column("a21026", noisy(40), flag=lambda n: "D" if n % 3 == 0 else "N"),
        with_column("a21026", noisy(40), flag=lambda n: "D" if n % 5 == 0 else "N"),
    ),
    "missing": (
        "data_missing",
        "a21026",
        lambda: (
            stack()
            .without("a21026", ReadingKind.MIN, lambda ts: ts >= HOUR.ts)
            .without("a21026", ReadingKind.HOUR, lambda ts: ts >= HOUR.ts)
        ),
        lambda: stack().without("a21026", ReadingKind.MIN, lambda ts: ts >= HOUR.ts + timedelta(minutes=1)),
    ),
    "purifier_off": (
        "data_purifier_off",
        "ga0pur",
        lambda: kitchen(lambda n: 4.0 + n % 3, lambda n: 0.0 if n <= 20 else 2.0 + n % 3),
        lambda: kitchen(lambda n: 4.0 + n % 3, lambda n: 0.0 if n <= 10 else 2.0 + n % 3),
    ),
    "purifier_without_fan": (
        "data_purifier_without_fan",
        "ga0pur",
        lambda: kitchen(lambda n: 0.0 if n <= 20 else 4.0, lambda _: 2.0),
        lambda: kitchen(lambda n: 0.0 if n <= 10 else 4.0, lambda _: 2.0),
    ),
}
