"""Histories of one made station, for the pure reviewers."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from detectors.sensors import legal
from farwatch.domain.place import Position
from farwatch.domain.policy import SHIPPED
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Channel, Limit, Station
from farwatch.domain.review import History, Mark, Period, PeriodVerdict, ReviewOutcome, period_of

TEN = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
"""Ten o'clock in the city."""
HOUR = period_of(ReadingKind.HOUR, TEN)
DAY = period_of(ReadingKind.DAY, TEN)
MINUTE = timedelta(minutes=1)
UNITS = {
    "w01018": "mg/L",
    "w21003": "mg/L",
    "w01001": "",
    "w00000": "L/s",
    "a19001": "%",
    "a00000": "m3/s",
    "Leq": "dB(A)",
}
STATION = Station(mn="MN1", enterprise="E1", name="stack", place=Position(30.0, 120.0), medium="air")


def a_limit(code: str, limit: float | None, kind: ReadingKind = ReadingKind.HOUR, **changes: object) -> Limit:
    fields: dict[str, object] = {
        "mn": "MN1", "code": code, "unit": UNITS.get(code, "mg/m3"), "kind": kind, "limit": limit,
        "valid_from": TEN - timedelta(days=9),
    }  # fmt: skip
    return Limit(**(fields | changes))  # type: ignore[arg-type]


def a_reading(
    code: str, kind: ReadingKind, ts: datetime, value: float, flag: str = "N", **changes: object
) -> Reading:
    fields: dict[str, object] = {
        "mn": "MN1", "code": code, "kind": kind, "ts": ts, "value": value, "received_at": ts + timedelta(hours=1),
        "flag": flag,
    }  # fmt: skip
    return Reading(**(fields | changes))  # type: ignore[arg-type]


def minutes(code: str, values: Iterable[float | tuple[float, str]], every: int = 1) -> list[Reading]:
    """From ten o'clock on; a value, or a value and its flag."""
    pairs = [v if isinstance(v, tuple) else (v, "N") for v in values]
    return [
        a_reading(code, ReadingKind.MIN, TEN + n * every * MINUTE, value, flag)
        for n, (value, flag) in enumerate(pairs)
    ]


def an_hour(code: str, value: float, flag: str = "N", **changes: object) -> Reading:
    return a_reading(code, ReadingKind.HOUR, TEN, value, flag, **changes)


def a_history(
    readings: Iterable[Reading],
    *limits: Limit,
    marks: Iterable[Mark] = (),
    station: Station = STATION,
    **changes: object,
) -> History:
    found: dict[tuple[str, ReadingKind], list[Reading]] = {}
    for reading in sorted(readings, key=lambda r: r.ts):
        found.setdefault((reading.code, reading.kind), []).append(reading)
    codes = {code for code, _ in found} | {limit.code for limit in limits}
    history = History(
        station=station,
        channels={code: Channel(mn="MN1", code=code, unit=UNITS.get(code, "mg/m3")) for code in codes},
        limits={limit.code: tuple(other for other in limits if other.code == limit.code) for limit in limits},
        readings={key: tuple(of_key) for key, of_key in found.items()},
        marks=tuple(marks),
    )
    return replace(history, **changes)  # type: ignore[arg-type]


def reviewed(history: History, period: Period = HOUR) -> ReviewOutcome:
    return legal.review(history, period, SHIPPED, period.until)


def verdict(history: History, code: str = "a21026", period: Period = HOUR) -> PeriodVerdict:
    [found] = [v for v in reviewed(history, period).verdicts if v.code == code]
    return found


def a_mark(begin_min: int, end_min: int, code: str | None = None) -> Mark:
    return Mark(
        label="start_up",
        from_at=TEN + begin_min * MINUTE,
        to_at=TEN + end_min * MINUTE,
        declared_at=TEN,
        code=code,
    )
