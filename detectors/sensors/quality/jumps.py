"""Values that leap where works do not: acidity by hours, a fall to a new level, several falling at once. Pure.

Domain facts §4.7: R083, R071, R053.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from detectors.sensors.quality.codes import PH
from detectors.sensors.quality.opinion import Opinion, Rule, Wrong
from detectors.sensors.quality.scene import Scene
from detectors.sensors.quality.series import Floats, Series, moment
from farwatch.domain.finding import Param

PH_PER_HOUR = 2.0
"""More in an hour is a jump (R083)."""

PH_SMOOTH = 5
"""Minutes whose median counts, so that a spike is none."""

LEVEL = timedelta(minutes=30)
"""No number is published: half an hour on both sides makes a level."""

STEP_KEEPS, TOGETHER_KEEPS = 0.4, 0.5
"""What is left after a step at most; of several at once, after theirs."""

STEP_FROM_LIMIT_SHARE = 0.8
"""A single fall is remarkable when it begins near the limit or above it; catalysts are switched on every day."""

TOGETHER = 3
TOGETHER_WITHIN_S = 120.0
SAME_WORKS_SHARE, SAME_OXYGEN_PERCENT = 0.2, 2.0
"""The works are as before: flow and load within a fifth, oxygen within two per cent."""


def ph_jump(scene: Scene) -> Iterator[Opinion]:
    """Acidity that moved by more than two within an hour."""
    code = scene.called(PH)
    if code is None:
        return
    series = scene.minutes(code)
    series = series.where(series.ok)
    if len(series) < 2 * PH_SMOOTH:
        return
    smooth = np.median(sliding_window_view(series.value, PH_SMOOTH), axis=1)
    at = series.at[PH_SMOOTH - 1 :]
    before = np.searchsorted(at, at - 3600 - 1)
    last = np.searchsorted(at, at - 3600 + 2 * series.interval_s) - 1
    moved = np.where(
        (last >= before) & (at >= scene.period.ts.timestamp()), smooth - smooth[np.maximum(last, 0)], 0.0
    )
    jumps = np.flatnonzero(np.abs(moved) > PH_PER_HOUR)
    if len(jumps):
        first = jumps[0]
        params = {"from": round(float(smooth[last[first]]), 2), "to": round(float(smooth[first]), 2)}
        yield Wrong(code=code, since=moment(at[first]), until=moment(at[jumps[-1]]), params=params)


@dataclass(frozen=True, slots=True)
class _Fall:
    at_s: float
    before: float
    after: float


def _fall(scene: Scene, series: Series, values: Floats, keeps: float) -> _Fall | None:
    """The deepest fall from level to level that this hour (and no other) looks at: its half hour after is over by now."""
    points = round(LEVEL.total_seconds() / series.interval_s)
    if points < 4 or len(series) < 2 * points:
        return None
    begin = int(np.searchsorted(series.at, (scene.period.until - 2 * LEVEL).timestamp() - 3600))
    series, values = series.since(begin), values[begin:]
    if len(series) < 2 * points or values.min() > keeps * values.max():
        return None
    level = np.median(sliding_window_view(values, points), axis=1)
    before, after = level[:-points], level[points:]
    at = series.at[points : points + len(before)]
    until_s = (scene.period.until - LEVEL).timestamp()
    mine = (at >= until_s - 3600) & (at < until_s) & (before > 0)
    abrupt = (values[points - 1 : points - 1 + len(before)] >= (1 + keeps) / 2 * before) & (
        values[points : points + len(before)] <= (1 + keeps) / 2 * before
    )
    # A fall over a gap, as a calibration leaves one, is none.
    unbroken = at - series.at[points - 1 : points - 1 + len(before)] <= 2.5 * series.interval_s
    falls = np.flatnonzero(mine & unbroken & abrupt & (after <= keeps * before))
    if not len(falls):
        return None
    deepest = falls[np.argmin(after[falls] / before[falls])]
    return _Fall(float(at[deepest]), float(before[deepest]), float(after[deepest]))


def _same_works(scene: Scene, at_s: float) -> bool:
    """Flow, oxygen and load are there to tell, and tell no difference."""
    told = False
    for role in ("flow", "load", "o2"):
        code = scene.in_role(role)
        if code is None or (role == "o2" and not scene.burns()):
            continue
        series = scene.minutes(code)
        length_s = LEVEL.total_seconds()
        before = series.value[(series.at >= at_s - length_s) & (series.at < at_s)]
        after = series.value[(series.at >= at_s) & (series.at < at_s + length_s)]
        if not len(before) or not len(after):
            continue
        told = True
        one, other = float(np.median(before)), float(np.median(after))
        allowed = SAME_OXYGEN_PERCENT if role == "o2" else SAME_WORKS_SHARE * abs(one)
        if abs(other - one) > allowed:
            return False
    return told


def _falls(scene: Scene, keeps: float) -> Mapping[str, _Fall]:
    found: dict[str, _Fall] = {}
    for code in scene.pollutants():
        series = scene.minutes(code)
        series = series.where(series.ok)
        fall = _fall(scene, series, series.value, keeps)
        if fall is not None:
            found[code] = fall
    return found


def step_drop(scene: Scene) -> Iterator[Opinion]:
    """A value near its limit that falls to a lower level from one minute to the next while the works go on as before."""
    for code in scene.pollutants():
        limit = scene.limit_value(code)
        if limit is None:
            continue
        series = scene.minutes(code)
        series = series.where(series.ok)
        values = scene.judged(code, series)
        if np.isnan(values).any():
            continue
        fall = _fall(scene, series, values, STEP_KEEPS)
        if fall is None or not STEP_FROM_LIMIT_SHARE * limit <= fall.before <= _top(scene, code):
            continue
        if not _same_works(scene, fall.at_s):
            continue
        params: dict[str, Param] = {"from": round(fall.before, 3), "to": round(fall.after, 3), "limit": limit}
        yield Wrong(code=code, since=moment(fall.at_s), until=moment(fall.at_s) + LEVEL, params=params)


def _top(scene: Scene, code: str) -> float:
    """A return from where nothing can be is another rule's business."""
    high = scene.channel(code).range_high
    return math.inf if high is None else high


def drop_together(scene: Scene) -> Iterator[Opinion]:
    """Several pollutants halve in the same two minutes while the works go on: the sample is diluted or the line is off."""
    falls = _falls(scene, TOGETHER_KEEPS)
    for first in sorted(falls.values(), key=lambda fall: fall.at_s):
        codes = [c for c, fall in falls.items() if abs(fall.at_s - first.at_s) <= TOGETHER_WITHIN_S]
        if len(codes) < TOGETHER or not _same_works(scene, first.at_s):
            continue
        params: dict[str, Param] = {"codes": ",".join(codes), "other": codes[1], "count": len(codes)}
        yield Wrong(code=codes[0], since=moment(first.at_s), until=moment(first.at_s) + LEVEL, params=params)
        return


RULES = (
    Rule(name="data_jump", look=ph_jump),
    Rule(name="data_step_drop", look=step_drop),
    Rule(name="data_drop_together", look=drop_together),
)
