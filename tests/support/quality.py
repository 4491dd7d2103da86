"""A station's history made from columns of numbers, and honest works to measure."""

import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from farwatch.domain.place import Position
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Channel, Limit, Station
from farwatch.domain.review import History, Mark, Period, Revision, period_of

UNTIL = datetime(2026, 11, 22, 4, 0, tzinfo=UTC)
"""Noon in the city: the hour under review is 11:00-12:00."""

HOUR = period_of(ReadingKind.HOUR, UNTIL - timedelta(hours=1))
STATION = Station(
    mn="MN1", enterprise="E1", name="outlet", place=Position(30, 120), medium="air", o2_reference_percent=9
)
SINCE = datetime(2020, 1, 1, tzinfo=UTC)

Column = Callable[[int], float]
"""The value by how many minutes (or hours) before the end of the period it is, the newest being 1."""


def limit(code: str, value: float, *, converted: bool = False) -> Limit:
    return Limit(
        mn="MN1",
        code=code,
        unit="mg/m3",
        kind=ReadingKind.HOUR,
        limit=value,
        converted=converted,
        valid_from=SINCE,
    )


@dataclass
class Works:
    """Collects channels, readings and what else a History holds."""

    station: Station = STATION
    until: datetime = UNTIL
    seed: int = 1
    channels: dict[str, Channel] = field(default_factory=dict)
    limits: dict[str, tuple[Limit, ...]] = field(default_factory=dict)
    readings: dict[tuple[str, ReadingKind], tuple[Reading, ...]] = field(default_factory=dict)
    marks: tuple[Mark, ...] = ()
    revisions: tuple[Revision, ...] = ()

    def noisy(self, level: float, share: float = 0.05) -> Column:
        rng = random.Random(f"{self.seed}/{level}/{len(self.readings)}")
        return lambda _: round(level * (1 + rng.gauss(0, share)), 3)

    def channel(
        self, code: str, minutes: Column | None, *, hours: Column | None = None, unit: str = "mg/m3", role: str = "",
        low: float | None = None, high: float | None = None, over: float | None = None, every_min: int = 1,
        flag: Callable[[int], str] = lambda _: "N",
    ) -> "Works":  # fmt: skip
        """Six hours of minutes and two days of hours (of the minutes' level where nothing else is said)."""
        self.channels[code] = Channel(
            mn="MN1", code=code, unit=unit, role=role, range_low=low, range_high=high
        )
        if over is not None:
            self.limits[code] = (limit(code, over),)
        if minutes is not None:
            ago = range(360, 0, -every_min)
            self._put(
                code, ReadingKind.MIN, [(self.until - timedelta(minutes=n), minutes(n), flag(n)) for n in ago]
            )
        by_hours = hours or (None if minutes is None else lambda n: minutes(min(n * 60, 360)))
        if by_hours is not None:
            ago = range(48, 0, -1)
            self._put(
                code, ReadingKind.HOUR, [(self.until - timedelta(hours=n), by_hours(n), "N") for n in ago]
            )
        return self

    def _put(self, code: str, kind: ReadingKind, rows: Iterable[tuple[datetime, float, str]]) -> None:
        self.readings[code, kind] = tuple(
            Reading(
                mn="MN1",
                code=code,
                kind=kind,
                ts=ts,
                value=value,
                flag=flag,
                received_at=ts + timedelta(minutes=1),
            )
            for ts, value, flag in rows
        )

    def without(self, code: str, kind: ReadingKind, dropped: Callable[[datetime], bool]) -> "Works":
        self.readings[code, kind] = tuple(r for r in self.readings[code, kind] if not dropped(r.ts))
        return self

    def history(
        self, *, clock_offset_s: float | None = None, open_onsets: Mapping[tuple[str, str], datetime] | None = None,
        outages: Sequence[tuple[datetime, datetime]] = (),
    ) -> History:  # fmt: skip
        return History(
            station=self.station, channels=self.channels, limits=self.limits, readings=self.readings, marks=self.marks,
            revisions=self.revisions, clock_offset_s=clock_offset_s, open_onsets=open_onsets or {}, outages=tuple(outages),
        )  # fmt: skip


def stack(**changes: object) -> Works:
    """A boiler at work: sulfur dioxide under its limit of 100, oxygen, flow and heat as usual."""
    works = Works(**changes)  # type: ignore[arg-type]
    works.channel("a21026", works.noisy(40), over=100, high=500)
    works.channel("a19001", works.noisy(9, 0.03), unit="%")
    works.channel("a00000", works.noisy(20, 0.03), unit="m3/s")
    works.channel("a01012", works.noisy(120, 0.01), unit="Cel")
    return works


def honest_day(
    seed: int, begins_at: datetime, hours: int = 54
) -> dict[tuple[str, ReadingKind], list[Reading]]:
    """A boiler's honest minutes and hours: noise, less load and more oxygen at night, dew at dawn, a calibration each day,
    a start after a cold night on some days."""
    rng = random.Random(seed)
    usual = {"a21026": 60.0, "a21002": 90.0, "a34013": 8.0}
    drift = dict.fromkeys([*usual, "o2", "flow", "heat", "wet"], 0.0)
    rows: dict[tuple[str, ReadingKind], list[Reading]] = {}
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


def boiler() -> tuple[Station, dict[str, Channel], dict[str, tuple[Limit, ...]]]:
    """The registry of `honest_day`, with every range."""
    spans = {
        "a21026": ("mg/m3", 300.0, 200.0), "a21002": ("mg/m3", 300.0, 200.0), "a34013": ("mg/m3", 50.0, 30.0),
        "a19001": ("%", 25.0, None), "a00000": ("m3/s", 60.0, None), "a01012": ("Cel", 300.0, None), "a01014": ("%", 40.0, None),
        "a01011": ("m/s", 40.0, None),
    }  # fmt: skip
    channels = {
        code: Channel(mn="MN1", code=code, unit=unit, range_low=0.0, range_high=high)
        for code, (unit, high, _) in spans.items()
    }
    limits = {code: (limit(code, over),) for code, (_, _, over) in spans.items() if over is not None}
    return STATION, channels, limits


def later(period: Period, hours: int) -> Period:
    step = timedelta(hours=hours)
    return replace(period, ts=period.ts + step, until=period.until + step)
