"""What all drawn scenes share: size, light, sky, surfaces and the camera's own noise. Colours are BGR, 0-255."""

from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

Image: TypeAlias = NDArray[np.uint8]
Plane: TypeAlias = NDArray[np.float32]
Colour = tuple[float, float, float]

WIDTH, HEIGHT = 1280, 720
SKY_SCALE = 4  # clouds are soft: drawn at a quarter of the size
NOISE_MARGIN = 64


class Scene(Protocol):
    """A drawn view that repeats after `duration_s`. Pure: the same seed and time give the same picture."""

    duration_s: float

    def picture(self, at_s: float) -> Image:
        """HEIGHT x WIDTH x 3, BGR; `at_s` counts from the start of the loop."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """A time of day. `ambient` scales the colours of everything that does not shine by itself."""

    sky_top: Colour
    sky_low: Colour
    cloud: Colour
    ambient: Colour
    noise_sigma: float
    lamps: bool = False

    def on(self, colour: Colour) -> Colour:
        b, g, r = (min(255.0, c * a) for c, a in zip(colour, self.ambient, strict=True))
        return b, g, r


DAY = Light(
    sky_top=(206, 160, 104),
    sky_low=(234, 221, 205),
    cloud=(245, 243, 240),
    ambient=(1, 1, 1),
    noise_sigma=1.3,
)
DUSK = Light(
    sky_top=(122, 82, 62), sky_low=(120, 164, 226), cloud=(128, 128, 176), ambient=(0.52, 0.5, 0.62),
    noise_sigma=1.8, lamps=True,
)  # fmt: skip
NIGHT = Light(
    sky_top=(34, 22, 16),
    sky_low=(58, 46, 40),
    cloud=(52, 44, 40),
    ambient=(0.27, 0.22, 0.2),
    noise_sigma=2.3,
    lamps=True,
)


def as_image(values: NDArray[Any]) -> Image:
    """Rounded down and cut to 0-255."""
    image: Image = np.clip(values, 0, 255).astype(np.uint8)
    return image


def scaled(image: Image, width: int, height: int) -> Image:
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def stretched(plane: Plane, width: int, height: int) -> Plane:
    return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def fractal(rng: np.random.Generator, height: int, width: int, *, cell: int, octaves: int) -> Plane:
    """Smooth noise in 0..1: grids of random numbers, each half the cell and half the weight of the last."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        size = max(2, cell >> octave)
        grid = rng.random((height // size + 2, width // size + 2), np.float32)
        total += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC) * 0.5**octave
    low, high = float(total.min()), float(total.max())
    return (total - low) / (high - low)


def surface(
    rng: np.random.Generator, height: int, width: int, *, colour: Colour, contrast: float, cell: int
) -> Image:
    """A rough plane of one colour: concrete, asphalt, grass."""
    shade = 1 + contrast * (fractal(rng, height, width, cell=cell, octaves=5) - 0.5)
    shade += 0.25 * contrast * rng.standard_normal((height, width), np.float32)
    return as_image(shade[..., None] * np.array(colour, np.float32))


def glow(radius: int, colour: Colour) -> Image:
    """A round light to be added to a picture, brightest in its middle."""
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1].astype(np.float32) / radius
    fall = np.clip(1 - np.sqrt(x * x + y * y), 0, 1) ** 2
    return as_image(fall[..., None] * np.array(colour, np.float32))


def add_light(picture: Image, light: Image, x: float, y: float) -> None:
    """Adds `light` centred on x, y, as far as it lies in the picture."""
    height, width = light.shape[:2]
    left, top = round(x) - width // 2, round(y) - height // 2
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + width, WIDTH), min(top + height, HEIGHT)
    if x0 < x1 and y0 < y1:
        part = picture[y0:y1, x0:x1]
        picture[y0:y1, x0:x1] = cv2.add(part, light[y0 - top : y1 - top, x0 - left : x1 - left])


def shade(picture: Image, points: list[tuple[float, float]], strength: float) -> None:
    """Darkens the polygon, softly, as a shadow on the ground does."""
    corners = np.array(points)
    margin = 12
    x0, y0 = np.maximum(np.floor(corners.min(0)).astype(int) - margin, 0)
    x1, y1 = np.minimum(np.ceil(corners.max(0)).astype(int) + margin, (WIDTH, HEIGHT))
    if x0 >= x1 or y0 >= y1:
        return
    mask = np.zeros((y1 - y0, x1 - x0), np.float32)
    cv2.fillPoly(mask, [np.round((corners - (x0, y0)) * 16).astype(np.int32)], strength, cv2.LINE_AA, shift=4)
    mask = cv2.GaussianBlur(mask, (0, 0), margin / 3)
    part = picture[y0:y1, x0:x1]
    picture[y0:y1, x0:x1] = (part * (1 - mask[..., None])).astype(np.uint8)


def box(left: float, top: float, right: float, bottom: float) -> list[tuple[float, float]]:
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def shadow(
    picture: Image, left: float, right: float, foot: float, *, depth: float, strength: float = 0.5
) -> None:
    """What something that stands on `foot` darkens: a slab that leans to the right."""
    lean = depth * 1.2
    slab = [
        (left, foot - depth * 0.4),
        (right, foot - depth * 0.4),
        (right + lean, foot + depth),
        (left + lean, foot + depth),
    ]
    shade(picture, slab, strength)


def polygon(picture: Image, points: list[tuple[float, float]], colour: Colour) -> None:
    """A filled polygon with smooth edges, placed to a sixteenth of a pixel."""
    cv2.fillPoly(picture, [np.round(np.array(points) * 16).astype(np.int32)], colour, cv2.LINE_AA, shift=4)


def disc(picture: Image, x: float, y: float, radius: float, colour: Colour) -> None:
    centre = (round(x * 16), round(y * 16))
    cv2.circle(picture, centre, round(radius * 16), colour, -1, cv2.LINE_AA, shift=4)


class Sky:
    """A gradient with clouds that drift and, near the end of a loop, become those of its beginning."""

    def __init__(
        self,
        rng: np.random.Generator,
        light: Light,
        *,
        height: int,
        duration_s: float,
        drift_px_s: float = 1.2,
    ):
        self._duration_s, self._drift = duration_s, drift_px_s / SKY_SCALE
        self._height, rows = height, height // SKY_SCALE
        width = round(WIDTH / SKY_SCALE + 2 * duration_s * self._drift) + 8
        cover = fractal(rng, rows, width // 3, cell=46, octaves=5)
        cover = stretched(cover, width, rows)  # clouds lie flat
        self._cover: Plane = np.clip((cover - 0.5) * 2.4, 0, 0.85).astype(np.float32)
        share = (np.arange(rows, dtype=np.float32) / rows)[:, None, None]
        top, low = np.array(light.sky_top, np.float32), np.array(light.sky_low, np.float32)
        self._clear = np.broadcast_to(top + (low - top) * share, (rows, WIDTH // SKY_SCALE, 3))
        self._to_cloud = np.array(light.cloud, np.float32) - self._clear

    def picture(self, at_s: float) -> Image:
        cover = self._covered(at_s)
        fading = np.clip((at_s - self._duration_s * 0.85) / (self._duration_s * 0.15), 0, 1)
        if fading > 0:
            cover = (1 - fading) * cover + fading * self._covered(at_s - self._duration_s)
        small = self._clear + self._to_cloud * cover[..., None]
        return as_image(cv2.resize(small, (WIDTH, self._height), interpolation=cv2.INTER_LINEAR))

    def _covered(self, at_s: float) -> Plane:
        offset = (at_s + self._duration_s) * self._drift
        whole, part = int(offset), offset - int(offset)
        width = WIDTH // SKY_SCALE
        here, there = self._cover[:, whole : whole + width], self._cover[:, whole + 1 : whole + 1 + width]
        return here * np.float32(1 - part) + there * np.float32(part)


class SensorNoise:
    """The camera's noise: a fresh cut of one big noisy sheet for every picture."""

    def __init__(self, rng: np.random.Generator, sigma: float) -> None:
        size = (HEIGHT + NOISE_MARGIN, WIDTH + NOISE_MARGIN, 1)
        grey = rng.standard_normal(size, np.float32) * sigma
        colour = rng.standard_normal((*size[:2], 3), np.float32) * sigma * 0.4
        self._sheet = (grey + colour).astype(np.int16)

    def on(self, picture: Image, at_s: float) -> Image:
        cut = np.random.default_rng(round(at_s * 1000))
        y, x = (int(n) for n in cut.integers(0, NOISE_MARGIN, 2))
        noise = self._sheet[y : y + HEIGHT, x : x + WIDTH]
        return np.asarray(cv2.add(picture, noise, dtype=cv2.CV_8U), np.uint8)
