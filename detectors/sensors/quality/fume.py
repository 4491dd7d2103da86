"""A kitchen's fan and purifier (domain facts §4.5): frying without the purifier, or a purifier that runs without a fan. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import LONGEST_HOLD_S, Scene
from detectors.sensors.quality.series import Bools, Series, moment
from farwatch.domain.finding import Param
from farwatch.domain.schedule import holds, stretch_of

ON_FROM = 0.2
"""Ampere (or a state of 1): less is noise of a current clamp."""

MINUTES = 15
"""No number is published: a quarter of an hour in the hour, so that switching on one after the other is none."""


def _open(scene: Scene, series: Series) -> Bools:
    stretches = [stretch_of(hours) for hours in scene.rule.business_hours]
    return np.array(
        [any(holds(stretch, r.ts) for stretch in stretches) for r in series.readings], dtype=np.bool_
    )


@dataclass(frozen=True, slots=True)
class _Kitchen:
    """The fan's minutes, and where in them any fan and any purifier was on."""

    fan: str
    purifier: str
    hour: Series
    fanned: Bools
    purified: Bools


def _kitchen(scene: Scene) -> _Kitchen | None:
    """None: not a kitchen, or nothing came."""
    fans, purifiers = scene.all_in_role("fan"), scene.all_in_role("purifier")
    if not fans or not purifiers:
        return None
    hour = scene.hour(fans[0])
    hour = hour.where(hour.ok)
    fanned, purified = _any_on(scene, fans, hour), _any_on(scene, purifiers, hour)
    if not len(hour) or fanned is None or purified is None:
        return None
    return _Kitchen(fans[0], purifiers[0], hour, fanned, purified)


def _any_on(scene: Scene, codes: Sequence[str], hour: Series) -> Bools | None:
    """None: some said nothing in some of these minutes."""
    said = np.array([scene.minutes(code).at_times(hour.at, LONGEST_HOLD_S) for code in codes])
    return None if np.isnan(said).any() else np.asarray((said >= ON_FROM).any(axis=0))


def _opinions(kitchen: _Kitchen, mask: Bools) -> Iterator[Opinion]:
    hour = kitchen.hour
    minutes = round(float(mask.sum() * hour.interval_s / 60))
    if minutes >= MINUTES:
        params: dict[str, Param] = {"minutes": minutes, "other": kitchen.fan}
        yield Wrong(code=kitchen.purifier, since=moment(hour.at[mask][0]), params=params)
    elif not mask.all():
        yield Well(kitchen.purifier, moment(hour.at[~mask][0]))


def purifier_off(scene: Scene) -> Iterator[Opinion]:
    """In business hours a fan runs and no purifier does."""
    if (kitchen := _kitchen(scene)) is not None:
        yield from _opinions(kitchen, kitchen.fanned & ~kitchen.purified & _open(scene, kitchen.hour))


def purifier_without_fan(scene: Scene) -> Iterator[Opinion]:
    """A purifier is said to run, but no fan draws current: its state is for show."""
    if (kitchen := _kitchen(scene)) is not None:
        yield from _opinions(kitchen, ~kitchen.fanned & kitchen.purified)


RULES = (
    Rule(name="data_purifier_off", look=purifier_off),
    Rule(name="data_purifier_without_fan", look=purifier_without_fan),
)
