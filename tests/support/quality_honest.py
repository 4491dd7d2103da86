"""Honest works to measure: what no rule may take offence at."""

import math
import random
from collections.abc import Callable
from datetime import datetime, timedelta

from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Channel, Limit, Station
from tests.support.quality import STATION, limit

Rows = dict[tuple[str, ReadingKind], list[Reading]]
Registered = tuple[Station, dict[str, Channel], dict[str, tuple[Limit, ...]]]


def honest_day(
    seed: int, begins_at: datetime, hours: int = 54
) -> dict[tuple[str, ReadingKind], list[Reading]]:
    """A boiler's honest minutes and hours: noise, less load and more oxygen at night, dew at dawn, a calibration each day,
    a start after a cold night on some days."""
    rng = random.Random(seed)
    usual = {"a21026": 60.0, "a21002": 90.0, "a34013": 8.0}
    drift = dict.fromkeys([*usual, "o2", "flow", "heat", "wet"], 0.0)
    rows: Rows = {}
    calibrates_at, cold_until = rng.randrange(60, 1380), rng.choice([0, 0, 0, 240])
    sums: dict[str, list[float]] = {}
    for n in range(hours * 60):
        ts = begins_at + timedelta(minutes=n)
        minute = (ts.hour * 60 + ts.minute + 480) % 1440
        for name in drift:
            drift[name] = 0.95 * drift[name] + rng.gauss(0, 0.3)
        load = 0.55 + 0.45 * (0.5 - 0.5 * math.cos(math.tau * (minute - 180) / 1440)) + 0.02 * drift["flow"]
        dew = max(0.0, math.sin(math.tau * (minute - 300) / 720)) if 300 <= minute < 660 else 0.0
        lit = minute >= cold_until
        values = {"a19001": 8 + 6 * (1 - load) + 0.2 * drift["o2"] if lit else 20.8 + 0.02 * drift["o2"]}
        values |= {
            "a00000": 20 * load + 0.2 * drift["flow"] if lit else 0.4 + 0.02 * abs(drift["flow"]),
            "a01012": 95 + 40 * load + drift["heat"] if lit else 35 + 0.5 * drift["heat"],
            "a01014": 9 + 6 * dew + 0.3 * drift["wet"],
            "a01011": 12 * load + 0.2 * drift["flow"] if lit else 0.2,
        }
        for code, level in usual.items():
            values[code] = (
                max(0.0, level * load * (1 - 0.1 * dew) * (1 + 0.04 * drift[code]))
                if lit
                else 0.1 * abs(drift[code])
            )
        flag = "C" if calibrates_at <= minute < calibrates_at + 25 else "N"
        for code, value in values.items():
            said = (
                0.0
                if flag == "C" and code in usual
                else round(value, 1 if code in ("a34013", "a01014") else 2)
            )
            own = flag if code in usual else "N"
            rows.setdefault((code, ReadingKind.MIN), []).append(
                _reading(code, ReadingKind.MIN, ts, said, own)
            )
            if own == "N":
                sums.setdefault(code, []).append(said)
        if n % 60 == 59:
            for code in values:
                ok = sums.pop(code, [])
                mean = round(sum(ok) / len(ok), 3) if ok else 0.0
                hour = _reading(
                    code, ReadingKind.HOUR, ts - timedelta(minutes=59), mean, "N" if len(ok) >= 45 else "C"
                )
                rows.setdefault((code, ReadingKind.HOUR), []).append(hour)
    return rows


def _reading(code: str, kind: ReadingKind, ts: datetime, value: float, flag: str) -> Reading:
    return Reading(
        mn="MN1", code=code, kind=kind, ts=ts, value=value, flag=flag, received_at=ts + timedelta(minutes=1)
    )


def boiler() -> Registered:
    """The registry of `honest_day`, with every range."""
    spans = {
        "a21026": ("mg/m3", 300.0, 200.0), "a21002": ("mg/m3", 300.0, 200.0), "a34013": ("mg/m3", 50.0, 30.0),
        "a19001": ("%", 25.0, None), "a00000": ("m3/s", 60.0, None), "a01012": ("Cel", 300.0, None), "a01014": ("%", 40.0, None),
        "a01011": ("m/s", 40.0, None),
    }  # fmt: skip
    return _registered(spans)


def honest_water(seed: int, begins_at: datetime, hours: int = 54) -> Rows:
    """A treatment plant: slow analysers that say their last result for two hours, discharge that stops for some hours of the
    night, acidity at a coarse resolution, warm water, a maintenance each day."""
    rng = random.Random(seed)
    usual = {"w01018": (30.0, 1), "w21003": (1.5, 2), "w21001": (9.0, 2), "w21011": (0.2, 3)}
    held: dict[str, float] = {}
    rows: Rows = {}
    sums: dict[str, list[float]] = {}
    acid, serviced_at = 7.2, rng.randrange(0, 24)
    stops = rng.choice([(), (0, 1, 2, 3)])
    for n in range(0, hours * 60, 10):
        ts = begins_at + timedelta(minutes=n)
        hour = (ts.hour + 8) % 24
        acid = 7.2 + 0.98 * (acid - 7.2) + rng.gauss(0, 0.02)
        if n % 120 == 0:
            for code, (level, digits) in usual.items():
                held[code] = round(level * math.exp(rng.gauss(0, 0.15)), digits)
        flow = 0.0 if hour in stops else 100 + 40 * math.sin(math.tau * (hour - 8) / 24) + rng.gauss(0, 4)
        values = {
            **held,
            "w01001": round(acid, 1),
            "w00000": round(flow, 1),
            "w01010": round(16 + 2 * math.sin(math.tau * hour / 24), 0),
        }
        flag = "M" if hour == serviced_at else "N"
        for code, value in values.items():
            own = flag if code in usual else "N"
            rows.setdefault((code, ReadingKind.MIN), []).append(
                _reading(code, ReadingKind.MIN, ts, value, own)
            )
            sums.setdefault(code, []).append(value)
        if n % 60 == 50:
            for code in values:
                said = sums.pop(code)
                own = flag if code in usual else "N"
                start = ts - timedelta(minutes=50)
                mean = round(sum(said) / len(said), 3)
                rows.setdefault((code, ReadingKind.HOUR), []).append(
                    _reading(code, ReadingKind.HOUR, start, mean, own)
                )
    return rows


def plant() -> Registered:
    """The registry of `honest_water`."""
    spans = {
        "w01018": ("mg/L", 200.0, 50.0), "w21003": ("mg/L", 20.0, 5.0), "w21001": ("mg/L", 50.0, 15.0),
        "w21011": ("mg/L", 5.0, 0.5), "w01001": ("pH", 14.0, None), "w00000": ("L/s", 400.0, None), "w01010": ("Cel", 60.0, None),
    }  # fmt: skip
    return _registered(spans)


def honest_kitchen(seed: int, begins_at: datetime, hours: int = 54) -> Rows:
    """A restaurant: fan and purifier go on and off within minutes of each other, outside business hours too."""
    rng = random.Random(seed)
    rows: Rows = {}
    sums: dict[str, list[float]] = {}
    on_at = {name: rng.randrange(0, 8) for name in ("fan", "purifier")}
    for n in range(hours * 60):
        ts = begins_at + timedelta(minutes=n)
        minute = (ts.hour * 60 + ts.minute + 480) % 1440
        cooks = 600 <= minute < 840 or 990 <= minute < 1320
        fan = 600 + on_at["fan"] <= minute < 850 or 990 + on_at["fan"] <= minute < 1330
        pure = 600 + on_at["purifier"] <= minute < 848 or 990 + on_at["purifier"] <= minute < 1326
        values = {
            "a34041": round(abs(rng.gauss(0.6, 0.2)), 2) if cooks else round(abs(rng.gauss(0, 0.02)), 2),
            "ga0fan": round(4 + rng.gauss(0, 0.2), 2) if fan else 0.0,
            "ga0pur": round(1.5 + rng.gauss(0, 0.1), 2) if pure else 0.0,
        }
        for code, value in values.items():
            rows.setdefault((code, ReadingKind.MIN), []).append(
                _reading(code, ReadingKind.MIN, ts, value, "N")
            )
            sums.setdefault(code, []).append(value)
        if n % 60 == 59:
            for code in values:
                said = sums.pop(code)
                mean = round(sum(said) / len(said), 3)
                start = ts - timedelta(minutes=59)
                rows.setdefault((code, ReadingKind.HOUR), []).append(
                    _reading(code, ReadingKind.HOUR, start, mean, "N")
                )
    return rows


def kitchen() -> Registered:
    """The registry of `honest_kitchen`."""
    station, channels, limits = _registered({"a34041": ("mg/m3", 10.0, 2.0)})
    for code, role in (("ga0fan", "fan"), ("ga0pur", "purifier")):
        channels[code] = Channel(mn="MN1", code=code, unit="A", role=role)
    return station, channels, limits


HONEST: dict[str, tuple[Callable[[int, datetime], Rows], Callable[[], Registered]]] = {
    "boiler": (honest_day, boiler),
    "plant": (honest_water, plant),
    "kitchen": (honest_kitchen, kitchen),
}


def _registered(spans: dict[str, tuple[str, float, float | None]]) -> Registered:
    channels = {
        code: Channel(mn="MN1", code=code, unit=unit, range_low=0.0, range_high=high)
        for code, (unit, high, _) in spans.items()
    }
    limits = {code: (limit(code, over),) for code, (_, _, over) in spans.items() if over is not None}
    return STATION, channels, limits
