"""What moves in the drawn scenes: people, cars, buses, a tipping lorry, a wheel loader; all seen from the side."""

import math
from dataclasses import dataclass

from simulators.scene_base import Colour, Image, Light, box, disc, polygon, shadow

TYRE: Colour = (38, 38, 40)
GLASS: Colour = (120, 104, 88)
STEEL: Colour = (84, 84, 88)

Points = list[tuple[float, float]]

BUS_BODY: Points = [(-170, -18), (-170, -108), (-162, -116), (164, -116), (170, -60), (170, -18)]
BUS_WINDOWS = [box(-158 + k * 52, -100, -114 + k * 52, -64) for k in range(6)]
CAR_BODY: Points = [
    (-95, -16), (-93, -44), (-52, -50), (-30, -78), (36, -78), (64, -50), (92, -42), (95, -16)
]  # fmt: skip
CAR_WINDOWS: list[Points] = [
    [(-44, -50), (-25, -72), (0, -72), (0, -50)],
    [(6, -50), (6, -72), (32, -72), (54, -50)],
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lorry:
    """`x` is its tail, it faces left; the body is lifted by `tilt_deg` and holds `load` (0-1)."""

    x: float
    foot: float
    tilt_deg: float
    load: float


def draw_lorry(picture: Image, lorry: Lorry, light: Light) -> None:
    x, foot = lorry.x, lorry.foot

    def paint(points: Points, colour: Colour) -> None:
        polygon(picture, [(x + px, foot + py) for px, py in points], light.on(colour))

    shadow(picture, x - 392, x + 6, foot, depth=14)
    paint([(-380, -50), (-8, -50), (-8, -36), (-380, -36)], STEEL)
    body, load = _body(lorry)
    if load:
        paint(load, (64, 76, 90))
    paint(body, (46, 104, 190))
    paint(
        [body[0], body[1], _towards(body[1], body[2], 0.16), _towards(body[0], body[3], 0.16)], (60, 124, 214)
    )
    if lorry.tilt_deg > 2:
        paint(
            [(-150, -46), (-138, -46), _towards(body[3], body[2], 0.45), _towards(body[3], body[2], 0.42)],
            (150, 150, 154),
        )
    paint([(-384, -40), (-384, -104), (-366, -152), (-288, -152), (-288, -40)], (196, 200, 206))
    paint([(-376, -104), (-360, -142), (-318, -142), (-318, -104)], GLASS)
    paint([(-384, -52), (-372, -52), (-372, -64), (-384, -64)], (150, 220, 250))
    for wheel in (-340.0, -104.0, -50.0):
        disc(picture, x + wheel, foot - 22, 23, light.on(TYRE))
        disc(picture, x + wheel, foot - 22, 10, light.on((120, 120, 124)))


def _body(lorry: Lorry) -> tuple[Points, Points]:
    """The tipping body turned about its hinge at the tail, and the load in it; relative to tail and foot."""
    angle = math.radians(lorry.tilt_deg)

    def turned(points: Points) -> Points:
        return [
            (px * math.cos(angle) - py * math.sin(angle), -52 + px * math.sin(angle) + py * math.cos(angle))
            for px, py in points
        ]

    body = turned([(-274, -84), (4, -84), (0, 0), (-266, 0)])
    height = 46 * lorry.load
    load = turned(
        [(-262, -80), (-210, -84 - height), (-120, -84 - height * 1.1), (-40, -84 - height * 0.8), (0, -80)]
    )
    return body, load if lorry.load > 0.05 else []


def _towards(a: tuple[float, float], b: tuple[float, float], share: float) -> tuple[float, float]:
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


def draw_loader(picture: Image, x: float, foot: float, light: Light) -> None:
    """`x` is the tip of its bucket; it faces left."""

    def paint(points: Points, colour: Colour) -> None:
        polygon(picture, [(x + px, foot + py) for px, py in points], light.on(colour))

    yellow: Colour = (40, 176, 232)
    shadow(picture, x + 60, x + 330, foot, depth=12)
    paint([(-4, -6), (66, -6), (84, -72), (50, -78), (40, -30)], (70, 74, 80))
    paint([(58, -50), (160, -96), (176, -78), (72, -34)], yellow)
    paint([(150, -36), (150, -104), (210, -112), (310, -104), (322, -40)], yellow)
    paint([(176, -108), (184, -176), (250, -176), (258, -108)], (70, 74, 80))
    paint([(184, -112), (192, -168), (242, -168), (248, -112)], GLASS)
    for wheel in (128.0, 274.0):
        disc(picture, x + wheel, foot - 36, 38, light.on(TYRE))
        disc(picture, x + wheel, foot - 36, 17, light.on(yellow))


@dataclass(frozen=True, slots=True, kw_only=True)
class Vehicle:
    """`x` is the middle of a car or bus that heads `way` (1 right, -1 left), `scale` 1 is a car 190 pixels long."""

    x: float
    foot: float
    way: int
    scale: float
    colour: Colour
    bus: bool = False


def draw_vehicle(picture: Image, vehicle: Vehicle, light: Light) -> None:
    s, x, foot = vehicle.scale, vehicle.x, vehicle.foot

    def paint(points: Points, colour: Colour) -> None:
        polygon(picture, [(x + vehicle.way * s * px, foot + s * py) for px, py in points], colour)

    half = 170 if vehicle.bus else 95
    shadow(picture, x - half * s, x + half * s, foot, depth=8 * s)
    body, windows = (BUS_BODY, BUS_WINDOWS) if vehicle.bus else (CAR_BODY, CAR_WINDOWS)
    paint(body, light.on(vehicle.colour))
    for window in windows:
        paint(window, (96, 150, 176) if light.lamps else light.on(GLASS))
    paint(box(half - 9, -34, half - 1, -25), (170, 236, 250) if light.lamps else light.on((190, 220, 226)))
    paint(box(-half + 1, -36, -half + 7, -27), (40, 40, 230) if light.lamps else light.on((50, 50, 170)))
    for wheel in (-118.0, 112.0) if vehicle.bus else (-58.0, 58.0):
        disc(picture, x + wheel * s * vehicle.way, foot - 15 * s, 17 * s, light.on(TYRE))
        disc(picture, x + wheel * s * vehicle.way, foot - 15 * s, 8 * s, light.on((150, 150, 152)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Walker:
    """`phase` in radians swings the legs; `height` in pixels."""

    x: float
    foot: float
    height: float
    phase: float
    coat: Colour


def draw_person(picture: Image, walker: Walker, light: Light) -> None:
    x, foot, h = walker.x, walker.foot, walker.height
    stride = math.sin(walker.phase) * h * 0.16
    shadow(picture, x - h * 0.2, x + h * 0.2, foot, depth=4, strength=0.4)
    hip, neck, slim, wide = foot - h * 0.47, foot - h * 0.84, h * 0.05, h * 0.11
    for swing in (stride, -stride):
        leg = [(x - slim, hip), (x + slim, hip), (x + swing + slim, foot), (x + swing - slim, foot)]
        polygon(picture, leg, light.on((70, 62, 58)))
    polygon(picture, box(x - wide, neck, x + wide, hip), light.on(walker.coat))
    disc(picture, x, foot - h * 0.92, h * 0.085, light.on((128, 160, 205)))
