"""A walled yard. In the dumping variant a lorry tips a load of rubbish that stays until a loader takes it away."""

import math
from typing import Final

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
    box,
    fractal,
    glow,
    polygon,
    scaled,
    shade,
    shadow,
    stretched,
    surface,
)
from simulators.scene_vehicles import Lorry, Walker, draw_loader, draw_lorry, draw_person

DUMPING_LOOP_S: Final = 100.0
QUIET_LOOP_S: Final = 50.0
SKY_FOOT, WALL_TOP, WALL_FOOT = 304, 236, 392
LOAD_X, LOAD_FOOT = 792.0, 612.0
LORRY_STOPS_X = 716.0
PILE_WIDTH, PILE_HEIGHT = 250, 116
COMES_S, STANDS_S, TIPS_S, TIPPED_S, EMPTY_S, LEAVES_S, GONE_S = 12.0, 18.0, 20.0, 24.0, 28.0, 30.0, 40.0
LOADER_COMES_S, LOADER_AT_S, CLEARED_S, LOADER_GONE_S = 80.0, 86.0, 91.0, 97.0


def _between(at_s: float, start_s: float, end_s: float) -> float:
    """0 before, 1 after, smooth in between."""
    share = min(1.0, max(0.0, (at_s - start_s) / (end_s - start_s)))
    return share * share * (3 - 2 * share)


class YardScene:
    """`dumps`: the lorry tips its load between TIPPED_S and EMPTY_S; else it only drives through."""

    def __init__(self, seed: int, light: Light, *, dumps: bool) -> None:
        self.duration_s = DUMPING_LOOP_S if dumps else QUIET_LOOP_S
        rng = np.random.default_rng((seed, 2))
        self._light, self._dumps = light, dumps
        sky = Sky(rng, light, height=SKY_FOOT, duration_s=self.duration_s).picture(0)
        self._ground = _yard(rng, light, sky)
        self._pile, self._pile_cover = _rubbish(rng, light)
        self._noise = SensorNoise(rng, light.noise_sigma)
        self._head = glow(70, (150, 190, 200))

    def picture(self, at_s: float) -> Image:
        at_s %= self.duration_s
        picture = self._ground.copy()
        self._guard(picture, at_s)
        if self._dumps:
            tipped, cleared = _between(at_s, TIPPED_S - 1.5, EMPTY_S), _between(at_s, LOADER_AT_S, CLEARED_S)
            self._heap(picture, tipped * (1 - cleared))
            self._loader(picture, at_s)
        self._lorry(picture, at_s)
        return self._noise.on(picture, at_s)

    def _guard(self, picture: Image, at_s: float) -> None:
        """Crosses far away, twice a loop: somebody who belongs here and leaves nothing behind."""
        for start_s, way in ((2.0, 1), (58.0, -1)) if self._dumps else ((2.0, 1),):
            gone_s = at_s - start_s
            if 0 <= gone_s <= 24:
                x = 640 + way * (-700 + gone_s * 58)
                guard = Walker(x=x, foot=446, height=62, phase=gone_s * 5.5, coat=(150, 96, 52))
                draw_person(picture, guard, self._light)

    def _lorry(self, picture: Image, at_s: float) -> None:
        if not COMES_S <= at_s <= GONE_S:
            return
        if self._dumps:
            coming, leaving = _between(at_s, COMES_S - 4, STANDS_S), _between(at_s, LEAVES_S, GONE_S + 4)
            x = 1700 - (1700 - LORRY_STOPS_X) * coming - 1300 * leaving
            lift = _between(at_s, TIPS_S, TIPPED_S) * (1 - _between(at_s, EMPTY_S, LEAVES_S + 2))
            load = 1 - _between(at_s, TIPPED_S - 1.5, EMPTY_S)
        else:
            x, lift, load = 1700 - (at_s - COMES_S) / (GONE_S - COMES_S) * 2100, 0.0, 1.0
        draw_lorry(picture, Lorry(x=x, foot=LOAD_FOOT + 8, tilt_deg=46 * lift, load=load), self._light)
        if self._light.lamps:
            add_light(picture, self._head, x - 372, LOAD_FOOT - 46)

    def _heap(self, picture: Image, size: float) -> None:
        if size < 0.02:
            return
        width, height = round(PILE_WIDTH * (0.45 + 0.55 * math.sqrt(size))), max(4, round(PILE_HEIGHT * size))
        pile = scaled(self._pile, width, height)
        cover = stretched(self._pile_cover, width, height)[..., None]
        left, top = round(LOAD_X - width / 2), round(LOAD_FOOT + 14 - height)
        shadow(picture, left - 4, left + width + 8, LOAD_FOOT, depth=18, strength=0.45)
        area = np.s_[top : top + height, left : left + width]
        picture[area] = (picture[area] * (1 - cover) + pile * cover).astype(np.uint8)

    def _loader(self, picture: Image, at_s: float) -> None:
        if LOADER_COMES_S <= at_s <= LOADER_GONE_S:
            there = _between(at_s, LOADER_COMES_S, LOADER_AT_S + 2) * (
                1 - _between(at_s, CLEARED_S - 2, LOADER_GONE_S)
            )
            draw_loader(picture, 1400 - (1400 - LOAD_X - 40) * there, LOAD_FOOT + 18, self._light)


def _yard(rng: np.random.Generator, light: Light, sky: Image) -> Image:
    image: Image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[: len(sky)] = sky
    image[WALL_FOOT:] = surface(
        rng, HEIGHT - WALL_FOOT, WIDTH, colour=light.on((138, 146, 150)), contrast=0.22, cell=90
    )
    _joints(image, light)
    _stains(rng, image)
    _shed(image, light)
    _old_heaps(rng, image, light)
    if light.lamps:
        for x, y, radius in ((300.0, 470.0, 330), (980.0, 470.0, 330)):
            pool = scaled(glow(radius, (70, 110, 120)), radius * 3, radius)
            add_light(image, pool, x, y)
            add_light(image, glow(60, (150, 210, 225)), x, 190)
    return image


def _joints(image: Image, light: Light) -> None:
    """Seams of the concrete slabs, in perspective towards a point above the wall."""
    dark = light.on((112, 118, 122))
    for y in (414, 446, 492, 556, 640):
        cv2.line(image, (0, y), (WIDTH, y), dark, 1, cv2.LINE_AA)
    for x in range(-1600, WIDTH + 1700, 260):
        top = WIDTH / 2 + (x - WIDTH / 2) * 0.36
        cv2.line(image, (round(top), WALL_FOOT), (x, HEIGHT), dark, 1, cv2.LINE_AA)


def _stains(rng: np.random.Generator, image: Image) -> None:
    ground = image[WALL_FOOT:]
    wet = np.clip((fractal(rng, *ground.shape[:2], cell=160, octaves=4) - 0.66) * 1.2, 0, 0.14)
    image[WALL_FOOT:] = (ground * (1 - wet[..., None])).astype(np.uint8)


def _shed(image: Image, light: Light) -> None:
    wall, roof = light.on((166, 172, 170)), light.on((150, 92, 60))
    polygon(image, box(0, 300, WIDTH, WALL_FOOT), wall)
    for x in range(0, WIDTH, 64):
        cv2.line(image, (x, 300), (x, WALL_FOOT), light.on((140, 146, 146)), 2, cv2.LINE_AA)
    polygon(image, box(0, 294, WIDTH, 302), light.on((120, 124, 124)))
    polygon(image, box(90, 250, 560, WALL_FOOT), light.on((176, 160, 132)))
    for x in range(90, 560, 13):
        cv2.line(image, (x, 252), (x, WALL_FOOT), light.on((158, 142, 116)), 1, cv2.LINE_AA)
    polygon(image, [(70, 252), (110, WALL_TOP - 34), (540, WALL_TOP - 34), (580, 252)], roof)
    polygon(image, box(250, 286, 400, WALL_FOOT), light.on((86, 80, 74)))
    for y in range(292, WALL_FOOT, 11):
        cv2.line(image, (250, y), (400, y), light.on((100, 94, 88)), 1, cv2.LINE_AA)
    for x in (300, 980):
        cv2.line(image, (x, 186), (x, WALL_FOOT + 8), light.on((90, 92, 96)), 5, cv2.LINE_AA)
        polygon(
            image, [(x - 24, 182), (x + 24, 182), (x + 18, 192), (x - 18, 192)], light.on((110, 112, 116))
        )
    shade(image, box(0, WALL_FOOT, WIDTH, WALL_FOOT + 16), 0.35)


def _old_heaps(rng: np.random.Generator, image: Image, light: Light) -> None:
    """Sorted sand and gravel along the wall: what belongs here."""
    for x, width, height, colour in ((760, 150, 52, (120, 168, 190)), (1130, 220, 74, (142, 146, 148))):
        rise = [math.sin(math.pi * k / 12) ** 1.3 * float(rng.uniform(0.9, 1)) for k in range(13)]
        points = [(x + width * (k / 12 - 0.5), WALL_FOOT + 6 - height * up) for k, up in enumerate(rise)]
        b, g, r = colour
        polygon(image, points, light.on(colour))
        polygon(image, [*points[6:], (x + width * 0.1, WALL_FOOT + 6)], light.on((b * 0.8, g * 0.8, r * 0.8)))


RUBBISH: tuple[Colour, ...] = (
    (40, 42, 46), (66, 84, 104), (210, 212, 214), (150, 92, 48), (58, 66, 132), (84, 120, 96), (120, 140, 160), (52, 60, 72)
)  # fmt: skip


def _rubbish(rng: np.random.Generator, light: Light) -> tuple[Image, Plane]:
    """A heap of bags, boards and rubble, and how far each pixel covers the ground."""
    image: Image = np.full((PILE_HEIGHT, PILE_WIDTH, 3), light.on((58, 66, 76)), np.uint8)
    for _ in range(210):
        x, y = float(rng.uniform(0, PILE_WIDTH)), float(rng.uniform(0, PILE_HEIGHT))
        size, turn = float(rng.uniform(5, 17)), float(rng.uniform(0, math.tau))
        angles = [turn + math.tau * k / 5 + float(rng.uniform(-0.4, 0.4)) for k in range(5)]
        piece = [(x + size * math.cos(a), y + size * 0.7 * math.sin(a)) for a in angles]
        tone = float(rng.uniform(0.7, 1.1))
        b, g, r = RUBBISH[int(rng.integers(len(RUBBISH)))]
        polygon(image, piece, light.on((b * tone, g * tone, r * tone)))
    cover = np.zeros((PILE_HEIGHT, PILE_WIDTH, 3), np.uint8)
    outline = [
        (
            k * PILE_WIDTH / 24,
            PILE_HEIGHT * (1.02 - math.sin(math.pi * k / 24) ** 0.9 * float(rng.uniform(0.8, 0.98))),
        )
        for k in range(25)
    ]
    polygon(cover, [*outline, (PILE_WIDTH, PILE_HEIGHT), (0, PILE_HEIGHT)], (255, 255, 255))
    return image, np.asarray(cover[..., 0] / 255, np.float32)
