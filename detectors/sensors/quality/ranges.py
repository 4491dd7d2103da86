"""Values where none can be: below nought, outside the range, cut off at the range or at the limit. Pure.

Domain facts §4.7: 负值, 超量程, R070.
"""

from collections.abc import Iterator

import numpy as np

from detectors.sensors.quality.codes import PHYSICAL, is_pollutant, kind_of, role_of
from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import Scene
from detectors.sensors.quality.series import Bools, Floats, Series, moment
from farwatch.domain.finding import Param, Severity, Tier

HOUR_SHARE = 0.10
"""No number is published: a tenth of the hour's readings, so that a spike or a switching valve accuses nobody."""

ZERO_DRIFT_SHARE = 0.02
"""Analysers may drift this far below their zero (HJ 75 allows 2.5 % of the span between two calibrations)."""

ABOVE_RANGE = "T"
NEVER_NEGATIVE = frozenset({"o2", "flow", "humidity", "velocity"})

CAP_SHARE, CAP_RUN, CAP_STEPS = 0.20, 5, 10
"""Flat top (R070 gives no number): a fifth of the readings at the very highest value, five of them in a row, and a drop
below it of at least ten steps of the data's own resolution, so that coarse numbers are not taken for it."""

CUT_BY_NATURE = frozenset({"o2", "humidity", "load", "fan", "purifier"})
"""Air, wet gas and works at full load are at the end of a range that nothing is beyond."""

CAP_NEAR = 0.01
"""So near to the limit or the range's end, of it."""


def negative(scene: Scene) -> Iterator[Opinion]:
    """Below nought by more than an analyser's drift. Temperatures and pressures may be negative."""
    for code in scene.codes:
        role = role_of(scene.channel(code))
        if not (is_pollutant(code) or role in NEVER_NEGATIVE) or (scene.channel(code).range_low or 0) < 0:
            continue
        span = scene.span(code) or scene.limit_value(code) or 0.0
        hour = scene.hour(code)
        yield from _share_of_hour(code, hour, hour.ok & (hour.value < -ZERO_DRIFT_SHARE * span), lowest=True)


def out_of_range(scene: Scene) -> Iterator[Opinion]:
    """Outside the registered range or what can be measured at all; or the device itself flags T, above its range."""
    for code in scene.codes:
        channel, hour = scene.channel(code), scene.hour(code)
        low, high = PHYSICAL.get(kind_of(code), (-np.inf, np.inf))
        high = min(high, np.inf if channel.range_high is None else channel.range_high)
        # Below nought is the other rule's business, which allows for drift.
        low = max(low, channel.range_low or -np.inf)
        above = hour.ok & (hour.value > high)
        below = hour.ok & (hour.value < low)
        said = np.array([r.flag == ABOVE_RANGE for r in hour.readings], dtype=np.bool_)
        limits = {} if np.isinf(high) else {"high": float(high)}
        yield from _share_of_hour(code, hour, above | below | said, extra=limits)


def _share_of_hour(
    code: str, hour: Series, mask: Bools, *, lowest: bool = False, extra: dict[str, float] | None = None
) -> Iterator[Opinion]:
    if not len(hour):
        return
    share = float(mask.mean())
    if share >= HOUR_SHARE and mask.sum() >= 2:
        wrong = hour.value[mask]
        worst = float(wrong.min() if lowest else wrong[np.argmax(np.abs(wrong))])
        params = {"value": worst, "share_percent": round(100 * share), "readings": len(hour), **(extra or {})}
        yield Wrong(code=code, since=moment(hour.at[mask][0]), params=params)
    elif (hour.ok & ~mask).any():
        yield Well(code, moment(hour.at[~mask][0]))


def flat_top(scene: Scene) -> Iterator[Opinion]:
    """Cut off at the end of the analyser's range: what is above it is lost."""
    for code in scene.codes:
        high = scene.channel(code).range_high
        if high is not None and role_of(scene.channel(code)) not in CUT_BY_NATURE:
            series = _normal(scene.minutes(code))
            yield from _cap(scene, code, series, series.value, high)


def capped(scene: Scene) -> Iterator[Opinion]:
    """Cut off just at or below the limit, never above it: somebody's software does that."""
    for code in scene.pollutants():
        limit = scene.limit_value(code)
        if limit is not None and limit > 0:
            series = _normal(scene.minutes(code))
            yield from _cap(scene, code, series, scene.judged(code, series), limit)


def _normal(series: Series) -> Series:
    return series.where(series.ok)


def _cap(scene: Scene, code: str, series: Series, values: Floats, top: float) -> Iterator[Opinion]:
    if len(series) < 12 or np.isnan(values).any():
        return
    begin = moment(series.at[0])
    highest = float(values.max())
    at_top = values >= highest - 1e-9
    cut = top * (1 - CAP_NEAR) <= highest <= top and at_top.mean() >= CAP_SHARE
    if cut and _longest_run(at_top) >= CAP_RUN and _far_below(values[~at_top], highest):
        share = round(100 * float(at_top.mean()))
        params: dict[str, Param] = {
            "value": highest,
            "top": top,
            "share_percent": share,
            "readings": len(series),
        }
        yield Wrong(code=code, since=begin, params=params)
    else:
        yield Well(code, scene.period.ts, began_by=begin)


def _far_below(values: Floats, highest: float) -> bool:
    """The other values lie many steps of their own resolution below."""
    distinct = np.unique(values)
    if len(distinct) <= CAP_STEPS:
        return False
    return highest - float(np.median(values)) >= CAP_STEPS * float(np.diff(distinct).min())


def _longest_run(mask: Bools) -> int:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mask, [False])).astype(np.int8)))
    return int((edges[1::2] - edges[::2]).max(initial=0))


RULES = (
    Rule(name="data_negative", look=negative),
    Rule(name="data_out_of_range", look=out_of_range),
    Rule(name="data_flat_top", look=flat_top),
    Rule(name="data_capped", look=capped, tier=Tier.VIOLATION, severity=Severity.MAJOR),
)
