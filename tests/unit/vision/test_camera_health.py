"""A camera whose picture is no use is found once, and what weather, night and people do to a picture is no fault."""

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import cache
from itertools import chain

import cv2
import numpy as np
import pytest

from detectors.vision.camera_health.detector import CameraHealthDetector
from detectors.vision.camera_health.settings import HealthSettings
from farwatch.domain.finding import Kind, Tier
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from tests.unit.vision.scenes import HEIGHT, START_AT, WIDTH, Image, bag, ground, person, picture, watch, zone

STEP_S = 4.0
LEARNED_S = 720.0
WELL_S = 120.0

Draw = Callable[[float], Image]
Damage = Callable[[Image, float], Image]


def works() -> Image:
    """Sheds, pipes and a fence over paving: edges everywhere but in the sky."""
    image = ground()
    image[:60] = (215, 200, 185)
    rng = np.random.default_rng(4)
    for _ in range(60):
        left, top = int(rng.integers(0, WIDTH - 40)), int(rng.integers(30, HEIGHT - 30))
        width, height = int(rng.integers(6, 40)), int(rng.integers(6, 28))
        image[top : top + height, left : left + width] = rng.integers(40, 210, 3)
    return image


BASE = works()
GRAIN = np.random.default_rng(5).normal(0, 1, (12, HEIGHT, WIDTH, 1)).astype(np.float32)


def pictures(
    draw: Draw, from_s: float, seconds: float, *, noise: float = 1.5, step_s: float = STEP_S
) -> Iterator[Picture]:
    for number in range(int(seconds / step_s)):
        at_s = from_s + number * step_s
        yield picture(np.asarray(draw(at_s) + noise * GRAIN[number % len(GRAIN)], np.float32), at_s)


def day(at_s: float) -> Image:
    """The works with a walker now and then, and light that changes by a few levels."""
    image = BASE * np.float32(1 + 0.04 * np.sin(at_s / 200))
    person(image, (at_s * 7) % 900 - 20)
    return image


def blurred(image: Image, at_s: float) -> Image:
    return cv2.GaussianBlur(image, (0, 0), 2.5)


def sprayed(image: Image, at_s: float) -> Image:
    return cv2.GaussianBlur(image, (0, 0), 40) * np.float32(0.3) + 70


def painted(image: Image, at_s: float) -> Image:
    return sprayed(image, at_s) + np.array((40, 0, -30), np.float32)


def turned(image: Image, at_s: float) -> Image:
    return np.roll(image, (37, 121), axis=(0, 1))


def black(image: Image, at_s: float) -> Image:
    return np.full_like(image, 2)


def white(image: Image, at_s: float) -> Image:
    return np.full_like(image, 252)


FAULTS = [
    ("camera_black", black, 300),
    ("camera_overexposed", white, 300),
    ("camera_covered", sprayed, 180),
    ("camera_defocused", blurred, 900),
    ("camera_turned", turned, 300),
]


@cache
def memory_of_a_day() -> bytes:
    detector = CameraHealthDetector()
    said = watch(detector, pictures(day, 0, LEARNED_S))
    assert {type(event) for event in said} == {SightingEnded}
    return detector.memory()


def learned() -> CameraHealthDetector:
    """A detector that knows a good day, sees that all is well, and has said so."""
    detector = CameraHealthDetector()
    assert detector.recall(memory_of_a_day())
    said = watch(detector, pictures(day, LEARNED_S - 60, 60))
    assert len(said) == 6
    assert {type(event) for event in said} == {SightingEnded}
    return detector


def damaged(damage: Damage) -> Draw:
    return lambda at_s: damage(day(at_s), at_s)


@pytest.mark.parametrize(("rule", "damage", "after_s"), FAULTS, ids=[f[0] for f in FAULTS])
def test_a_fault_is_found_once_and_ends_when_the_picture_is_well_again(
    rule: str, damage: Damage, after_s: float
) -> None:
    detector = learned()
    begins_s, ends_s = LEARNED_S, LEARNED_S + 2 * after_s + 60
    (found,) = watch(detector, pictures(damaged(damage), begins_s, ends_s - begins_s))
    assert isinstance(found, Sighting)
    assert (found.rule, found.kind, found.zone) == (rule, Kind.CAMERA_FAULT, "")
    assert found.onset_at == START_AT + timedelta(seconds=begins_s)
    (over,) = watch(detector, pictures(day, ends_s, WELL_S))
    assert over == SightingEnded(
        rule=rule, zone="", onset_at=found.onset_at, ended_at=START_AT + timedelta(seconds=ends_s), tier=Tier.FAULT
    )  # fmt: skip


@pytest.mark.parametrize(("rule", "damage", "after_s"), FAULTS, ids=[f[0] for f in FAULTS])
def test_a_fault_that_passes_before_its_time_is_none(rule: str, damage: Damage, after_s: float) -> None:
    detector = learned()
    short = pictures(damaged(damage), LEARNED_S, after_s - 2 * STEP_S)
    assert watch(detector, chain(short, pictures(day, LEARNED_S + after_s, 1200, step_s=10))) == []


def test_a_picture_that_stands_still_is_found_though_its_burnt_in_clock_goes_on() -> None:
    detector = learned()
    still = day(LEARNED_S)

    def stuck(at_s: float) -> Image:
        image = still.astype(np.uint8)
        cv2.putText(image, f"{at_s:07.0f}", (4, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 255), 1)
        return image

    (found,) = watch(detector, pictures(stuck, LEARNED_S, 600, noise=0))
    assert (found.rule, type(found)) == ("camera_frozen", Sighting)
    (over,) = watch(detector, pictures(day, LEARNED_S + 600, WELL_S))
    assert (over.rule, type(over)) == ("camera_frozen", SightingEnded)


def test_a_quiet_night_without_anything_that_moves_is_not_frozen() -> None:
    """A sensor is never quite still: noise of one level is enough."""
    detector = CameraHealthDetector()
    quiet = pictures(lambda _: BASE * np.float32(0.3) + 20, 0, 900, noise=1.0)
    assert all(isinstance(event, SightingEnded) for event in watch(detector, quiet))


def fog(image: Image, at_s: float) -> Image:
    """Thickens over half an hour; what is near (below) stays in sight longest."""
    density = np.clip((at_s - LEARNED_S) / 1800, 0, 1) * np.linspace(1.0, 0.55, HEIGHT)[:, None, None]
    return np.asarray(image * (1 - density) + 190 * density, np.float32)


def dense_fog(image: Image, at_s: float) -> Image:
    density = np.clip((at_s - LEARNED_S) / 1800, 0, 0.97)
    return np.asarray(image * (1 - density) + 190 * density, np.float32)


def drops(image: Image, at_s: float) -> Image:
    """Blur in half of the picture, elsewhere each time."""
    mask = cv2.resize(np.random.default_rng(round(at_s)).random((6, 10)).astype(np.float32), (WIDTH, HEIGHT))
    return np.where(mask[..., None] > 0.5, cv2.GaussianBlur(image, (0, 0), 4), image)


def dusk(image: Image, at_s: float) -> Image:
    """Dark within forty minutes, until nothing is left."""
    return np.asarray(image * max(0.0, 1 - (at_s - LEARNED_S) / 2400), np.float32)


def infrared(image: Image, at_s: float) -> Image:
    """Grey at once, lit from the camera: bright in the middle, dark at the rim."""
    y, x = np.mgrid[-1 : 1 : HEIGHT * 1j, -1 : 1 : WIDTH * 1j]
    lamp = np.clip(1.1 - 0.6 * (x * x + y * y), 0.15, 1)[..., None]
    grey = image.mean(axis=2, keepdims=True) * 0.8
    return np.asarray(np.repeat(grey * lamp, 3, axis=2), np.float32)


def cloud(image: Image, at_s: float) -> Image:
    return np.asarray(image * np.float32(0.55 + 0.45 * np.sin(at_s / 60)), np.float32)


def headlights(image: Image, at_s: float) -> Image:
    glare = image.copy()
    if at_s % 40 < 12:
        cv2.circle(glare, (160, 110), 120, (255, 255, 255), -1)
    return glare


def lorry(image: Image, at_s: float) -> Image:
    """Parks in front of a third of the view for the rest of the day."""
    parked = image.copy()
    parked[40:170, 20:130] = (60, 90, 140)
    return parked


def new_thing(image: Image, at_s: float) -> Image:
    bag(image)
    return image


HONEST = [fog, dense_fog, drops, dusk, infrared, cloud, headlights, lorry, new_thing]


@pytest.mark.parametrize("weather", HONEST, ids=[w.__name__ for w in HONEST])
def test_weather_night_and_traffic_are_no_fault(weather: Damage) -> None:
    detector = learned()
    assert watch(detector, pictures(damaged(weather), LEARNED_S, 3600, step_s=10)) == []
    assert watch(detector, pictures(day, LEARNED_S + 3600, 600, step_s=10)) == []


def test_a_covered_lens_is_found_at_night_too_once_a_night_was_seen() -> None:
    detector = learned()
    night = damaged(infrared)
    assert all(
        isinstance(e, SightingEnded) for e in watch(detector, pictures(night, LEARNED_S, 1200, step_s=8))
    )
    begins_s = LEARNED_S + 1200
    (found,) = watch(detector, pictures(lambda s: sprayed(night(s), s), begins_s, 400))
    assert found.rule == "camera_covered"


def test_a_view_that_returns_within_its_time_may_change_as_it_likes() -> None:
    """A camera that patrols its presets is at none of them for long."""
    detector = learned()
    tour = lambda s: turned(day(s), s) if (s // 120) % 2 else day(s)  # noqa: E731
    assert watch(detector, pictures(tour, LEARNED_S, 1800, step_s=6)) == []


def test_another_view_that_stays_for_a_week_is_the_view() -> None:
    detector = CameraHealthDetector(settings=HealthSettings(adopt_s=1200))
    assert detector.recall(memory_of_a_day())
    said = watch(detector, pictures(damaged(turned), LEARNED_S, 3600, step_s=8))
    assert [e.rule for e in said if isinstance(e, Sighting)] == ["camera_turned"]
    assert [e.rule for e in said if isinstance(e, SightingEnded)].count("camera_turned") == 1
    assert watch(detector, pictures(damaged(turned), LEARNED_S + 3600, 600, step_s=8)) == []


def test_what_is_usual_survives_a_restart() -> None:
    fresh = CameraHealthDetector()
    assert fresh.recall(memory_of_a_day())
    said = watch(fresh, pictures(damaged(turned), LEARNED_S, 400))
    assert [e.rule for e in said if isinstance(e, Sighting)] == ["camera_turned"]
    assert "camera_turned" not in [e.rule for e in said if isinstance(e, SightingEnded)]


def test_a_cover_that_was_there_at_the_start_is_neither_learned_nor_taken_for_well() -> None:
    """An earlier process may have found it, and its finding is not over."""
    fresh = CameraHealthDetector()
    assert fresh.recall(memory_of_a_day())
    said = watch(fresh, pictures(damaged(painted), LEARNED_S, 1200, step_s=10))
    assert "camera_covered" not in [e.rule for e in said]
    assert fresh.memory() == memory_of_a_day()
    assert [e.rule for e in watch(fresh, pictures(day, LEARNED_S + 1200, WELL_S))].count(
        "camera_covered"
    ) == 1


@pytest.mark.parametrize("memory", [b"", b"x" * 100, b"\xff" * len(CameraHealthDetector().memory())])
def test_a_memory_of_something_else_is_refused(memory: bytes) -> None:
    assert not CameraHealthDetector().recall(memory)


def test_what_a_mask_covers_is_not_looked_at() -> None:
    """All that moves is under the mask, and the rest stands still."""
    mask = zone("mask", ((0.0, 0.5), (1.0, 0.5), (1.0, 1.0), (0.0, 1.0)))

    def half_stuck(at_s: float) -> Image:
        image = BASE.copy()
        image[HEIGHT // 2 :] = np.random.default_rng(round(at_s)).integers(0, 255, (HEIGHT // 2, WIDTH, 3))
        return image

    def found(detector: CameraHealthDetector, shown: Iterable[Picture]) -> list[str]:
        return [e.rule for e in watch(detector, shown) if isinstance(e, Sighting)]

    assert found(CameraHealthDetector([mask]), pictures(half_stuck, 0, 500, noise=0)) == ["camera_frozen"]
    assert found(CameraHealthDetector(), pictures(half_stuck, 0, 500, noise=0)) == []
