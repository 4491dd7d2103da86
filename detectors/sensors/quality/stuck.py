"""Values that stand still: constant, nearly constant, zero, and low for too long. Pure.

Domain facts §4.7: 恒值, R054, 零值, long low values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from detectors.sensors.quality.codes import is_pollutant, is_slow, kind_of, role_of
from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import Scene
from detectors.sensors.quality.series import Floats, moment
from farwatch.domain.finding import Param
from farwatch.domain.reading import ReadingKind

ENOUGH_SHARE = 0.75
"""Of a window's readings; as HJ 75 asks of a valid hour."""

SAME = 1e-9
"""Means of the same real-time values differ by as much when one of them is lost."""

NEAR_SHARE = 0.01
"""Varying by less than this share of the span is nearly constant (R054)."""

NEAR_FROM_SHARE = 0.10
"""A clean outlet rests low in its analyser's range: below a tenth of it, lying still proves nothing."""

LOW_SHARE = 0.02
"""Of the span: below it for long (jinhhb.com)."""

TRIFLE_OF_LIMIT = 0.05
"""Values this far below the limit lie near the detection limit, where honest analysers repeat themselves."""

ZERO_SHARE = 0.90
"""No number is published: nine of ten readings, for the window of a constant value."""

SLUGGISH = frozenset({"w01001", "w01009", "w01014", "a01012", "a01014"})
"""Acidity, temperature and humidity can rest for hours at the resolution that is sent."""

MEASURED_ROLES = frozenset({"o2", "flow", "temperature", "humidity", "velocity"})
SOUND = frozenset({"LA", "Leq"})


def _may_not_rest(scene: Scene, code: str) -> bool:
    role = role_of(scene.channel(code))
    return is_pollutant(code) or role in MEASURED_ROLES or kind_of(code) in SLUGGISH | SOUND


@dataclass(frozen=True, slots=True)
class _Window:
    """`value` are the valid readings of running works, `at` their times."""

    value: Floats
    at: Floats

    @property
    def begin(self) -> datetime:
        return moment(self.at[0])

    def well(self, code: str, since: datetime) -> Well:
        return Well(code, since, began_by=self.begin)

    def wrong(self, code: str, params: Mapping[str, Param]) -> Wrong:
        hours = round((self.at[-1] - self.at[0]) / 3600, 1)
        return Wrong(code=code, since=self.begin, params={**params, "hours": hours, "readings": len(self.at)})


def _window(scene: Scene, code: str, *, long: bool = False) -> _Window | None:
    """What the question is put to; None where too few valid readings of running works lie in it."""
    slow = long or is_slow(code) or kind_of(code) in SLUGGISH or not len(scene.minutes(code))
    series = scene.hours(code) if slow else scene.minutes(code)
    length_s = scene.rule.slow_constant_s if slow else scene.rule.constant_s
    step_s = 3600.0 if slow else series.interval_s
    begin = scene.period.until - timedelta(seconds=length_s)
    runs = scene.running(series, ReadingKind.HOUR if slow else ReadingKind.MIN)
    kept = series.ok & runs & (series.at >= begin.timestamp())
    if kept.sum() < max(3, ENOUGH_SHARE * length_s / step_s):
        return None
    return _Window(series.value[kept], series.at[kept])


def _near_nothing(scene: Scene, code: str, value: float) -> bool:
    span, limit = scene.span(code), scene.limit_value(code)
    low_of_span = span is not None and value <= LOW_SHARE * span
    return value <= 0 or low_of_span or (limit is not None and value <= TRIFLE_OF_LIMIT * limit)


def constant(scene: Scene) -> Iterator[Opinion]:
    """max == min over the window, flagged and marked values left out; zero and nearly zero are other rules' business."""
    for code in filter(lambda c: _may_not_rest(scene, c), scene.codes):
        window = _window(scene, code)
        if window is None:
            continue
        value = float(window.value[0])
        moved = window.at[np.abs(window.value - value) > SAME * abs(value)]
        if len(moved):
            yield window.well(code, max(moment(moved[0]), scene.period.ts))
        elif not _near_nothing(scene, code, value):
            yield window.wrong(code, {"value": value})


def near_constant(scene: Scene) -> Iterator[Opinion]:
    """Minutes that move by less than a hundredth of the span. Of pollutants only: temperatures and flows may well be steady,
    and so may hour means of water."""
    for code in scene.pollutants():
        if is_slow(code) or not len(scene.minutes(code)):
            continue
        window, span = _window(scene, code), scene.span(code)
        if window is None or span is None:
            continue
        width, level = float(np.ptp(window.value)), float(window.value.mean())
        if width >= NEAR_SHARE * span:
            yield window.well(code, scene.period.ts)
        elif width > SAME * level and level >= NEAR_FROM_SHARE * span:
            share = round(100 * width / span, 2)
            yield window.wrong(code, {"share_percent": share, "span": span})


def zero(scene: Scene) -> Iterator[Opinion]:
    """A pollutant that is nought while the works run."""
    for code in scene.pollutants():
        window = _window(scene, code)
        if window is None:
            continue
        share = float((window.value == 0).mean())
        if share >= ZERO_SHARE:
            yield window.wrong(code, {"share_percent": round(100 * share)})
        else:
            yield window.well(code, max(scene.period.ts, moment(window.at[window.value != 0][0])))


def long_low(scene: Scene) -> Iterator[Opinion]:
    """Hour means of a pollutant that lie below 2 % of the span for a day, but are not nought."""
    for code in scene.pollutants():
        window, span = _window(scene, code, long=True), scene.span(code)
        if window is None or span is None:
            continue
        highest = float(window.value.max())
        if highest > LOW_SHARE * span:
            yield window.well(code, scene.period.ts)
        elif highest > 0:
            yield window.wrong(code, {"value": highest, "span": span})


RULES = (
    Rule(name="data_constant", look=constant),
    Rule(name="data_near_constant", look=near_constant),
    Rule(name="data_zero", look=zero),
    Rule(name="data_long_low", look=long_low),
)
