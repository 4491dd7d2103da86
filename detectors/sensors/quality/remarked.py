"""Exceeding data that was taken back: sent again lower or with another flag, or declared away. Pure.

Domain facts §4.7: R093, R098, case zysbs.cn.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from statistics import fmean

from detectors.sensors.in_force import own_limit
from detectors.sensors.limit import judged_value
from detectors.sensors.quality.opinion import Opinion, Rule, Wrong
from detectors.sensors.quality.scene import Scene
from farwatch.domain.finding import Param, Severity, Tier
from farwatch.domain.reading import NORMAL_FLAG, Reading, ReadingKind
from farwatch.domain.registry import Limit

VALID_SHARE = 0.75
"""Of an hour: 45 minutes (domain facts §4.6)."""

FEWEST_MINUTES = 5
"""Ours: an analyser may say a minute or two late that it was calibrating. An hour or a day needs no company."""


def _over(scene: Scene, reading: Reading) -> tuple[float, Limit] | None:
    """A normal reading's value and the limit that it is over: of its own kind, else of the hour."""
    limits = scene.history.limits.get(reading.code, ())
    limit = own_limit(limits, reading.kind, reading.ts) or own_limit(limits, ReadingKind.HOUR, reading.ts)
    if limit is None or limit.limit is None or reading.flag != NORMAL_FLAG:
        return None
    value = judged_value(reading, limit)
    return None if value is None or value <= limit.limit else (value, limit)


def remarked(scene: Scene) -> Iterator[Opinion]:
    """A reading that was over its limit with flag N and now is not: flagged M, D, C or F, or lower. The act is what is
    found, at the time when it came; it stands until somebody has asked."""
    revisions = sorted(scene.history.revisions, key=lambda r: (r.before.code, r.after.received_at))
    for code, group in groupby(revisions, key=lambda r: r.before.code):
        taken_back = [
            (over, r)
            for r in group
            if (over := _over(scene, r.before)) is not None and _over(scene, r.after) is None
        ]
        minutes = sum(r.before.kind is ReadingKind.MIN for _, r in taken_back)
        if code not in scene.history.channels or (minutes == len(taken_back) and minutes < FEWEST_MINUTES):
            continue
        (value, limit), first = max(taken_back, key=lambda found: found[0][0])
        flagged = first.after.flag != NORMAL_FLAG
        params: dict[str, Param] = {
            "value": value, "limit": limit.limit, "unit": limit.unit, "after": first.after.value, "flag": first.after.flag,
            "at": first.before.ts.isoformat(), "count": len(taken_back), "reading": str(first.before.kind),
        }  # fmt: skip
        since = min(r.after.received_at for _, r in taken_back)
        key = "data_remarked" if flagged else "data_lowered"
        yield Wrong(code=code, since=since, params=params, key=key, stands=True)


def _hour_of(scene: Scene, code: str) -> Reading | None:
    """The hour's own mean, else what a valid hour of normal minutes comes to."""
    hour = scene.hours(code).within(scene.period.ts, scene.period.until)
    if len(hour):
        return hour.readings[0]
    minutes = [r for r in scene.hour(code).readings if r.flag == NORMAL_FLAG]
    if len(minutes) * scene.minutes(code).interval_s < VALID_SHARE * 3600:
        return None
    converted = [r.converted for r in minutes if r.converted is not None]
    return replace(
        minutes[-1], kind=ReadingKind.HOUR, ts=scene.period.ts, value=fmean(r.value for r in minutes),
        converted=fmean(converted) if len(converted) == len(minutes) else None,
    )  # fmt: skip


def marked_after(scene: Scene) -> Iterator[Opinion]:
    """An hour over its limit that was declared maintenance, a fault or the like after its data had come. The rules for marks
    allow that within a time, so that this is a hint."""
    for code in scene.codes:
        reading = _hour_of(scene, code)
        over = None if reading is None else _over(scene, reading)
        if reading is None or over is None:
            continue
        value, limit = over
        for mark in scene.history.marks:
            covers = (
                mark.code in (None, code) and mark.from_at <= reading.ts and mark.to_at >= scene.period.until
            )
            if covers and mark.declared_at > reading.received_at:
                params: dict[str, Param] = {
                    "value": value, "limit": limit.limit, "unit": limit.unit, "label": str(mark.label),
                    "declared_at": mark.declared_at.isoformat(),
                }  # fmt: skip
                yield Wrong(code=code, since=scene.period.ts, params=params, stands=True)
                break


RULES = (
    Rule(name="data_remarked", look=remarked, tier=Tier.VIOLATION, severity=Severity.MAJOR),
    Rule(name="data_marked_after", look=marked_after, tier=Tier.VIOLATION, severity=Severity.MAJOR),
)
