"""A picture as the vision rules work on it: three planes of one small size, and a zone as a mask of that size."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np
import numpy.typing as npt
from cv2.typing import MatLike

from farwatch.domain.picture import Picture

Plane = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

MAX_COLUMNS = 320
"""Half of the 640 px that cameras are reduced to: the size of the colour planes, so nothing is enlarged."""
MIN_SIDE = 24
"""Below this many rows or columns no rule here means anything."""
MASKED_LEVEL = 128
"""What masked pixels show, always: no change, no texture, no colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Luma and chroma (0-255) of one size, at most MAX_COLUMNS wide. `flat` is luma smoothed over 3 x 3 px."""

    at: datetime
    y: Plane
    u: Plane
    v: Plane
    flat: Plane

    @property
    def shape(self) -> tuple[int, int]:
        return self.y.shape[0], self.y.shape[1]


class Cover:
    """Polygons that nobody looks into, drawn once for each size of picture."""

    def __init__(self, polygons: Sequence[Sequence[tuple[float, float]]]) -> None:
        self._polygons = tuple(polygons)
        self._mask: Mask | None = None

    def over(self, shape: tuple[int, int]) -> Mask | None:
        """The pixels of a frame of `shape` (rows, columns) that are not seen; None when all are."""
        if not self._polygons:
            return None
        if self._mask is None or self._mask.shape != shape:
            self._mask = np.logical_or.reduce([zone_mask(polygon, shape) for polygon in self._polygons])
        return self._mask


def reduce(picture: Picture, cover: Cover | None = None) -> Frame | None:
    """The working frame; None for a picture that is too small or whose planes do not have the size it states."""
    y = _plane(picture.y, [(picture.height, picture.width)])
    halves = [
        ((picture.height + 1) // 2, (picture.width + 1) // 2),
        (picture.height // 2, picture.width // 2),
    ]
    u, v = _plane(picture.u, halves), _plane(picture.v, halves)
    if y is None or u is None or v is None or u.shape != v.shape:
        return None
    rows, columns = u.shape
    if columns > MAX_COLUMNS:
        rows, columns = max(1, round(rows * MAX_COLUMNS / columns)), MAX_COLUMNS
    if min(rows, columns) < MIN_SIDE:
        return None
    luma, *chroma = (_shrink(plane, rows, columns) for plane in (y, u, v))
    unseen = cover.over((rows, columns)) if cover else None
    if unseen is not None:
        for plane in (luma, *chroma):
            plane[unseen] = MASKED_LEVEL
    return Frame(at=picture.at, y=luma, u=chroma[0], v=chroma[1], flat=smooth(luma))


def smooth(plane: Plane) -> Plane:
    """Means over 3 x 3 px: what a rule compares, because single pixels flicker."""
    return as_plane(cv2.blur(plane, (3, 3)))


def as_plane(image: MatLike) -> Plane:
    """What OpenCV made of planes is one."""
    return np.asarray(image, dtype=np.float32)


def zone_mask(polygon: Sequence[tuple[float, float]], shape: tuple[int, int]) -> Mask:
    """Where a polygon of shares covers a frame of `shape` (rows, columns)."""
    rows, columns = shape
    points = np.array([[x * columns, y * rows] for x, y in polygon], dtype=np.float64)
    mask = np.zeros(shape, dtype=np.uint8)
    if len(points) >= 3 and np.isfinite(points).all():
        cv2.fillPoly(mask, [np.rint(np.clip(points, -1e4, 1e4)).astype(np.int32)], (1,))
    return mask.astype(bool)


def _plane(buffer: memoryview, shapes: Sequence[tuple[int, int]]) -> npt.NDArray[np.uint8] | None:
    flat = np.asarray(buffer).reshape(-1)
    for shape in shapes:
        if flat.dtype == np.uint8 and min(shape) > 0 and flat.size == shape[0] * shape[1]:
            return flat.reshape(shape)
    return None


def _shrink(plane: npt.NDArray[np.uint8], rows: int, columns: int) -> Plane:
    if plane.shape != (rows, columns):
        plane = cv2.resize(plane, (columns, rows), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return plane.astype(np.float32)
