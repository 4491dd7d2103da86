"""A kitchen's fan and purifier (domain facts §4.5): frying without the purifier, or a purifier that runs without a fan. Pure."""

from collections.abc import Iterator

import numpy as np

from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import Scene
from detectors.sensors.quality.series import Bools, Series, moment
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


def _two(scene: Scene) -> tuple[Series, Bools, str] | None:
    """The fan's minutes, where the purifier was on in them, and the purifier's code; None: not a kitchen, or nothing came."""
    fan, purifier = scene.in_role("fan"), scene.in_role("purifier")
    if fan is None or purifier is None:
        return None
    hour = scene.hour(fan)
    hour = hour.where(hour.ok)
    said = scene.of_role("purifier", hour.at)
    if not len(hour) or said is None or np.isnan(said).any():
        return None
    return hour, np.asarray(said >= ON_FROM), purifier


def _opinions(code: str, other: str, hour: Series, mask: Bools) -> Iterator[Opinion]:
    minutes = mask.sum() * hour.interval_s / 60
    if minutes >= MINUTES:
        yield Wrong(
            code=code,
            since=moment(hour.at[mask][0]),
            params={"minutes": round(float(minutes)), "other": other},
        )
    elif not mask.all():
        yield Well(code, moment(hour.at[~mask][0]))


def purifier_off(scene: Scene) -> Iterator[Opinion]:
    """In business hours the fan runs and the purifier does not."""
    if (two := _two(scene)) is not None:
        hour, purified, purifier = two
        yield from _opinions(
            purifier,
            scene.in_role("fan") or "",
            hour,
            (hour.value >= ON_FROM) & ~purified & _open(scene, hour),
        )


def purifier_without_fan(scene: Scene) -> Iterator[Opinion]:
    """The purifier is said to run, but no fan draws current: its state is for show."""
    if (two := _two(scene)) is not None:
        hour, purified, purifier = two
        yield from _opinions(purifier, scene.in_role("fan") or "", hour, (hour.value < ON_FROM) & purified)


RULES = (
    Rule(name="data_purifier_off", look=purifier_off),
    Rule(name="data_purifier_without_fan", look=purifier_without_fan),
)
