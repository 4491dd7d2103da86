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

from detectors.vision.frames import Frame, Mask, Plane

_CELLS_ACROSS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Cell means of one picture (rows, columns of cells), changes against the sample before it, the common part removed."""

    at: datetime
    level: Plane
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


def take_sample(frame: Frame, before: Frame | None) -> Sample:
    """`before` is the frame of the sample before; without one the change is zero."""
    flat: Plane = cv2.blur(frame.y, (3, 3)).astype(np.float32)
    change = np.zeros_like(flat)
    if before is not None and before.shape == frame.shape:
        change = _without_common(flat, cv2.blur(before.y, (3, 3)).astype(np.float32))
    u, v = frame.u - 128, frame.v - 128
    slope = np.hypot(cv2.Sobel(frame.y, cv2.CV_32F, 1, 0), cv2.Sobel(frame.y, cv2.CV_32F, 0, 1)) / 8
    flame = ((frame.y > 110) & (v > 18) & (u < -12)).astype(np.float32)
    return Sample(
        at=frame.at,
        level=cells(frame.y),
        change=cells(change),
        change_energy=cells((change * change).astype(np.float32)),
        texture=cells(slope.astype(np.float32)),
        chroma=np.maximum(np.abs(cells(u)), np.abs(cells(v))),
        flame=cells(flame),
    )


def _without_common(now: Plane, then: Plane) -> Plane:
    """The change between two pictures without what the whole picture does: light, and the sway of the camera's pole.

    One least-squares step for a common shift (Lucas and Kanade), from the pixels that changed little.
    """
    change = now - then
    change -= np.median(change[::4, ::4])
    mean = 0.5 * (now + then)
    dx, dy = cv2.Sobel(mean, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(mean, cv2.CV_32F, 0, 1) / 8
    still = np.abs(change) <= 3 * float(np.median(np.abs(change[::4, ::4]))) + 3
    x, y, d = (dx * still).ravel(), (dy * still).ravel(), change.ravel()
    xx, xy, yy = float(x @ x) + 1.0, float(x @ y), float(y @ y) + 1.0
    xd, yd = float(x @ d), float(y @ d)
    det = xx * yy - xy * xy
    across, down = (yy * xd - xy * yd) / det, (xx * yd - xy * xd) / det
    return (change - across * dx - down * dy).astype(np.float32)


def measure(samples: Sequence[Sample]) -> CellMap:
    """What the cells did over `samples` (at least three, of one size); the first one's change is left out."""
    change = np.stack([s.change for s in samples[1:]])
    level = np.stack([s.level for s in samples])
    level -= np.median(level, axis=(1, 2), keepdims=True)
    restless = np.percentile(np.abs(change - np.median(change, axis=0)), 25, axis=0)
    wander = np.median(np.abs(level - np.median(level, axis=0)), axis=0)
    together = np.median(change * change, axis=0)
    energy = np.median(np.stack([s.change_energy for s in samples[1:]]), axis=0)
    return CellMap(
        activity=np.minimum(2 * restless, wander).astype(np.float32),
        coherence=(together / (energy + 1.0)).astype(np.float32),
        texture=np.median(np.stack([s.texture for s in samples]), axis=0).astype(np.float32),
        chroma=np.median(np.stack([s.chroma for s in samples]), axis=0).astype(np.float32),
        flame=np.mean(np.stack([s.flame for s in samples]), axis=0).astype(np.float32),
        level=np.median(np.stack([s.level for s in samples]), axis=0).astype(np.float32),
    )


def cells(plane: Plane) -> Plane:
    """Means over square cells, about 40 across."""
    rows, columns = plane.shape
    side = max(4, round(columns / _CELLS_ACROSS))
    size = (max(1, round(columns / side)), max(1, round(rows / side)))
    return cv2.resize(plane, size, interpolation=cv2.INTER_AREA).astype(np.float32)


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
