"""How much a cluster of restless cells behaves like smoke."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from detectors.vision.episodes import Box
from detectors.vision.frames import Mask
from detectors.vision.smoke_measures import CellMap, Sample

_CHANGE_LEVELS = 1.4
_FLOOR = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Plume:
    """A cluster of cells and what its active cells did over the window (medians over them).

    activity, coherence, texture, chroma, flame: as in CellMap. never_rests: share of cells that change in all but the
    calmest tenth of the samples. bursts: a strong change (90th percentile) over the usual one. in_few: share of the change's
    energy in the three strongest samples. outlines: texture at its strongest over its median. in_step: share of the change's
    energy that all cells make together, as under a cloud or a lamp.
    """

    mask: Mask
    activity: float
    coherence: float
    texture: float
    chroma: float
    level: float
    flame_share: float
    area_share: float
    never_rests: float
    bursts: float
    in_few: float
    outlines: float
    in_step: float

    def box(self) -> Box:
        rows, columns = np.nonzero(self.mask)
        high, wide = self.mask.shape
        left, top = float(columns.min() / wide), float(rows.min() / high)
        return left, top, float((columns.max() + 1) / wide), float((rows.max() + 1) / high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """From the value that speaks against smoke to the one that speaks for it."""

    against: float
    for_it: float

    def weigh(self, value: float) -> float:
        """0 to 1."""
        return min(1.0, max(0.0, (value - self.against) / (self.for_it - self.against)))


SCALES = {
    "never_rests": Scale(against=0.30, for_it=0.60),
    "bursts": Scale(against=4.0, for_it=2.4),
    "in_few": Scale(against=0.92, for_it=0.70),
    "outlines": Scale(against=2.2, for_it=1.4),
    "in_step": Scale(against=0.60, for_it=0.30),
    "coherence": Scale(against=0.38, for_it=0.60),
    "texture": Scale(against=9.0, for_it=5.0),
    "activity": Scale(against=1.4, for_it=3.0),
    "area_share": Scale(against=0.006, for_it=0.03),
}
"""Smoke and what is not smoke differ in each of these, in none of them always; filmed and drawn scenes lie at both ends."""


def score(plume: Plume) -> float:
    """0.2 to 1: the geometric mean of the weights, none counted below 0.2: smoke shows all of them a little."""
    weights = [max(_FLOOR, scale.weigh(getattr(plume, name))) for name, scale in SCALES.items()]
    return math.prod(weights) ** (1 / len(weights))


def describe(samples: Sequence[Sample], cell_map: CellMap, mask: Mask, active: Mask) -> Plume:
    """The facts about the cluster `mask` whose `active` cells (at least one) are measured."""
    core = mask & active if (mask & active).any() else mask
    signed = np.stack([s.change[core] for s in samples[1:]])
    change = np.abs(signed)
    texture = np.stack([s.texture[core] for s in samples])
    energy = np.sort(np.stack([s.change_energy[core] for s in samples[1:]]), axis=0)
    moving = (change > _CHANGE_LEVELS).mean(axis=1)
    bursts = np.percentile(change, 90, axis=0) / (np.median(change, axis=0) + 0.3)
    outlines = np.percentile(texture, 90, axis=0) / (np.median(texture, axis=0) + 0.5)
    return Plume(
        mask=mask,
        activity=float(np.median(cell_map.activity[core])),
        coherence=float(np.median(cell_map.coherence[core])),
        texture=float(np.median(cell_map.texture[core])),
        chroma=float(np.median(cell_map.chroma[core])),
        level=float(np.median(cell_map.level[core])),
        flame_share=float(cell_map.flame[mask].mean()),
        area_share=float(mask.mean()),
        never_rests=float(np.percentile(moving, 10)),
        bursts=float(np.median(bursts)),
        in_few=float(np.median(energy[-3:].sum(axis=0) / (energy.sum(axis=0) + 1e-6))),
        outlines=float(np.median(outlines)),
        in_step=float((signed.mean(axis=1) ** 2).mean() / ((signed**2).mean() + 1e-6)),
    )
