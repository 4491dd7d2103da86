"""How each cell of a picture behaved over some seconds: the numbers that tell smoke from leaves, people and traffic.

Smoke never comes to rest and never returns (activity), changes over areas larger than a leaf or an outline (coherence), and
hides the texture behind it. Traffic and people leave the background bare between them; leaves and edges change in small
pieces; clouds move on steadily.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np

from detectors.vision.frames import Frame, Mask, Plane, as_plane

_CELLS_ACROSS = 40
_NOTHING_LEVELS = 0.7
"""Where no cell changed by this much there is not even thin smoke: it makes 2-4, a still scene under H.264 less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Cell means of one picture (rows, columns of cells), changes against the sample before it, the common part removed.

    `relative` is the level over the picture's median.
    """

    at: datetime
    level: Plane
    relative: Plane
    change: Plane
    change_energy: Plane
    texture: Plane
    chroma: Plane
    flame: Plane


@dataclass(frozen=True, slots=True, kw_only=True)
class CellMap:
    """Per cell. activity: levels (0-255) of change that does not rest, drift or return. coherence (0-1): share of the
    change's energy that the whole cell makes together. texture: levels per pixel. chroma: levels away from grey."""

    activity: Plane
    coherence: Plane
    texture: Plane
    chroma: Plane
    flame: Plane
    level: Plane


def take_sample(frame: Frame, before: tuple[Plane, Sample] | None) -> Sample:
    """`before` is the smoothed luma of the sample before, and that sample; without one of this size the change is zero."""
    change, known = np.zeros_like(frame.flat), None
    if before is not None and before[0].shape == frame.shape:
        change, known = _without_common(frame.flat, before[0]), before[1]
    level, changed = cells(frame.y), cells(change)
    if np.abs(changed).max() >= _NOTHING_LEVELS:
        known = None
    return Sample(
        at=frame.at,
        level=level,
        relative=level - np.median(level),
        change=changed,
        change_energy=cells(change * change),
        texture=known.texture if known else cells(_slope(frame.y)),
        chroma=known.chroma if known else _chroma(frame),
        flame=known.flame if known else _flame(frame, level),
    )


def _chroma(frame: Frame) -> Plane:
    """Levels away from grey."""
    u, v = np.abs(cells(frame.u) - 128), np.abs(cells(frame.v) - 128)
    return as_plane(np.maximum(u, v))


def _slope(y: Plane) -> Plane:
    """Levels per pixel."""
    across, down = (cv2.Sobel(y, cv2.CV_32F, dx, dy, scale=1 / 8) for dx, dy in ((1, 0), (0, 1)))
    return as_plane(cv2.magnitude(across, down))


def _flame(frame: Frame, like: Plane) -> Plane:
    bright = (frame.v > 146) & (frame.u < 116)
    return cells((bright & (frame.y > 110)).astype(np.float32)) if bright.any() else np.zeros_like(like)


def _without_common(now: Plane, then: Plane) -> Plane:
    """The change between two pictures without what the whole picture does: light, and the sway of the camera's pole.

    One least-squares step for a common shift (Lucas and Kanade), from the pixels that changed little.
    """
    change = as_plane(cv2.subtract(now, then))
    change -= np.median(change[::4, ::4])
    mean = cv2.addWeighted(now, 0.5, then, 0.5, 0)
    dx, dy = (cv2.Sobel(mean, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))
    size = np.abs(change)
    still = (size <= 3 * float(np.median(size[::4, ::4])) + 3).astype(np.float32)
    x, y, d = cv2.multiply(dx, still).ravel(), cv2.multiply(dy, still).ravel(), change.ravel()
    xx, xy, yy = float(x @ x) + 1.0, float(x @ y), float(y @ y) + 1.0
    xd, yd = float(x @ d), float(y @ d)
    det = xx * yy - xy * xy
    across, down = (yy * xd - xy * yd) / det, (xx * yd - xy * xd) / det
    return as_plane(cv2.scaleAdd(dy, -down, cv2.scaleAdd(dx, -across, change)))


def may_be_restless(
    samples: Sequence[Sample], where: Mask, least_activity: float, least_coherence: float
) -> bool:
    """False only when `measure` would find no cell in `where` with so much activity and coherence; nearly free then."""
    level = np.stack([s.relative for s in samples])
    where = where & (np.ptp(level, axis=0) >= least_activity)
    if not where.any():
        return False
    change = np.stack([s.change[where] for s in samples[1:]])
    energy = np.stack([s.change_energy[where] for s in samples[1:]])
    lively = _activity(change, level[:, where]) >= least_activity
    return bool((lively & (_coherence(change, energy) >= least_coherence)).any())


def measure(samples: Sequence[Sample]) -> CellMap:
    """What the cells did over `samples` (at least three, of one size); the first one's change is left out."""
    change = np.stack([s.change for s in samples[1:]])
    energy = np.stack([s.change_energy for s in samples[1:]])
    return CellMap(
        activity=_activity(change, np.stack([s.relative for s in samples])),
        coherence=_coherence(change, energy),
        texture=_median(np.stack([s.texture for s in samples])),
        chroma=_median(np.stack([s.chroma for s in samples])),
        flame=np.mean(np.stack([s.flame for s in samples]), axis=0).astype(np.float32),
        level=_median(np.stack([s.level for s in samples])),
    )


def _activity(change: Plane, level: Plane) -> Plane:
    restless = _quarter(np.abs(change - _median(change)))
    wander = _median(np.abs(level - _median(level)))
    activity: Plane = np.minimum(2 * restless, wander)
    return activity


def _coherence(change: Plane, energy: Plane) -> Plane:
    coherence: Plane = _median(change * change) / (_median(energy) + 1.0)
    return coherence


def _median(values: Plane) -> Plane:
    """Over the first axis; sorting a dozen is four times as fast as NumPy's own."""
    ordered, middle = np.sort(values, axis=0), len(values) // 2
    return as_plane(
        ordered[middle] if len(values) % 2 else np.float32(0.5) * (ordered[middle - 1] + ordered[middle])
    )


def _quarter(values: Plane) -> Plane:
    """The 25th percentile over the first axis, between neighbours where it falls between them."""
    ordered, (whole, part) = np.sort(values, axis=0), divmod(0.25 * (len(values) - 1), 1)
    below, above = ordered[int(whole)], ordered[min(int(whole) + 1, len(values) - 1)]
    return as_plane(below + np.float32(part) * (above - below))


def cells(plane: Plane) -> Plane:
    """Means over square cells, about 40 across."""
    rows, columns = plane.shape
    side = max(4, round(columns / _CELLS_ACROSS))
    size = (max(1, round(columns / side)), max(1, round(rows / side)))
    if rows % 2 == 0 and columns % 2 == 0 and side >= 8:  # far faster than one step of uneven size
        plane = as_plane(cv2.resize(plane, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA))
    return as_plane(cv2.resize(plane, size, interpolation=cv2.INTER_AREA))


def is_other_scene(a: Sample, b: Sample) -> bool:
    """Whether two samples show different views: levels that no longer go together, over most of the picture."""
    if a.level.shape != b.level.shape:
        return True
    x, y = a.level - a.level.mean(), b.level - b.level.mean()
    together = float((x * y).sum()) / (float(np.sqrt((x * x).sum() * (y * y).sum())) + 1e-6)
    return together < 0.4 and float((np.abs(x - y) > 12).mean()) > 0.5


def clusters(active: Mask, least_cells: int) -> list[Mask]:
    """Connected groups of active cells, largest first; gaps of a cell are closed, single cells and thin lines dropped."""
    solid = cv2.morphologyEx(active.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    solid = cv2.morphologyEx(solid, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(solid, connectivity=4)
    order = sorted(range(1, count), key=lambda k: -int(stats[k][cv2.CC_STAT_AREA]))
    return [labels == k for k in order if int(stats[k][cv2.CC_STAT_AREA]) >= least_cells]
