"""A part that is larger than its whole: NH3-N > TN, BOD > COD, components > NMHC (domain facts §4.7: R051, R052, R095). Pure."""

from collections.abc import Iterator, Sequence
from datetime import timedelta

import numpy as np

from detectors.sensors.quality.codes import BOD, COD, NH3_N, NMHC, NMHC_PARTS, TN, kind_of
from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import Scene
from detectors.sensors.quality.series import moment
from farwatch.domain.finding import Param

TOLERANCE = 1.10
"""Two analysers of ten per cent each may disagree by as much."""

HOURS = 3
"""In a row: slow analysers do not look at the same water in the same hour."""

CARBON_SHARE = 0.9
"""NMHC counts carbon; benzene, toluene and xylenes are nine tenths of it by weight."""


def _part_over_whole(
    scene: Scene, parts: Sequence[str], whole: str | None, share: float = 1.0
) -> Iterator[Opinion]:
    if whole is None or not parts:
        return
    total = scene.hours(whole)
    total = total.where(total.ok)
    if len(total) < HOURS or total.at[-1] < scene.period.ts.timestamp():
        return
    total = total.within(moment(total.at[-HOURS]), scene.period.until)
    summed = np.zeros(len(total))
    for part in parts:
        of_part = scene.hours(part)
        summed += share * of_part.where(of_part.ok).at_times(total.at, 0.0)
    if np.isnan(summed).any() or total.at[-1] - total.at[0] > (HOURS - 1) * 3600:
        return
    begin = scene.period.until - timedelta(hours=HOURS)
    over = summed > TOLERANCE * total.value
    if over.all():
        params: dict[str, Param] = {
            "value": round(float(summed[-1]), 3),
            "whole": float(total.value[-1]),
            "other": whole,
            "hours": HOURS,
        }
        yield Wrong(code=parts[0], since=begin, params=params)
    else:
        yield Well(parts[0], moment(total.at[~over][0]), began_by=begin)


def nitrogen(scene: Scene) -> Iterator[Opinion]:
    """Ammonia nitrogen is part of total nitrogen."""
    part = scene.called(NH3_N)
    yield from _part_over_whole(scene, [part] if part else [], scene.called(TN))


def oxygen_demand(scene: Scene) -> Iterator[Opinion]:
    """What microbes oxidise, the chemical does too."""
    part = scene.called(BOD)
    yield from _part_over_whole(scene, [part] if part else [], scene.called(COD))


def organics(scene: Scene) -> Iterator[Opinion]:
    """Benzene, toluene and xylenes are part of the non-methane hydrocarbons."""
    parts = [code for code in scene.codes if kind_of(code) in NMHC_PARTS]
    yield from _part_over_whole(scene, parts, scene.called(NMHC), CARBON_SHARE)


RULES = (
    Rule(name="data_nh3_over_tn", look=nitrogen),
    Rule(name="data_bod_over_cod", look=oxygen_demand),
    Rule(name="data_parts_over_nmhc", look=organics),
)
