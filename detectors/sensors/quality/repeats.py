"""A channel that says again, digit by digit, what it said before (domain facts §4.7: R092, cloned data). Pure."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from detectors.sensors.quality.codes import is_pollutant, is_slow
from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import Scene
from detectors.sensors.quality.series import Series
from farwatch.domain.finding import Severity, Tier

BLOCK_MINUTES, DISTINCT_MINUTES = 60, 12
BLOCK_HOURS, DISTINCT_HOURS = 12, 6
"""No number is published. An hour of minutes, or half a day of hours, with at least so many different values and changes:
chance does not say such a thing twice."""


def repeats(scene: Scene) -> Iterator[Opinion]:
    """The newest block of values equals an earlier one that does not overlap it."""
    for code in filter(is_pollutant, scene.codes):
        quick = not is_slow(code) and len(scene.minutes(code)) > 0
        series = scene.minutes(code) if quick else scene.hours(code)
        series = series.where(series.ok)
        block, distinct = (BLOCK_MINUTES, DISTINCT_MINUTES) if quick else (BLOCK_HOURS, DISTINCT_HOURS)
        if len(series) < 2 * block or series.at[-1] < scene.period.ts.timestamp():
            continue
        begin = scene.period.until - timedelta(hours=1 if quick else BLOCK_HOURS)
        earlier = _earlier(series, block, distinct)
        if earlier is None:
            yield Well(code, scene.period.ts, began_by=begin)
        else:
            lag_hours = round((series.at[-block] - series.at[earlier]) / 3600, 2)
            params = {"readings": block, "lag_hours": lag_hours, "reading": "min" if quick else "hour"}
            yield Wrong(code=code, since=begin, params=params)


def _earlier(series: Series, block: int, distinct: int) -> int | None:
    """Where the block began the last time."""
    newest = series.value[-block:]
    if len(np.unique(newest)) < distinct or np.count_nonzero(np.diff(newest)) < 2 * distinct - 2:
        return None
    earlier = sliding_window_view(series.value[:-block], block)
    same = np.flatnonzero((earlier == newest).all(axis=1))
    return int(same[-1]) if len(same) else None


RULES = (Rule(name="data_repeats", look=repeats, tier=Tier.VIOLATION, severity=Severity.MAJOR),)
