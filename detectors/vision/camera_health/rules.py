"""The rules of camera health: what one picture shows of each fault, and the numbers behind it. Pure functions."""

from dataclasses import dataclass

import numpy as np

from detectors.vision.camera_health.condition import Look
from detectors.vision.camera_health.measures import MODES, Measures
from detectors.vision.camera_health.references import References
from detectors.vision.camera_health.settings import HealthSettings
from detectors.vision.frames import Mask, Plane

BLACK, OVEREXPOSED, FROZEN = "camera_black", "camera_overexposed", "camera_frozen"
COVERED, DEFOCUSED, TURNED = "camera_covered", "camera_defocused", "camera_turned"


@dataclass(frozen=True, slots=True)
class Told:
    """`number` is what the look rests on: a share of the picture, or of what is usual. `is_normal`: far from the fault."""

    look: Look
    number: float = 0.0
    is_normal: bool = False


def filled(share: float, settings: HealthSettings) -> Told:
    """Black and over-exposed: nearly all of the picture is at one end of the range."""
    if share >= settings.filled_share:
        return Told(Look.BAD, share)
    is_well = share <= settings.filled_well_share
    return Told(Look.WELL if is_well else Look.UNCLEAR, share, share <= settings.filled_normal_share)


def covered(seen: Measures, references: References, mode: int, settings: HealthSettings) -> Told:
    """Structure is gone from nearly all tiles that usually have some. `mode`: whose reference counts. What is dark is
    judged by the rule for black alone: a lamp that is switched off takes the structure with it."""
    tiles = references.structured(mode)
    dark = seen.level < settings.black_level + 8
    if dark or not references.is_mature(mode) or np.count_nonzero(tiles) < settings.least_tiles:
        return Told(Look.UNCLEAR)
    left = references.structure_left(seen, mode)[tiles]
    gone, is_normal = _share(left <= settings.gone), _ranked(left, 0.5) >= settings.normal
    if gone >= settings.covered_share:
        return Told(Look.BAD, gone)
    return Told(Look.WELL if gone <= settings.covered_well_share else Look.UNCLEAR, gone, is_normal)


def defocused(seen: Measures, references: References, settings: HealthSettings) -> Told:
    """Four fifths of what is usually sharp has lost its fine detail, more than its contrast."""
    tiles = references.sharp(seen.mode)
    if not references.is_mature(seen.mode) or np.count_nonzero(tiles) < settings.least_tiles:
        return Told(Look.UNCLEAR)
    there = tiles & (references.structure_left(seen, seen.mode) > settings.gone)
    if np.count_nonzero(there) < np.count_nonzero(tiles) / 2:
        return Told(Look.UNCLEAR)
    left = _ranked(references.sharpness_left(seen)[there], settings.blurred_quantile)
    if left <= settings.blurred:
        return Told(Look.BAD, left)
    return Told(Look.WELL if left >= settings.sharp else Look.UNCLEAR, left)


def turned(seen: Measures, references: References, settings: HealthSettings) -> Told:
    """The edges are not where they are in any mode that is known. Nothing is said of a mode that is not known yet."""
    own = references.is_mature(seen.mode)
    best = references.share_alike(seen, seen.mode) if own else None
    if best is None or best < settings.same_view_share:
        others = [m for m in range(MODES) if m != seen.mode and references.is_mature(m)]
        shares = [share for m in others if (share := references.share_alike(seen, m)) is not None]
        best = max([*shares, best] if best is not None else shares, default=None)
    if best is None:
        return Told(Look.UNCLEAR)
    if best >= settings.same_view_share:
        return Told(Look.WELL, best)
    return Told(Look.BAD if own and best <= settings.turned_share else Look.UNCLEAR, best)


def _share(told: Mask) -> float:
    return float(np.count_nonzero(told)) / told.size


def _ranked(values: Plane, share: float) -> float:
    """The value that `share` of them do not exceed; a tenth of what numpy's quantile takes for so few."""
    rank = round(share * (values.size - 1))
    return float(np.partition(values, rank)[rank])
