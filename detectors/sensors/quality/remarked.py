"""Exceeding data that was taken back: sent again lower or with another flag, or declared away. Pure.

Domain facts §4.7: R093, R098, case zysbs.cn.
"""

from collections.abc import Iterator
from itertools import groupby

from detectors.sensors.in_force import own_limit
from detectors.sensors.limit import judged_value
from detectors.sensors.quality.opinion import Opinion, Rule, Wrong
from detectors.sensors.quality.scene import Scene
from farwatch.domain.finding import Param, Severity, Tier
from farwatch.domain.reading import NORMAL_FLAG, Reading, ReadingKind
from farwatch.domain.registry import Limit


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
        if not taken_back or code not in scene.history.channels:
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


def marked_after(scene: Scene) -> Iterator[Opinion]:
    """An hour over its limit that was declared maintenance, a fault or the like after its data had come. The rules for marks
    allow that within a time, so that this is a hint."""
    for code in scene.codes:
        hour = scene.hours(code).within(scene.period.ts, scene.period.until)
        over = _over(scene, hour.readings[0]) if len(hour) else None
        if over is None:
            continue
        reading, (value, limit) = hour.readings[0], over
        for mark in scene.history.marks:
            covers = (
                mark.code in (None, code) and mark.from_at <= reading.ts and mark.to_at >= scene.period.until
            )
            if covers and mark.declared_at > reading.received_at:
                params: dict[str, Param] = {
                    "value": value, "limit": limit.limit, "unit": limit.unit, "label": mark.label,
                    "declared_at": mark.declared_at.isoformat(),
                }  # fmt: skip
                yield Wrong(code=code, since=scene.period.ts, params=params, stands=True)
                break


RULES = (
    Rule(name="data_remarked", look=remarked, tier=Tier.VIOLATION, severity=Severity.MAJOR),
    Rule(name="data_marked_after", look=marked_after, tier=Tier.VIOLATION, severity=Severity.MAJOR),
)
