"""An hour from its minutes: how many came and were valid, our own mean, our own conversion. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from detectors.sensors.in_force import own_limit
from detectors.sensors.legal import means
from detectors.sensors.legal.facts import (
    VALID_SHARE,
    Facts,
    came_late,
    is_marked_at,
    marked_share,
    marks_of,
    needed_of,
)
from detectors.sensors.legal.media import (
    Medium,
    has_own_mean,
    is_converted,
    is_flow_weighted,
    is_sampled,
    medium_of,
    role_of,
)
from detectors.sensors.oxygen import O2_AIR_PERCENT, O2_TOO_HIGH_PERCENT
from farwatch.domain.reading import NORMAL_FLAG, Reading, ReadingKind
from farwatch.domain.registry import Channel
from farwatch.domain.review import History, Period

OF_WATER_MIN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """What the channels of a station's hour have in common. `o2` and `flow` are valid minutes by event time."""

    history: History
    period: Period
    interval_min: int
    o2_code: str | None
    o2: dict[datetime, float]
    flow: dict[datetime, float]


@dataclass(frozen=True, slots=True)
class HourFacts:
    """`minutes` are those that count: flag N and not marked. `o2` are valid minutes of the hour's oxygen by event time."""

    facts: Facts
    minutes: tuple[Reading, ...]
    o2_percent: float | None
    o2: Mapping[datetime, float]


def hour_facts(history: History, period: Period) -> Iterator[HourFacts]:
    """Of each channel that has said something lately or has a limit for hours, in order of code."""
    hour = _hour(history, period)
    for code in sorted(history.channels):
        channel = history.channels[code]
        limited = own_limit(history.limits.get(code, ()), ReadingKind.HOUR, period.ts) is not None
        heard = any(history.readings.get((code, kind)) for kind in (ReadingKind.MIN, ReadingKind.HOUR))
        if limited or (heard and medium_of(code) is not Medium.OTHER):
            yield _of_channel(hour, channel)


def _hour(history: History, period: Period) -> Hour:
    by_role = {role_of(channel): code for code, channel in sorted(history.channels.items(), reverse=True)}
    o2, flow = by_role.get("o2"), by_role.get("flow")
    return Hour(
        history=history,
        period=period,
        interval_min=history.minute_interval_min(),
        o2_code=o2,
        o2=_valid_by_time(history, o2, period),
        flow=_valid_by_time(history, flow, period),
    )


def _valid_by_time(history: History, code: str | None, period: Period) -> dict[datetime, float]:
    if code is None:
        return {}
    minutes = history.of(code, ReadingKind.MIN, period.ts, period.until)
    return {r.ts: r.value for r in minutes if r.flag == NORMAL_FLAG}


def _of_channel(hour: Hour, channel: Channel) -> HourFacts:
    history, period, code = hour.history, hour.period, channel.code
    device = last(history.of(code, ReadingKind.HOUR, period.ts, period.until))
    minutes = history.of(code, ReadingKind.MIN, period.ts, period.until)
    marks = marks_of(code, history.marks)
    unmarked = [r for r in minutes if not is_marked_at(marks, r.ts)] if marks else list(minutes)
    valid = tuple(r for r in unmarked if r.flag == NORMAL_FLAG)
    from_rtd = code in history.from_rtd
    expected = 60 if from_rtd else 60 // hour.interval_min
    is_water = medium_of(code) is Medium.WATER
    needed = _needed_of_water(code, hour.interval_min) if is_water and not from_rtd else needed_of(expected)
    # Sparse real-time values may carry a mean of ours, but say nothing against the device's own.
    if from_rtd:
        parts_decide = len(minutes) >= needed
    else:
        # A water analyser that samples every other hour has hours without any minute.
        parts_decide = bool(minutes) if is_water else bool(history.readings.get((code, ReadingKind.MIN)))
    enough_marked = marked_share(marks, period) > 1 - VALID_SHARE
    o2_percent = _o2_percent(hour)
    own = own_mean(valid, channel, hour.flow) if len(valid) >= needed else None
    is_air = o2_percent is not None and o2_percent >= O2_AIR_PERCENT
    own_converted, not_converted = (
        _own_converted(hour, own, device, valid, o2_percent)
        if is_converted(channel)
        else (None, "no_reference")
    )
    facts = Facts(
        channel=channel, expected=expected, needed=needed, received=len(minutes), valid=len(valid),
        marked=len(minutes) - len(unmarked),
        is_marked=enough_marked and not (parts_decide and len(valid) >= needed),
        parts_decide=parts_decide, every_part=is_water, device=device, own_value=own, own_converted=own_converted,
        not_converted=not_converted,
        is_air=is_air, dry_is_less=is_air,
        late=_is_late(device, valid, needed if parts_decide or device is None else 0, period),
    )  # fmt: skip
    return HourFacts(facts, valid, o2_percent, hour.o2)


def _needed_of_water(code: str, interval_min: int) -> int:
    """An hour is the mean of one to six ten-minute values (HJ 212-2017 appendix D); a sample is one by itself."""
    return 1 if is_sampled(code) else max(1, needed_of(OF_WATER_MIN // interval_min))


def last(readings: Sequence[Reading]) -> Reading | None:
    return readings[-1] if readings else None


def own_mean(valid: Sequence[Reading], channel: Channel, flow: dict[datetime, float]) -> float | None:
    """By the medium: energy mean of equivalent levels, water by its flow where every minute has one, else arithmetic."""
    if not has_own_mean(channel.code):
        return None
    values = [r.value for r in valid]
    if medium_of(channel.code) is Medium.NOISE:
        return means.energy_mean(values)
    if is_flow_weighted(channel) and all(r.ts in flow for r in valid):
        by_flow = means.weighted_mean([(r.value, flow[r.ts]) for r in valid])
        if by_flow is not None:
            return by_flow
    return means.mean(values)


def _o2_percent(hour: Hour) -> float | None:
    """The device's hour where it sent a good one, else the mean of the minutes."""
    if hour.o2_code is None:
        return None
    device = last(hour.history.of(hour.o2_code, ReadingKind.HOUR, hour.period.ts, hour.period.until))
    if device is not None and device.flag == NORMAL_FLAG:
        return device.value
    return means.mean(list(hour.o2.values()))


def _own_converted(
    hour: Hour, own: float | None, device: Reading | None, valid: Sequence[Reading], o2_percent: float | None
) -> tuple[float | None, str]:
    """From our own dry mean, or from the device's where there are no minutes, and the hour's oxygen; without a reference
    oxygen the mean of the minutes' own conversions. Or why there is none."""
    reference = hour.history.station.o2_reference_percent
    dry = own if own is not None else device.value if device is not None else None
    minutes = [r.converted for r in valid if r.converted is not None]
    if o2_percent is not None and o2_percent >= O2_AIR_PERCENT:
        return None, "o2_too_high"
    if reference is None:
        if own is not None and len(minutes) == len(valid):
            return means.mean(minutes), ""
        return None, "no_reference"
    if o2_percent is None:
        return None, "no_o2"
    if o2_percent >= O2_TOO_HIGH_PERCENT:
        return None, "o2_too_high"
    if dry is None:
        return None, "no_mean"
    return means.converted(dry, o2_percent, reference), ""


def _is_late(device: Reading | None, valid: Sequence[Reading], needed: int, period: Period) -> bool:
    """Late is a period whose device's mean came late, or of which too little for a verdict came in time."""
    if device is not None and came_late(device, period.kind, period.ts):
        return True
    in_time = sum(not came_late(r, period.kind, period.ts) for r in valid)
    return in_time < min(needed, len(valid))
