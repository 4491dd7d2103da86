"""A street with traffic: the quiet case. Everything that comes drives or walks on; nothing is left behind."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from simulators.scene_base import (
    HEIGHT,
    WIDTH,
    Colour,
    Image,
    Light,
    SensorNoise,
    Sky,
    add_light,
    box,
    disc,
    glow,
    polygon,
    scaled,
    shadow,
    surface,
)
from simulators.scene_vehicles import Vehicle, Walker, draw_person, draw_vehicle

STREET_LOOP_S = 40.0
EAVES, PAVEMENT, ROAD, KERB = 300, 372, 418, 632
CARS, WALKERS = 14, 6
LANES = ((470.0, 1, 0.78), (588.0, -1, 1.12))  # foot of the wheels, way, scale
PAINTS: tuple[Colour, ...] = (
    (44, 44, 180), (226, 226, 226), (60, 60, 64), (150, 96, 48), (168, 170, 172), (70, 120, 64), (40, 150, 214)
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Passer:
    enters_s: float
    speed_px_s: float
    lane: int
    colour: Colour
    bus: bool = False


class StreetScene:
    duration_s = STREET_LOOP_S

    def __init__(self, seed: int, light: Light) -> None:
        rng = np.random.default_rng((seed, 3))
        self._light = light
        self._street = _street(
            rng, light, Sky(rng, light, height=HEIGHT // 2, duration_s=self.duration_s).picture(0)
        )
        self._cars = _traffic(rng)
        self._walkers = [
            Passer(
                enters_s=float(rng.uniform(0, STREET_LOOP_S)),
                speed_px_s=float(rng.choice((-1, 1)) * rng.uniform(42, 62)),
                lane=0,
                colour=PAINTS[int(rng.integers(len(PAINTS)))],
            )
            for _ in range(WALKERS)
        ]
        self._noise = SensorNoise(rng, light.noise_sigma)
        self._beam = glow(90, (120, 170, 185))

    def picture(self, at_s: float) -> Image:
        at_s %= self.duration_s
        picture = self._street.copy()
        for walker in self._walkers:
            self._walk(picture, walker, at_s)
        for lane in range(len(LANES)):
            for car in self._cars:
                if car.lane == lane:
                    self._drive(picture, car, at_s)
        return self._noise.on(picture, at_s)

    def _walk(self, picture: Image, walker: Passer, at_s: float) -> None:
        gone_s = (at_s - walker.enters_s) % self.duration_s
        x = -60 + gone_s * abs(walker.speed_px_s)
        if x < WIDTH + 60:
            x = x if walker.speed_px_s > 0 else WIDTH - x
            person = Walker(x=x, foot=402, height=58, phase=gone_s * 6, coat=walker.colour)
            draw_person(picture, person, self._light)

    def _drive(self, picture: Image, car: Passer, at_s: float) -> None:
        foot, way, scale = LANES[car.lane]
        x = -260 + ((at_s - car.enters_s) % self.duration_s) * car.speed_px_s
        if x > WIDTH + 260:
            return
        x = x if way > 0 else WIDTH - x
        draw_vehicle(
            picture,
            Vehicle(x=x, foot=foot, way=way, scale=scale, colour=car.colour, bus=car.bus),
            self._light,
        )
        if self._light.lamps:
            add_light(picture, self._beam, x + way * scale * (200 if car.bus else 125), foot - 26 * scale)


def _traffic(rng: np.random.Generator) -> list[Passer]:
    """One speed a lane, and room between: nobody drives through anybody."""
    cars = []
    for lane, speed in ((0, 190.0), (1, 265.0)):
        gap_s = STREET_LOOP_S / (CARS // 2)
        for k in range(CARS // 2):
            enters_s = k * gap_s + float(rng.uniform(0, gap_s - 3.2))
            colour = PAINTS[int(rng.integers(len(PAINTS)))]
            cars.append(Passer(enters_s=enters_s, speed_px_s=speed, lane=lane, colour=colour, bus=k % 5 == 3))
    return cars


def _street(rng: np.random.Generator, light: Light, sky: Image) -> Image:
    image: Image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    image[: len(sky)] = sky
    _houses(rng, image, light)
    image[PAVEMENT:ROAD] = surface(
        rng, ROAD - PAVEMENT, WIDTH, colour=light.on((158, 164, 168)), contrast=0.14, cell=30
    )
    image[ROAD:KERB] = surface(rng, KERB - ROAD, WIDTH, colour=light.on((92, 90, 90)), contrast=0.16, cell=80)
    image[KERB:] = surface(rng, HEIGHT - KERB, WIDTH, colour=light.on((78, 134, 96)), contrast=0.5, cell=24)
    for y, thick in ((ROAD, 5), (KERB, 8)):
        cv2.line(image, (0, y), (WIDTH, y), light.on((186, 188, 190)), thick)
    for x in range(-40, WIDTH, 150):
        polygon(image, [(x, 509), (x + 84, 509), (x + 78, 516), (x - 8, 516)], light.on((214, 220, 222)))
    for x in (90, 430, 770, 1110):
        _tree(rng, image, light, x)
    if light.lamps:
        for x in (260, 600, 940):
            cv2.line(image, (x, 190), (x, PAVEMENT + 20), light.on((100, 100, 104)), 5, cv2.LINE_AA)
            add_light(image, glow(70, (150, 215, 235)), x, 190)
            pool = scaled(glow(260, (60, 100, 112)), 700, 260)
            add_light(image, pool, x, 440)
    return image


def _houses(rng: np.random.Generator, image: Image, light: Light) -> None:
    left = -20.0
    while left < WIDTH:
        right, top = left + float(rng.uniform(150, 240)), float(rng.uniform(84, 190))
        tone = float(rng.uniform(0.8, 1.1))
        polygon(image, box(left, top, right, PAVEMENT), light.on((150 * tone, 172 * tone, 190 * tone)))
        polygon(image, box(left - 3, top - 8, right + 3, top + 3), light.on((110, 112, 120)))
        for x in np.arange(left + 14, right - 22, 34):
            for y in np.arange(top + 18, EAVES - 30, 38):
                lit = light.lamps and rng.random() < 0.5
                pane: Colour = (130, 205, 245) if lit else light.on((128, 106, 92))
                polygon(image, box(x, y, x + 20, y + 24), pane)
        shop: Colour = (140, 215, 250) if light.lamps else light.on((150, 130, 112))
        polygon(image, box(left + 10, EAVES + 14, right - 10, PAVEMENT), shop)
        sign = light.on(PAINTS[int(rng.integers(len(PAINTS)))])
        polygon(image, box(left + 6, EAVES - 10, right - 6, EAVES + 14), sign)
        left = right


def _tree(rng: np.random.Generator, image: Image, light: Light, x: float) -> None:
    polygon(
        image,
        [(x - 5, 240), (x + 5, 240), (x + 8, PAVEMENT + 18), (x - 8, PAVEMENT + 18)],
        light.on((58, 78, 98)),
    )
    shadow(image, x - 46, x + 52, PAVEMENT + 16, depth=9, strength=0.3)
    for _ in range(70):
        turn, far = float(rng.uniform(0, math.tau)), float(rng.uniform(0, 1)) ** 0.6
        tone = float(rng.uniform(0.65, 1.15))
        colour = light.on((58 * tone, 128 * tone, 76 * tone))
        disc(
            image,
            x + 52 * far * math.cos(turn),
            216 + 46 * far * math.sin(turn),
            float(rng.uniform(8, 17)),
            colour,
        )
