"""Exceeding data that was taken back: sent again lower or with another flag, or declared away. Pure.

Domain facts §4.7: R093, R098, case zysbs.cn.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import groupby
from statistics import fmean

from detectors.sensors.in_force import own_limit
from detectors.sensors.legal.facts import VALID_SHARE, marked_share
from detectors.sensors.limit import judged_value
from detectors.sensors.quality.codes import kind_of
from detectors.sensors.quality.opinion import Opinion, Rule, Wrong
from detectors.sensors.quality.scene import Scene
from farwatch.domain.finding import Param, Severity, Tier
from farwatch.domain.reading import NORMAL_FLAG, Reading, ReadingKind
from farwatch.domain.registry import Limit
from farwatch.domain.review import Mark

ONE_HOUR = timedelta(hours=1)
HOURS_OF_DAY, VALID_HOURS = 24, 20

FEWEST_MINUTES = 5
"""Ours: an analyser may say a minute or two late that it was calibrating. Fewer count where fewer void the hour; an hour or
a day needs no company."""


def _outside(scene: Scene, reading: Reading) -> tuple[float, float, Limit] | None:
    """A normal reading's value, the bound that it breaks and whose that is: the limit of its own kind, else of the hour."""
    limits = scene.history.limits.get(reading.code, ())
    limit = own_limit(limits, reading.kind, reading.ts) or own_limit(limits, ReadingKind.HOUR, reading.ts)
    if limit is None or reading.flag != NORMAL_FLAG:
        return None
    value = judged_value(reading, limit)
    bound = None if value is None else broken(value, limit)
    return None if value is None or bound is None else (value, bound, limit)


def broken(value: float, limit: Limit) -> float | None:
    """The bound that the value breaks."""
    if limit.limit is not None and value > limit.limit:
        return limit.limit
    return limit.lower if limit.lower is not None and value < limit.lower else None


def _fewest_minutes(scene: Scene, code: str) -> int:
    """As many as void an hour, at most five minutes: of water one abnormal value does, of gas a quarter and one."""
    interval_min = scene.history.minute_interval_min()
    expected = 60 // interval_min
    voids = expected - math.ceil(VALID_SHARE * expected) + 1
    if kind_of(code).startswith("w"):
        voids = math.ceil(FEWEST_MINUTES / interval_min)
    return min(FEWEST_MINUTES, voids)


def remarked(scene: Scene) -> Iterator[Opinion]:
    """A reading that broke its limit with flag N and now does not: flagged M, D, C or F, or another value. The act is what
    is found, at the time when it came; it stands until somebody has asked. A day's own mean is the business of its day."""
    is_day = scene.period.kind is ReadingKind.DAY
    acts = [r for r in scene.history.revisions if (r.before.kind is ReadingKind.DAY) is is_day]
    for code, group in groupby(
        sorted(acts, key=lambda r: (r.before.code, r.after.received_at)), key=lambda r: r.before.code
    ):
        taken_back = [
            (broke, r)
            for r in group
            if (broke := _outside(scene, r.before)) is not None and _outside(scene, r.after) is None
        ]
        if code not in scene.history.channels or not taken_back:
            continue
        minutes = sum(r.before.kind is ReadingKind.MIN for _, r in taken_back)
        if minutes == len(taken_back) and minutes < _fewest_minutes(scene, code):
            continue
        (value, bound, limit), first = max(taken_back, key=lambda found: abs(found[0][0] - found[0][1]))
        params: dict[str, Param] = {
            "value": value, "limit": bound, "unit": limit.unit, "after": first.after.value, "flag": first.after.flag,
            "at": first.before.ts.isoformat(), "count": len(taken_back), "reading": str(first.before.kind),
        }  # fmt: skip
        since = min(r.after.received_at for _, r in taken_back)
        is_lowered = first.after.flag == NORMAL_FLAG and value > bound
        yield Wrong(
            code=code,
            since=since,
            params=params,
            key="data_lowered" if is_lowered else "data_remarked",
            stands=True,
        )


def all_parts(scene: Scene, code: str) -> Sequence[Reading]:
    """The minutes of an hour, the hours of a day."""
    kind = ReadingKind.HOUR if scene.period.kind is ReadingKind.DAY else ReadingKind.MIN
    return scene.history.of(code, kind, scene.period.ts, scene.period.until)


def normal_parts(scene: Scene, code: str) -> Sequence[Reading]:
    return [r for r in all_parts(scene, code) if r.flag == NORMAL_FLAG]


def is_enough(scene: Scene, code: str, parts: Sequence[Reading]) -> bool:
    """Do so many normal parts make a normal period?"""
    if not parts:
        return False
    if scene.period.kind is ReadingKind.DAY:
        return len(parts) >= (1 if kind_of(code).startswith("w") else VALID_HOURS)
    return len(parts) * scene.minutes(code).interval_s >= VALID_SHARE * 3600


def _said(scene: Scene, code: str, parts: Sequence[Reading]) -> Reading | None:
    """The period's own mean, else what enough normal parts come to."""
    period = scene.period
    if own := scene.history.of(code, period.kind, period.ts, period.until):
        return own[-1]
    if not is_enough(scene, code, parts):
        return None
    converted = [r.converted for r in parts if r.converted is not None]
    return replace(
        parts[-1], kind=period.kind, ts=period.ts, value=fmean(r.value for r in parts),
        converted=fmean(converted) if len(converted) == len(parts) else None,
    )  # fmt: skip


def _acquits(scene: Scene, marks: Sequence[Mark], parts: Sequence[Reading], limit: Limit) -> bool:
    """Enough is declared away to void the period, or what is left no longer breaks the limit."""
    share = VALID_HOURS / HOURS_OF_DAY if scene.period.kind is ReadingKind.DAY else VALID_SHARE
    if marked_share(marks, scene.period) > 1 - share:
        return True
    left = [r for r in parts if not any(m.from_at <= r.ts < m.to_at for m in marks)]
    values = [v for r in left if (v := judged_value(r, limit)) is not None]
    return 0 < len(values) < len(parts) and broken(fmean(values), limit) is None


def marked_after(scene: Scene) -> Iterator[Opinion]:
    """An hour or day that broke its limit, of which so much was declared maintenance, a fault or the like that it counts no
    more, after its data had come. The rules for marks allow that within a time, so that this is a hint."""
    for code in scene.codes:
        parts = normal_parts(scene, code)
        said = _said(scene, code, parts)
        limit = own_limit(scene.history.limits.get(code, ()), scene.period.kind, scene.period.ts)
        value = (
            None if said is None or limit is None or said.flag != NORMAL_FLAG else judged_value(said, limit)
        )
        bound = None if value is None or limit is None else broken(value, limit)
        if said is None or limit is None or value is None or bound is None:
            continue
        after = [
            m
            for m in scene.history.marks
            if m.code in (None, code) and m.from_at < scene.period.until and m.to_at > scene.period.ts
            and m.declared_at > _had_come_at(scene, m, said, parts)
        ]  # fmt: skip
        if not after or not _acquits(scene, after, parts, limit):
            continue
        longest = max(after, key=lambda m: m.to_at - m.from_at)
        params: dict[str, Param] = {
            "value": value, "limit": bound, "unit": limit.unit, "label": str(longest.label),
            "declared_at": longest.declared_at.isoformat(),
        }  # fmt: skip
        yield Wrong(code=code, since=scene.period.ts, params=params, stands=True)


def _had_come_at(scene: Scene, mark: Mark, said: Reading, parts: Sequence[Reading]) -> datetime:
    """When what the mark takes away was known: an hour with its own mean, a day's hours each with theirs."""
    if scene.period.kind is ReadingKind.HOUR:
        return said.received_at
    touched = [r.received_at for r in parts if r.ts < mark.to_at and r.ts + ONE_HOUR > mark.from_at]
    return max(touched, default=said.received_at)


RULES = (
    Rule(name="data_remarked", look=remarked, tier=Tier.VIOLATION, severity=Severity.MAJOR),
    Rule(name="data_marked_after", look=marked_after, tier=Tier.VIOLATION, severity=Severity.MAJOR),
)
