"""Is a region that changed and stands still an object, a hole where something was, or a trick of the light?"""

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from detectors.vision.frames import Mask, Plane

_LEAST_LEVELS = 3.0
"""Contrast of a surface with nothing on it; keeps a ratio of two nothings near one."""


class Verdict(StrEnum):
    OBJECT = "object"
    UNCOVERED = "uncovered"
    LIGHT = "light"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFacts:
    """`edge_gain`: contour edges now over those of the background. `fit_gain`: how much better the background than the
    present matches the surroundings (0-1 histogram distances). `texture_kept`: correlation of gradients inside. `light_kept`:
    the present's luma over the background's, in the middle of the region: its median, and `unevenness` the middle half's
    range over that."""

    edge_gain: float
    fit_gain: float
    texture_kept: float
    chroma_shift: float
    light_kept: float
    unevenness: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSettings:
    enough: float = 0.7
    """Least log2(edge_gain) + 3 x fit_gain of an object: a contour 1.6 times as strong, or colours 0.23 further from those
    around it, or some of both. Filmed bags reach 1.0 (dark, on paving in shadow) to 4."""
    hole: float = -0.35
    """The same for a hole, half as sure: taking a thing for a hole loses it, taking a hole for a thing is a false alarm."""
    texture_same: float = 0.6
    """Correlation of gradients above which the same surface is still seen, only lit otherwise, if its colour is the same."""
    texture_kept: float = 0.8
    """Above this it is the same surface in whatever colour: beside a fire, behind a veil of smoke."""
    chroma_same_levels: float = 6.0
    """Light that changes moves chroma less than this; most objects move it more, or change the texture."""
    shadow_light: float = 0.7
    """A shadow on smooth ground, which has no texture to keep, leaves at least this share of the light (filmed under a lamp at
    night: 0.81 and 0.85), a dark bag less (0.43 to 0.59) ..."""
    shadow_unevenness: float = 0.12
    """... and dims all of it alike (0.03 and 0.09; bags 0.08 to 0.48)."""


def measure(background: Plane, present: Plane, region: Mask) -> RegionFacts:
    """Facts about `region` (not empty) from two pictures of the scene (3, rows, columns), without it and with it."""
    kernel = np.ones((3, 3), np.uint8)
    solid = region.astype(np.uint8)
    contour = (cv2.dilate(solid, kernel) - cv2.erode(solid, kernel)).astype(bool)
    around = cv2.dilate(solid, np.ones((9, 9), np.uint8)).astype(bool) & ~cv2.dilate(solid, kernel).astype(
        bool
    )
    contrast_then, contrast_now = _contrast(background, region, contour), _contrast(present, region, contour)
    light_kept, unevenness = _dimming(background[0], present[0], region)
    return RegionFacts(
        edge_gain=(contrast_now + _LEAST_LEVELS) / (contrast_then + _LEAST_LEVELS),
        fit_gain=_strongest(_misfit(present, region, around) - _misfit(background, region, around)),
        texture_kept=_correlation(background[0], present[0], region),
        chroma_shift=float(np.abs(np.median(present[1:, region] - background[1:, region], axis=1)).max()),
        light_kept=light_kept,
        unevenness=unevenness,
    )


def judge(facts: RegionFacts, settings: EvidenceSettings) -> Verdict:
    same_colour = facts.chroma_shift < settings.chroma_same_levels
    least = settings.texture_same if same_colour else settings.texture_kept
    if facts.texture_kept > least:
        return Verdict.LIGHT
    is_even = facts.unevenness < settings.shadow_unevenness
    if same_colour and is_even and settings.shadow_light <= facts.light_kept < 1.0:
        return Verdict.LIGHT
    weight = math.log2(facts.edge_gain) + 3.0 * facts.fit_gain
    if weight >= settings.enough and facts.edge_gain >= 1.0 and facts.fit_gain >= 0.0:
        return Verdict.OBJECT
    if weight <= settings.hole and facts.edge_gain < 1.1:
        return Verdict.UNCOVERED
    return Verdict.UNCLEAR


def _contrast(planes: Plane, region: Mask, contour: Mask) -> float:
    """Mean difference across the contour between the 9 x 9 px inside and outside of it: paving averages out, an edge stays."""
    inside, outside = region.astype(np.float32), (~region).astype(np.float32)
    differences = [
        np.abs(_local_mean(plane, inside)[contour] - _local_mean(plane, outside)[contour]) for plane in planes
    ]
    strongest = np.maximum(differences[0], 2 * np.maximum(differences[1], differences[2]))
    return float(strongest.mean())


def _local_mean(plane: Plane, weight: Plane) -> Plane:
    size = (9, 9)
    mean: Plane = cv2.blur(plane * weight, size) / (cv2.blur(weight, size) + np.float32(1e-6))
    return mean


def _misfit(planes: Plane, region: Mask, around: Mask) -> Plane:
    """Distance (0-1) of the levels in the region from those around it, per plane: half the L1 distance of histograms."""
    distances = np.zeros(3, dtype=np.float32)
    for i, (plane, width) in enumerate(zip(planes, (16.0, 4.0, 4.0), strict=True)):
        bins = np.arange(0.0, 256.0 + width, width)
        inside, outside = np.histogram(plane[region], bins)[0], np.histogram(plane[around], bins)[0]
        inside, outside = _smooth(inside / max(1, inside.sum())), _smooth(outside / max(1, outside.sum()))
        distances[i] = 0.5 * np.abs(inside - outside).sum()
    return distances


def _strongest(gains: Plane) -> float:
    """The plane that says most; a camera at night has only luma to say anything with."""
    return float(gains[np.abs(gains).argmax()])


def _smooth(histogram: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.convolve(histogram, (0.25, 0.5, 0.25), mode="same")


def _dimming(then: Plane, now: Plane, region: Mask) -> tuple[float, float]:
    """Median of now over then, and the middle half's range over the median; without the rim, where a shadow is half one."""
    middle = cv2.erode(region.astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
    inside = middle if middle.any() else region
    low, median, high = np.percentile((now[inside] + 1.0) / (then[inside] + 1.0), (25, 50, 75))
    return float(median), float((high - low) / median)


def _correlation(then: Plane, now: Plane, region: Mask) -> float:
    parts = []
    for dx, dy in ((1, 0), (0, 1)):
        a, b = cv2.Sobel(then, cv2.CV_32F, dx, dy)[region], cv2.Sobel(now, cv2.CV_32F, dx, dy)[region]
        parts.append((float((a * b).sum()), float((a * a).sum()), float((b * b).sum())))
    ab, aa, bb = (sum(p[i] for p in parts) for i in range(3))
    return ab / (math.sqrt(aa * bb) + 16.0 * float(region.sum()))
