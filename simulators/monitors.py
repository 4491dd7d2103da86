"""What simulated monitors measure: a day's rhythm, slow noise, and now and then a story. Pure; `now` is an argument."""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from farwatch.domain.reading import NORMAL_FLAG, ReadingKind
from ingest.payloads import Measurement
from simulators.city_names import ChannelPlan, OutletPlan

CITY_ZONE = ZoneInfo("Asia/Shanghai")
NOISE_SHARE = 0.03
NOISE_MEMORY = 0.94
RISE_S = 12.0
HIGHEST_USUAL_SHARE = 0.6
PERIODS = {ReadingKind.MIN: timedelta(minutes=1), ReadingKind.HOUR: timedelta(hours=1)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the story does to one channel at a moment: `ratio` of the limit, or a flag, or both; nothing: as usual.

    `since_s` is how long it has been so; a value climbs to its ratio within RISE_S.
    """

    ratio: float | None = None
    flag: str = NORMAL_FLAG
    since_s: float = 0.0


AS_USUAL = Told()


class Channel:
    """One pollutant code of an outlet. Keeps its noise from step to step."""

    def __init__(self, plan: ChannelPlan, rng: random.Random) -> None:
        self.plan = plan
        self._rng = rng
        self._noise = 0.0
        limit = plan.limit
        self._base = plan.usual if limit is None else limit * rng.uniform(0.3, HIGHEST_USUAL_SHARE)
        self._swing = rng.uniform(0.02, 0.16) if limit is not None else 0.02

    def value(self, now: datetime, told: Told = AS_USUAL) -> float:
        """In the channel's unit; for a converted channel the converted value. Advances the noise by one step."""
        local = now.astimezone(CITY_ZONE)
        hour = local.hour + local.minute / 60 + local.second / 3600
        share = NOISE_SHARE if self.plan.limit is not None else NOISE_SHARE / 3
        self._noise = NOISE_MEMORY * self._noise + self._rng.gauss(0, share) * math.sqrt(1 - NOISE_MEMORY**2)
        usual = self._base * (1 + self._swing * math.sin(math.tau * (hour - 9) / 24))
        level = usual
        if told.ratio is not None and self.plan.limit is not None:
            risen = min(1.0, told.since_s / RISE_S)
            level = usual + (self.plan.limit * told.ratio - usual) * risen
        return max(0.0, level * (1 + self._noise))


@dataclass(slots=True)
class _Mean:
    begins_at: datetime
    whole: bool
    sums: dict[str, float] = field(default_factory=dict)
    converted: dict[str, float] = field(default_factory=dict)
    normal: dict[str, int] = field(default_factory=dict)
    count: int = 0


class Monitor:
    """One station's device: real-time values at each `step`, and the means of whole minutes and hours that ended."""

    def __init__(self, mn: str, outlet: OutletPlan, seed: int) -> None:
        self.mn = mn
        self._outlet = outlet
        rng = random.Random(f"{seed}/{mn}")
        self._channels = [Channel(plan, rng) for plan in outlet.channels]
        self._means: dict[ReadingKind, _Mean] = {}

    def step(self, now: datetime, told: Mapping[str, Told] | None = None) -> list[Measurement]:
        """What the device sends at `now`; `told` is the story by code."""
        measured = self._measure(now, told or {})
        ended = [mean for kind in PERIODS for mean in self._gather(kind, measured)]
        return [measured, *ended]

    def history(self, now: datetime, *, hours: int, minutes: int) -> Iterator[Measurement]:
        """Quiet means of the whole hours and minutes before `now`, oldest first: what a logger keeps and sends later. The
        minutes begin with an hour, and an hour that has them is their mean."""
        this_minute, this_hour = _period_start(now, ReadingKind.MIN), _period_start(now, ReadingKind.HOUR)
        since = _period_start(this_minute - minutes * PERIODS[ReadingKind.MIN], ReadingKind.HOUR)
        kept = [
            self._kept(ReadingKind.MIN, since + n * PERIODS[ReadingKind.MIN])
            for n in range(round((this_minute - since) / PERIODS[ReadingKind.MIN]))
        ]
        for back in range(hours, 0, -1):
            begins_at = this_hour - back * PERIODS[ReadingKind.HOUR]
            within = [m for m in kept if begins_at <= m.ts < begins_at + PERIODS[ReadingKind.HOUR]]
            yield _mean_of(within, begins_at) if within else self._kept(ReadingKind.HOUR, begins_at)
        yield from kept

    def _kept(self, kind: ReadingKind, begins_at: datetime) -> Measurement:
        measured = self._measure(begins_at + PERIODS[kind] / 2, {})
        return Measurement(self.mn, kind, begins_at, measured.values, {}, measured.converted)

    def _measure(self, now: datetime, told: Mapping[str, Told]) -> Measurement:
        values: dict[str, float] = {}
        flags: dict[str, str] = {}
        converted: dict[str, float] = {}
        counted = {c.plan.code: c.value(now, told.get(c.plan.code, AS_USUAL)) for c in self._channels}
        oxygen = counted.get("a19001", self._outlet.oxygen)
        for channel in self._channels:
            code = channel.plan.code
            if channel.plan.converted:
                converted[code] = round(counted[code], 3)
                values[code] = round(counted[code] * (21 - oxygen) / (21 - self._outlet.oxygen), 3)
            else:
                values[code] = round(counted[code], 3)
            flag = told.get(code, AS_USUAL).flag
            if flag != NORMAL_FLAG:
                flags[code] = flag
        return Measurement(self.mn, ReadingKind.RTD, now, values, flags, converted)

    def _gather(self, kind: ReadingKind, measured: Measurement) -> Iterator[Measurement]:
        begins_at = _period_start(measured.ts, kind)
        mean = self._means.get(kind)
        if mean is None or mean.begins_at != begins_at:
            if mean is not None and mean.whole:
                yield self._mean(kind, mean)
            # A period that was already running when the device started is not a whole one, and is not reported.
            mean = self._means[kind] = _Mean(begins_at, whole=mean is not None)
        mean.count += 1
        for code, value in measured.values.items():
            mean.sums[code] = mean.sums.get(code, 0) + value
            mean.normal[code] = mean.normal.get(code, 0) + (measured.flag(code) == NORMAL_FLAG)
        for code, value in measured.converted.items():
            mean.converted[code] = mean.converted.get(code, 0) + value

    def _mean(self, kind: ReadingKind, mean: _Mean) -> Measurement:
        """At least three quarters of normal values make a normal mean, as HJ 212-2017 appendix C says for flue gas."""
        flags = {code: "D" for code, normal in mean.normal.items() if normal < 0.75 * mean.count}
        values = {code: round(total / mean.count, 3) for code, total in mean.sums.items()}
        converted = {code: round(total / mean.count, 3) for code, total in mean.converted.items()}
        return Measurement(self.mn, kind, mean.begins_at, values, flags, converted)


def _mean_of(minutes: Sequence[Measurement], begins_at: datetime) -> Measurement:
    def mean(of: Sequence[Mapping[str, float]]) -> dict[str, float]:
        return {code: round(sum(m[code] for m in of) / len(of), 3) for code in of[0]}

    converted = mean([m.converted for m in minutes])
    return Measurement(
        minutes[0].mn, ReadingKind.HOUR, begins_at, mean([m.values for m in minutes]), {}, converted
    )


def _period_start(ts: datetime, kind: ReadingKind) -> datetime:
    whole_minute = ts.replace(second=0, microsecond=0)
    return whole_minute if kind is ReadingKind.MIN else whole_minute.replace(minute=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """What a bad line does to messages; shares are probabilities (0-1)."""

    drop: float = 0.0
    duplicate: float = 0.0
    delay: float = 0.0
    longest_delay_s: float = 120.0
    skew_s: float = 0.0
    absurd: float = 0.0


@dataclass(frozen=True, slots=True)
class Sent:
    """A measurement that leaves `after_s` later than it was made."""

    after_s: float
    measurement: Measurement


def through(faults: Faults, rng: random.Random, measurements: Sequence[Measurement]) -> Iterator[Sent]:
    """The measurements as they come out of a bad line: lost, late, twice, with a wrong clock or an absurd value."""
    for measurement in measurements:
        if rng.random() < faults.drop:
            continue
        changed = _changed(faults, rng, measurement)
        after_s = rng.uniform(0, faults.longest_delay_s) if rng.random() < faults.delay else 0.0
        yield Sent(after_s, changed)
        if rng.random() < faults.duplicate:
            yield Sent(after_s + rng.uniform(0, 2), changed)


def _changed(faults: Faults, rng: random.Random, m: Measurement) -> Measurement:
    values = m.values
    if rng.random() < faults.absurd:
        code = rng.choice(sorted(values))
        values = {**values, code: rng.choice((-9999.0, 65535.0, 1e9))}
    return Measurement(m.mn, m.kind, m.ts + timedelta(seconds=faults.skew_s), values, m.flags, m.converted)
