"""A station's history made from columns of numbers, and honest works to measure."""

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from farwatch.domain.place import Position
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Channel, Limit, Station
from farwatch.domain.review import History, Mark, Revision, period_of

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
