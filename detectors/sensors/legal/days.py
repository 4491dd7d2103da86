"""A day from its hours as they were reviewed: how many are valid, and our own mean of them. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from detectors.sensors.in_force import own_limit
from detectors.sensors.legal import means
from detectors.sensors.legal.facts import Facts, came_late, marked_share, marks_of
from detectors.sensors.legal.hours import last
from detectors.sensors.legal.media import Medium, has_own_mean, is_flow_weighted, medium_of, role_of
from detectors.sensors.oxygen import O2_AIR_PERCENT
from farwatch.domain.reading import NORMAL_FLAG, Reading, ReadingKind
from farwatch.domain.registry import Channel
from farwatch.domain.review import History, Period, PeriodVerdict, Verdict

HOURS_OF_DAY = 24
VALID_HOURS = 20
"""Of gas and noise (HJ 212-2017 appendix D); of water a day's mean is that of what there is, 1 to 24 hours."""

_VALID = frozenset({Verdict.OK, Verdict.OVER, Verdict.BELOW, Verdict.NO_LIMIT, Verdict.NOT_CONVERTED})


def day_facts(history: History, period: Period) -> Iterator[Facts]:
    """Of each channel that had an hour or a day's mean, or has a limit for days, in order of code."""
    by_role = {role_of(channel): code for code, channel in sorted(history.channels.items(), reverse=True)}
    flow = {h.ts: v for h in _valid(history, by_role.get("flow")) if (v := _mean_of(h)) is not None}
    oxygen = [(h.ts, v) for h in _valid(history, by_role.get("o2")) if (v := _mean_of(h)) is not None]
    air = frozenset(ts for ts, percent in oxygen if percent >= O2_AIR_PERCENT)
    for code in sorted(history.channels):
        channel = history.channels[code]
        limited = own_limit(history.limits.get(code, ()), ReadingKind.DAY, period.ts) is not None
        heard = history.hours.get(code) or history.of(code, ReadingKind.DAY, period.ts, period.until)
        if limited or (heard and medium_of(code) is not Medium.OTHER):
            yield _of_channel(history, period, channel, flow, air)


def _valid(history: History, code: str | None) -> list[PeriodVerdict]:
    return [h for h in history.hours.get(code or "", ()) if h.verdict in _VALID]


def _mean_of(hour: PeriodVerdict) -> float | None:
    return hour.own_value if hour.device_value is None else hour.device_value


def _converted_of(hour: PeriodVerdict) -> float | None:
    return hour.own_converted if hour.device_converted is None else hour.device_converted


def _of_channel(
    history: History, period: Period, channel: Channel, flow: dict[datetime, float], air: frozenset[datetime]
) -> Facts:
    """`air` are hours whose oxygen was that of air: their conversions count for nothing."""
    code = channel.code
    hours = history.hours.get(code, ())
    valid = _valid(history, code)
    marked = sum(h.verdict is Verdict.MARKED for h in hours)
    received = sum(h.verdict is not Verdict.MISSING for h in hours)
    device = last(history.of(code, ReadingKind.DAY, period.ts, period.until))
    needed = 1 if medium_of(code) is Medium.WATER else VALID_HOURS
    is_marked = len(valid) < needed and (
        len(valid) + marked >= needed
        or marked_share(marks_of(code, history.marks), period) > 1 - VALID_HOURS / HOURS_OF_DAY
    )
    own = _own_mean(valid, channel, flow) if len(valid) >= needed else None
    converted = [c for h in valid if h.ts not in air and (c := _converted_of(h)) is not None]
    own_converted = means.mean(converted) if own is not None and len(converted) >= needed else None
    return Facts(
        channel=channel, expected=HOURS_OF_DAY, needed=needed, received=received, valid=len(valid), marked=marked,
        is_marked=is_marked, parts_decide=received > 0, device=device, own_value=own, own_converted=own_converted,
        not_converted="" if own_converted is not None else "hours_not_converted",
        is_air=any(h.ts in air for h in valid),
        late=_is_late(history, period, device, valid, needed),
    )  # fmt: skip


def _own_mean(valid: Sequence[PeriodVerdict], channel: Channel, flow: dict[datetime, float]) -> float | None:
    means_of_hours = [(h.ts, m) for h in valid if (m := _mean_of(h)) is not None]
    if not has_own_mean(channel.code) or len(means_of_hours) < len(valid):
        return None
    values = [value for _, value in means_of_hours]
    if medium_of(channel.code) is Medium.NOISE:
        return means.energy_mean(values)
    if is_flow_weighted(channel) and all(ts in flow for ts, _ in means_of_hours):
        by_flow = means.weighted_mean([(value, flow[ts]) for ts, value in means_of_hours])
        if by_flow is not None:
            return by_flow
    return means.mean(values)


def _is_late(
    history: History, period: Period, device: Reading | None, valid: Sequence[PeriodVerdict], needed: int
) -> bool:
    """A late hour counts as live while its own readings came in time for the day."""
    if device is not None and came_late(device, period.kind, period.ts):
        return True
    in_time = sum(not hour.late or _came_in_time(history, period, hour) for hour in valid)
    return in_time < min(needed, len(valid))


def _came_in_time(history: History, period: Period, hour: PeriodVerdict) -> bool:
    theirs = last(
        [r for r in history.of(hour.code, ReadingKind.HOUR, hour.ts, period.until) if r.ts == hour.ts]
    )
    return theirs is not None and theirs.flag == NORMAL_FLAG and not came_late(theirs, period.kind, period.ts)
