"""Is a region that changed and stands still an object, a hole where something was, or a trick of the light?"""

import math
from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
import numpy.typing as npt

from detectors.vision.frames import Mask, Plane


class Verdict(StrEnum):
    OBJECT = "object"
    UNCOVERED = "uncovered"
    LIGHT = "light"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class RegionFacts:
    """`edge_gain`: contour edges now over those of the background. `fit_gain`: how much better the background than the
    present matches the surroundings (0-1 histogram distances). `texture_kept`: correlation of gradients inside."""

    edge_gain: float
    fit_gain: float
    texture_kept: float
    chroma_shift: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceSettings:
    edge_margin: float = 1.15
    """A contour must be this much sharper than the same line in the background (or the other way round for a hole)."""
    fit_margin: float = 0.10
    """So much less like its surroundings than what was there before (or more, for a hole)."""
    enough: float = 0.7
    """Least sum of log2(edge_gain) and 3 x fit_gain: 0.7 is an edge of 1.3 with a fit of 0.11, or an edge of 1.6 alone."""
    texture_same: float = 0.6
    """Correlation of gradients above which the same surface is still seen, only lit otherwise."""
    chroma_same_levels: float = 6.0
    """Light that changes moves chroma less than this; most objects move it more, or change the texture."""


def measure(background: Plane, settled: Plane, region: Mask) -> RegionFacts:
    """Facts about `region` (not empty) from two pictures of the scene (3, rows, columns), without it and with it."""
    kernel = np.ones((3, 3), np.uint8)
    solid = region.astype(np.uint8)
    contour = (cv2.dilate(solid, kernel) - cv2.erode(solid, kernel)).astype(bool)
    around = cv2.dilate(solid, np.ones((9, 9), np.uint8)).astype(bool) & ~cv2.dilate(solid, kernel).astype(
        bool
    )
    edges_then, edges_now = gradient(background), gradient(settled)
    return RegionFacts(
        edge_gain=float((edges_now[contour].mean() + 2.0) / (edges_then[contour].mean() + 2.0)),
        fit_gain=_strongest(_misfit(settled, region, around) - _misfit(background, region, around)),
        texture_kept=_correlation(background[0], settled[0], region),
        chroma_shift=float(np.abs(np.median(settled[1:, region] - background[1:, region], axis=1)).max()),
    )


def judge(facts: RegionFacts, settings: EvidenceSettings) -> Verdict:
    same_colour = facts.chroma_shift < settings.chroma_same_levels
    if facts.texture_kept > settings.texture_same and same_colour:
        return Verdict.LIGHT
    weight = float(np.log2(facts.edge_gain)) + 3.0 * facts.fit_gain
    if facts.edge_gain >= settings.edge_margin and facts.fit_gain >= 0.0 and weight >= settings.enough:
        return Verdict.OBJECT
    if facts.fit_gain <= -settings.fit_margin or (
        facts.edge_gain <= 1 / settings.edge_margin and weight < settings.enough
    ):
        return Verdict.UNCOVERED
    return Verdict.UNCLEAR


def gradient(planes: Plane) -> Plane:
    """The strongest edge of the three planes at each pixel, in levels per pixel."""
    strength = [np.hypot(cv2.Sobel(p, cv2.CV_32F, 1, 0), cv2.Sobel(p, cv2.CV_32F, 0, 1)) / 4 for p in planes]
    strongest: Plane = np.maximum(strength[0], 2 * np.maximum(strength[1], strength[2])).astype(np.float32)
    return strongest


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


def _correlation(then: Plane, now: Plane, region: Mask) -> float:
    parts = []
    for dx, dy in ((1, 0), (0, 1)):
        a, b = cv2.Sobel(then, cv2.CV_32F, dx, dy)[region], cv2.Sobel(now, cv2.CV_32F, dx, dy)[region]
        parts.append((float((a * b).sum()), float((a * a).sum()), float((b * b).sum())))
    ab, aa, bb = (sum(p[i] for p in parts) for i in range(3))
    return ab / (math.sqrt(aa * bb) + 16.0 * float(region.sum()))
