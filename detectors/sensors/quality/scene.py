"""What the rules look at: a station's history up to the end of one hour, as columns that are made once. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from detectors.sensors.in_force import own_limit
from detectors.sensors.quality.codes import is_pollutant, kind_of, role_of
from detectors.sensors.quality.series import Bools, Floats, Series
from farwatch.domain.policy import QualityRule
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Channel, Limit
from farwatch.domain.review import History, Period

LOOK_BACK = {ReadingKind.MIN: timedelta(hours=6), ReadingKind.HOUR: timedelta(hours=48)}
"""How much of each kind of reading, counted back from the end of the hour, the rules look at."""

LONGEST_HOLD_S = 600.0
"""So long the last value of another channel is taken for its present one."""

AIR_OXYGEN_PERCENT = 19.0
"""From here on the gas is air: the unit stands still, or air leaks in (domain facts §4.6)."""

MOVING_SHARE = 0.1
TYPICAL_FROM = 6
"""Of what is usual: below a tenth nothing moves; fewer than six hours say nothing of what is usual."""


class Scene:
    """Of one station and hour. `codes` are the channels in order."""

    def __init__(self, history: History, period: Period, rule: QualityRule) -> None:
        self.history, self.period, self.rule = history, period, rule
        self.codes = sorted(history.channels)
        self._series: dict[tuple[str, ReadingKind], Series] = {}
        self._typical: dict[str, float | None] = {}
        self._limits: dict[str, Limit | None] = {}
        self._roles = {
            role: code for code in reversed(self.codes) if (role := role_of(history.channels[code]))
        }

    def channel(self, code: str) -> Channel:
        return self.history.channels[code]

    def pollutants(self) -> list[str]:
        return [code for code in self.codes if is_pollutant(code)]

    def called(self, known: str) -> str | None:
        """The station's own code for what HJ 212-2017 calls so."""
        return next((code for code in self.codes if kind_of(code) == known), None)

    def in_role(self, role: str) -> str | None:
        return self._roles.get(role)

    def all_in_role(self, role: str) -> list[str]:
        return [code for code in self.codes if role_of(self.channel(code)) == role]

    def series(self, code: str, kind: ReadingKind) -> Series:
        """All of the look-back."""
        key = code, kind
        if key not in self._series:
            since = self.period.until - LOOK_BACK[kind]
            marks = [m for m in self.history.marks if m.code in (None, code)]
            self._series[key] = Series.of(self.history.of(code, kind, since, self.period.until), marks)
        return self._series[key]

    def minutes(self, code: str) -> Series:
        return self.series(code, ReadingKind.MIN)

    def hours(self, code: str) -> Series:
        return self.series(code, ReadingKind.HOUR)

    def hour(self, code: str) -> Series:
        """The minutes of this hour."""
        return self.minutes(code).within(self.period.ts, self.period.until)

    def span(self, code: str) -> float | None:
        """The registered range of the analyser."""
        channel = self.channel(code)
        if channel.range_high is None:
            return None
        return channel.range_high - (channel.range_low or 0.0) or None

    def limit(self, code: str) -> Limit | None:
        """The legal one for an hour, else for a day."""
        if code not in self._limits:
            rows, ts = self.history.limits.get(code, ()), self.period.ts
            self._limits[code] = own_limit(rows, ReadingKind.HOUR, ts) or own_limit(rows, ReadingKind.DAY, ts)
        return self._limits[code]

    def limit_value(self, code: str) -> float | None:
        limit = self.limit(code)
        return None if limit is None else limit.limit

    def judged(self, code: str, series: Series) -> Floats:
        """The values that its limit speaks of."""
        limit = self.limit(code)
        return series.converted if limit is not None and limit.converted else series.value

    def typical(self, code: str | None) -> float | None:
        """What the channel says on a usual hour of the last two days: the upper quartile of its normal hours, else of its
        earlier minutes."""
        if code is None:
            return None
        if code not in self._typical:
            self._typical[code] = self._typical_of(code)
        return self._typical[code]

    def _typical_of(self, code: str) -> float | None:
        hours = self.hours(code)
        said = hours.value[hours.ok & (hours.at < self.period.ts.timestamp())]
        if len(said) < TYPICAL_FROM:
            minutes = self.minutes(code)
            said = minutes.value[minutes.ok & (minutes.at < self.period.ts.timestamp())]
            if len(said) * minutes.interval_s < 3600:
                return None
        return float(np.percentile(said, 75))

    def of_role(self, role: str, at: Floats) -> Floats | None:
        """What the channel of that role said at these times; None: there is none, or it has said nothing."""
        code = self.in_role(role)
        if code is None or not len(self.minutes(code)):
            return None
        minutes = self.minutes(code)
        return minutes.at_times(at, max(LONGEST_HOLD_S, 2 * minutes.interval_s))

    def burns(self) -> bool:
        """Oxygen means something: a limit or the registry speaks of converted values."""
        if self.history.station.o2_reference_percent is not None:
            return True
        return any(limit.converted for limits in self.history.limits.values() for limit in limits)

    def moving(self, at: Floats, share: float = MOVING_SHARE) -> Bools | None:
        """Where the flow is at least this share of what is usual; None: nobody can tell."""
        flow, usual = self.of_role("flow", at), self.typical(self.in_role("flow"))
        if flow is None or usual is None or usual <= 0:
            return None
        return np.asarray(flow >= share * usual)

    def running(self, series: Series, kind: ReadingKind = ReadingKind.MIN) -> Bools:
        """Where the works run, as oxygen or flow tell; everywhere when neither can."""
        at = series.at
        if kind is ReadingKind.HOUR:
            return self._running_hours(at)
        oxygen = self.of_role("o2", at) if self.burns() else None
        runs = np.ones(len(at), dtype=np.bool_)
        if oxygen is not None:
            runs &= ~(oxygen >= AIR_OXYGEN_PERCENT)
        moving = self.moving(at)
        return runs if moving is None else runs & moving

    def _running_hours(self, at: Floats) -> Bools:
        runs = np.ones(len(at), dtype=np.bool_)
        oxygen, flow = self.in_role("o2"), self.in_role("flow")
        if oxygen is not None and self.burns():
            runs &= ~(self.hours(oxygen).at_times(at, 0.0) >= AIR_OXYGEN_PERCENT)
        usual = self.typical(flow)
        if flow is not None and usual:
            runs &= ~(self.hours(flow).at_times(at, 0.0) < MOVING_SHARE * usual)
        return runs

    def is_late(self, code: str, now: datetime) -> bool:
        """Whether what this hour is judged by came late (rule 10 of the design), or is judged long after; for what never came:
        whether we are."""
        if self.history.is_retrospective(self.period, now):
            return True
        newest = [r for c in ([code] if code else self.codes) for r in self._newest(c)]
        if newest:
            return any(r.late for r in newest)
        return now - self.period.until > timedelta(hours=2)

    def came_last_at(self) -> datetime | None:
        """When the newest of what this hour is judged by was received."""
        return max((r.received_at for code in self.codes for r in self._newest(code)), default=None)

    def _newest(self, code: str) -> Iterator[Reading]:
        for kind in LOOK_BACK:
            series = self.series(code, kind)
            if len(series) and series.at[-1] >= self.period.ts.timestamp():
                yield series.readings[-1]
