"""One picture in a few small tables: how bright, how much structure, how sharp, where the edges are."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from detectors.vision.frames import Plane
from farwatch.domain.picture import Picture

Bytes = npt.NDArray[np.uint8]
Levels = npt.NDArray[np.integer[Any] | np.floating[Any]]
Indices = npt.NDArray[np.intp]

TILES = (9, 16)
EDGES = (45, 80)
_SMALL_COLUMNS = 160
_LEAST_SIDE = 40
"""Every fourth row of a smaller picture would leave a tile without any."""
MODES = 4
_COLOURED_LEVELS = (1.5, 2.5)
"""Chroma of an infra-red picture is nought but for what coding leaves. Between the two the mode stays what it was."""
_LIGHT_LEVELS = (45.0, 60.0)
"""Mean luma of a street at night with and without lamps is 25-50."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Tables of TILES: `fine` and `coarse` are root mean square differences of neighbouring pixels, at the picture's own size
    (without the noise) and at about 160 columns; squares, because a blurred edge has the same sum of differences as a
    sharp one. `edges` is a table of EDGES. `thin` is every other pixel of luma, not averaged, so that noise shows."""

    at: datetime
    level: float
    mode: int
    black_share: float
    white_share: float
    fine: Plane
    coarse: Plane
    edges: Plane
    thin: Bytes


def measure(
    picture: Picture, black_level: int, white_level: int, mode_before: int | None = None
) -> Measures | None:
    """None for a picture that is too small or whose luma does not have the size it states."""
    flat = np.asarray(picture.y).reshape(-1)
    if flat.dtype != np.uint8 or flat.size != picture.width * picture.height:
        return None
    if min(picture.width, picture.height) < _LEAST_SIDE:
        return None
    y: Bytes = flat.reshape(picture.height, picture.width)
    small = _reduce(y)
    level = float(cv2.mean(small)[0])
    smooth = np.asarray(cv2.blur(small.astype(np.float32), (3, 3)), np.float32)
    here = smooth[1:, 1:]
    slopes = cv2.magnitude(here - smooth[1:, :-1], here - smooth[:-1, 1:])
    return Measures(
        at=picture.at, level=level, mode=_mode(picture, level, mode_before),
        black_share=np.count_nonzero(small <= black_level) / small.size,
        white_share=np.count_nonzero(small >= white_level) / small.size,
        fine=_without_noise(_tile_roots(cv2.absdiff(y[::4, 1:], y[::4, :-1]))),
        coarse=_tile_roots(slopes),
        edges=_edges(smooth),
        thin=np.ascontiguousarray(y[::2, ::2]),
    )  # fmt: skip


def _mode(picture: Picture, level: float, before: int | None) -> int:
    """Colour or infra-red, dark or light: each has its own references."""
    u, v = (np.asarray(plane).reshape(-1)[::17].astype(np.int16) - 128 for plane in (picture.u, picture.v))
    chroma = float(np.abs(u).mean() + np.abs(v).mean()) if u.size and v.size else 0.0
    is_coloured = _beyond(chroma, _COLOURED_LEVELS, None if before is None else before >= 2)
    is_light = _beyond(level, _LIGHT_LEVELS, None if before is None else before % 2 == 1)
    return 2 * is_coloured + is_light


def _beyond(value: float, bounds: tuple[float, float], before: bool | None) -> bool:
    low, high = bounds
    if low <= value <= high and before is not None:
        return before
    return value > (low + high) / 2


def tile_means(plane: Levels) -> Plane:
    """The mean of each of TILES, exactly; a tenth of what OpenCV's area resize takes for such a reduction."""
    return _per_tile(cv2.integral(plane), plane.shape)


def _tile_roots(plane: Levels) -> Plane:
    """The root of the mean square of each of TILES."""
    squares = _per_tile(cv2.integral2(plane)[1], plane.shape)
    roots: Plane = np.sqrt(np.maximum(squares, np.float32(0.0)))  # sums of nothing round to less than nothing
    return roots


def _without_noise(roots: Plane) -> Plane:
    """Noise is the same everywhere, so it is what the flattest tiles have."""
    squares = roots * roots
    floor = np.sort(squares, axis=None)[squares.size // 20]
    rest: Plane = np.sqrt(np.maximum(squares - floor, np.float32(0.0)))
    return rest


def _per_tile(integral: npt.NDArray[Any], shape: tuple[int, ...]) -> Plane:
    corners, areas = _grid(shape[0], shape[1])
    below = integral[corners]
    strips = below[1:] - below[:-1]
    means: Plane = ((strips[:, 1:] - strips[:, :-1]) / areas).astype(np.float32)
    return means


@lru_cache(maxsize=64)
def _grid(rows: int, columns: int) -> tuple[tuple[Indices, Indices], Plane]:
    """Where an integral image of that size has the corners of the tiles, and the tiles' areas in pixels."""
    down, across = (np.arange(n + 1) * size // n for n, size in zip(TILES, (rows, columns), strict=True))
    return (down[:, None], across[None, :]), np.outer(np.diff(down), np.diff(across)).astype(np.float32)


def _reduce(y: Bytes) -> Bytes:
    """Halved and halved again, which OpenCV does five times as fast as all at once."""
    while y.shape[1] >= 2 * _SMALL_COLUMNS and y.shape[0] >= 2 * _LEAST_SIDE:
        rows, columns = y.shape[0] // 2, y.shape[1] // 2
        even = y[: 2 * rows, : 2 * columns]
        y = np.asarray(cv2.resize(even, (columns, rows), interpolation=cv2.INTER_AREA), np.uint8)
    return y


def _edges(smooth: Plane) -> Plane:
    """The square root of the slope: a few bright outlines must not outweigh all others."""
    slope = cv2.magnitude(cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1))
    return cv2.resize(cv2.sqrt(slope), EDGES[::-1], interpolation=cv2.INTER_AREA).astype(np.float32)
