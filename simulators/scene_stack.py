"""A works with a tall stack against the sky; in the smoking variant dark smoke pours out of it for a while."""

import math

import cv2
import numpy as np

from simulators.scene_base import (
    HEIGHT,
    WIDTH,
    Colour,
    Image,
    Light,
    Plane,
    SensorNoise,
    Sky,
    add_light,
    as_image,
    fractal,
    glow,
    polygon,
    stretched,
)

MOUTH = (790.0, 262.0)  # the stack's opening, in pixels
HORIZON = 560
PLUME_SCALE = 2
PUFFS_PER_S = 9.0
PUFF_LIFE_S = 9.0
PUFF_PX = 96
BACKDROPS_PER_S = 2
LIT_WINDOW: Colour = (120, 205, 250)

Part = tuple[list[tuple[float, float]], Colour]


class Plume:
    """Turbulent smoke made of puffs; every puff's path is a function of its number and its age."""

    def __init__(self, rng: np.random.Generator, *, begins_s: float, ends_s: float, colour: Colour) -> None:
        self._begins_s, self._ends_s = begins_s, ends_s
        self._colour = np.array(colour, np.float32)
        self._seed = int(rng.integers(1 << 31))
        self._shapes = [self._puff(rng) for _ in range(8)]

    def draw(self, picture: Image, at_s: float) -> None:
        if not self._begins_s <= at_s <= self._ends_s + PUFF_LIFE_S:
            return
        density = np.zeros((HEIGHT // PLUME_SCALE, WIDTH // PLUME_SCALE), np.float32)
        lit = np.zeros_like(density)
        first = max(math.ceil((at_s - PUFF_LIFE_S - self._begins_s) * PUFFS_PER_S), 0)
        last = math.floor((min(at_s, self._ends_s) - self._begins_s) * PUFFS_PER_S)
        for number in range(first, last + 1):
            self._add(density, lit, number, at_s - self._begins_s - number / PUFFS_PER_S)
        self._blend(picture, density, lit)

    def _add(self, density: Plane, lit: Plane, number: int, age_s: float) -> None:
        r = np.random.default_rng((self._seed, number))
        speed, side, swing, size, turn = r.uniform((0.85, -1, -1, 0.8, 0), (1.15, 1, 1, 1.25, 8))
        gust = math.sin((self._begins_s + number / PUFFS_PER_S) * 0.7) * 0.35 + 1
        x = MOUTH[0] + age_s**1.3 * 27 * gust + side * (5 + 7 * age_s) + swing * 12 * math.sin(age_s * 1.7)
        y = MOUTH[1] - 6 - 52 * speed * age_s**0.62 + side * swing * 6 * age_s
        radius = (15 + 15 * age_s**0.85) * size
        growth = min(1.0, (number / PUFFS_PER_S + 2) / 6)
        strength = 0.62 * growth * min(1.0, age_s * 6) * (1 - age_s / PUFF_LIFE_S) ** 1.1
        width = max(6, round(2 * radius / PLUME_SCALE))
        shape = stretched(self._shapes[int(turn)], width, width) * np.float32(strength)
        left, top = round(x / PLUME_SCALE) - width // 2, round(y / PLUME_SCALE) - width // 2
        x0, y0 = max(left, 0), max(top, 0)
        x1, y1 = min(left + width, density.shape[1]), min(top + width, density.shape[0])
        if x0 >= x1 or y0 >= y1:
            return
        part = shape[y0 - top : y1 - top, x0 - left : x1 - left]
        density[y0:y1, x0:x1] += part * (1 - np.minimum(density[y0:y1, x0:x1], 1) * 0.55)
        light = np.float32(0.35 + 0.3 * side) * np.linspace(1.5, 0.5, y1 - y0, dtype=np.float32)[:, None]
        lit[y0:y1, x0:x1] += part * light

    def _blend(self, picture: Image, density: Plane, lit: Plane) -> None:
        ys, xs = np.nonzero(density > 0.01)
        if len(ys) == 0:
            return
        y0, y1, x0, x1 = ys.min(), ys.max() + 1, xs.min(), xs.max() + 1
        thick = density[y0:y1, x0:x1]
        tone = np.asarray(np.clip(lit[y0:y1, x0:x1] / np.maximum(thick, 0.05), 0, 1), np.float32)
        cover = np.asarray(1 - np.exp(-1.7 * thick), np.float32)
        width, height = (x1 - x0) * PLUME_SCALE, (y1 - y0) * PLUME_SCALE
        dense, tone = stretched(cover, width, height)[..., None], stretched(tone, width, height)
        area = np.s_[y0 * PLUME_SCALE : y1 * PLUME_SCALE, x0 * PLUME_SCALE : x1 * PLUME_SCALE]
        colour = self._colour * (0.72 + 0.75 * tone[..., None])
        picture[area] = as_image(picture[area] * (1 - dense) + colour * dense)

    @staticmethod
    def _puff(rng: np.random.Generator) -> Plane:
        y, x = np.mgrid[-1 : 1 : PUFF_PX * 1j, -1 : 1 : PUFF_PX * 1j].astype(np.float32)
        ragged = fractal(rng, PUFF_PX, PUFF_PX, cell=36, octaves=4)
        fall = np.clip(1.05 - np.sqrt(x * x + y * y) - 0.62 * (1 - ragged), 0, 1)
        return np.asarray(np.clip(fall * 2.1, 0, 1), np.float32)


class StackScene:
    """`smokes` is when smoke begins and ends, in seconds of the loop; None: white vapour only from a low vent."""

    def __init__(
        self, seed: int, light: Light, *, duration_s: float, smokes: tuple[float, float] | None
    ) -> None:
        rng = np.random.default_rng((seed, 1))
        self.duration_s = duration_s
        self._light = light
        self._sky = Sky(rng, light, height=HEIGHT, duration_s=duration_s)
        self._front, self._weight = _works(rng, light)
        self._behind = np.float32(1) - self._weight
        smoke = light.on((62, 62, 66)) if not light.lamps else (70, 66, 70)
        self._plume = Plume(rng, begins_s=smokes[0], ends_s=smokes[1], colour=smoke) if smokes else None
        self._noise = SensorNoise(rng, light.noise_sigma)
        self._drawn = (-1, self._front)
        self._lamp = glow(13, (90, 90, 255))

    def picture(self, at_s: float) -> Image:
        at_s %= self.duration_s
        picture = self._backdrop(math.floor(at_s * BACKDROPS_PER_S)).copy()
        if self._plume:
            self._plume.draw(picture, at_s)
        if self._light.lamps and at_s % 2 < 1:
            for x, y in ((768, 300), (812, 300), (764, 400), (816, 400)):
                add_light(picture, self._lamp, x, y)
        return self._noise.on(picture, at_s)

    def _backdrop(self, number: int) -> Image:
        """Works and clouds; the clouds are too slow to need drawing for every picture."""
        if number != self._drawn[0]:
            sky = self._sky.picture(number / BACKDROPS_PER_S)
            blended = cv2.blendLinear(self._front, sky, self._weight, self._behind)
            self._drawn = number, np.asarray(blended, np.uint8)
        return self._drawn[1]


def _works(rng: np.random.Generator, light: Light) -> tuple[Image, Plane]:
    """Everything in front of the sky, and its weight against it."""
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    mask = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    for part in (_far(rng) + _halls(), _windows(rng, light), _stack()):
        for points, colour in part:
            polygon(image, points, colour if colour == LIT_WINDOW else light.on(colour))
            polygon(mask, points, (255, 255, 255))
    grain = 1 + 0.16 * (fractal(rng, HEIGHT, WIDTH, cell=48, octaves=5) - 0.5)
    weight = mask[..., 0].astype(np.float32) / np.float32(255)
    return as_image(image * grain[..., None]), np.asarray(weight, np.float32)


def _box(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _far(rng: np.random.Generator) -> list[Part]:
    """Hills and town far away, pale as the air makes them."""
    hills = [
        (float(x), HORIZON - 30 - 34 * math.sin(x / 190) - 16 * math.sin(x / 71 + 1))
        for x in range(0, WIDTH + 40, 20)
    ]
    parts: list[Part] = [([(0, HEIGHT), *hills, (WIDTH, HEIGHT)], (178, 168, 152))]
    for x in range(0, WIDTH, 46):
        height = float(rng.uniform(18, 74))
        parts.append(
            (_box(x + float(rng.uniform(0, 14)), HORIZON - height, 34, height + 40), (168, 162, 154))
        )
    parts.append((_box(0, HORIZON, WIDTH, HEIGHT - HORIZON), (96, 118, 112)))
    return parts


def _halls() -> list[Part]:
    tower = [
        (150.0 + 62 * math.cos(a) * (1 + 0.28 * k), 400 + 210 * k) for a, k in ((math.pi, 0.0), (0.0, 0.0))
    ]
    left = [(88 - 26 * (k / 10) ** 1.6, 392 + 20.0 * k) for k in range(11)]
    right = [(300 - x, y) for x, y in reversed(left)]
    return [
        ([*left, *right], (186, 184, 180)),
        (_box(88, 392, 124, 9), (150, 148, 144)),
        ([(tower[0][0] + 12, 401), (tower[1][0] - 60, 401), (92, 592), (66, 592)], (204, 202, 198)),
        (_box(300, 430, 250, 190), (158, 152, 146)),
        ([(300, 430), (425, 392), (550, 430)], (120, 108, 98)),
        (_box(300, 430, 250, 12), (104, 96, 90)),
        (_box(560, 492, 300, 130), (150, 140, 120)),
        (_box(560, 486, 300, 9), (96, 88, 78)),
        (_box(880, 452, 150, 170), (138, 146, 152)),
        (_box(880, 446, 150, 9), (92, 96, 100)),
        ([(1040, 520), (1040, 620), (1240, 620), (1240, 560)], (128, 130, 138)),
        (_box(1080, 410, 16, 160), (120, 118, 116)),
        (_box(0, 612, WIDTH, 108), (88, 102, 96)),
        (_box(0, 640, WIDTH, 80), (104, 104, 106)),
    ]


def _stack() -> list[Part]:
    """Tapering, banded red and white as aircraft warning asks, lit from the left."""
    x, top, foot = MOUTH[0], MOUTH[1], 612.0

    def half(y: float) -> float:
        return 15 + 15 * (y - top) / (foot - top)

    parts: list[Part] = []
    bands = [(top, 300.0), (300.0, 338.0), (338.0, 376.0), (376.0, 414.0), (414.0, foot)]
    for i, (y0, y1) in enumerate(bands):
        colour: Colour = (
            (70, 66, 196) if i % 2 == 0 and i < 4 else (214, 214, 214) if i < 4 else (176, 176, 178)
        )
        parts.append(
            ([(x - half(y0), y0), (x + half(y0), y0), (x + half(y1), y1), (x - half(y1), y1)], colour)
        )
        dark: Colour = (colour[0] * 0.72, colour[1] * 0.72, colour[2] * 0.72)
        parts.append(
            (
                [(x + half(y0) * 0.3, y0), (x + half(y0), y0), (x + half(y1), y1), (x + half(y1) * 0.3, y1)],
                dark,
            )
        )
    parts.append((_box(x - 18, top - 4, 36, 8), (70, 70, 74)))
    parts += [(_box(x - half(y) - 6, y, 2 * half(y) + 12, 4), (90, 90, 94)) for y in (318.0, 420.0)]
    return parts


def _windows(rng: np.random.Generator, light: Light) -> list[Part]:
    return [
        (
            _box(x0 + c * 25, y0 + r * 30, 13, 15),
            LIT_WINDOW if light.lamps and rng.random() < 0.55 else (112, 96, 84),
        )
        for x0, y0, columns, rows in ((318, 462, 9, 4), (580, 512, 11, 3), (896, 474, 5, 5))
        for c in range(columns)
        for r in range(rows)
    ]
