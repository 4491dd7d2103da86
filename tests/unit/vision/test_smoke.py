"""What counts as smoke, and what does not."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from detectors.vision.smoke import SmokeDetector
from farwatch.domain.finding import Kind
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from tests.unit.vision.scenes import (
    HEIGHT,
    START_AT,
    WIDTH,
    Image,
    Plume,
    ground,
    person,
    show,
    since_start_s,
    sky,
    watch,
    zone,
)  # fmt: skip

ABOVE = ((0.2, 0.0), (1.0, 0.0), (1.0, 0.6), (0.2, 0.6))


def seen(
    base: Image, paint: Callable[[Image, float], None], seconds: float = 45, step_s: float = 1.0
) -> list[Sighting | SightingEnded]:
    return watch(SmokeDetector([zone("sky")]), show(base, seconds, paint, step_s=step_s))


@pytest.mark.parametrize("tone", [50.0, 95.0, 250.0], ids=["black", "grey", "white"])
def test_a_turbulent_plume_is_smoke_from_the_first_picture_on(tone: float) -> None:
    events = seen(sky(), Plume(tone))
    assert [type(e) for e in events] == [Sighting]
    sighting = events[0]
    assert isinstance(sighting, Sighting)
    assert (sighting.rule, sighting.kind, sighting.reason.key) == ("smoke", Kind.SMOKE, "smoke_seen")
    left, top, right, bottom = sighting.box
    assert 0.3 < left < right <= 1.0
    assert top < bottom < 0.55


def test_a_plume_that_begins_is_dated_and_ends_when_it_stops() -> None:
    plume = Plume()

    def paint(image: Image, at_s: float) -> None:
        if 30 <= at_s < 80:
            plume(image, at_s)

    events = seen(sky(), paint, 150)
    assert [type(e) for e in events] == [Sighting, SightingEnded]
    begun, ended = events
    assert isinstance(begun, Sighting)
    assert isinstance(ended, SightingEnded)
    assert since_start_s(begun.onset_at) == pytest.approx(32, abs=6)
    assert since_start_s(ended.ended_at) == pytest.approx(84, abs=10)
    assert ended.onset_at == begun.onset_at


def test_smoke_is_found_in_its_zone_only() -> None:
    beside = zone("stack", ((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0)))
    assert watch(SmokeDetector([beside]), show(sky(), 60, Plume())) == []
    events = watch(SmokeDetector([beside, zone("sky", ABOVE)]), show(sky(), 60, Plume()))
    assert [e.zone for e in events] == ["sky-zone"]


def test_slow_key_frames_ask_for_more_pictures_while_smoke_is_suspected() -> None:
    detector, wishes, at_s = SmokeDetector([zone("sky")]), [], 0.0
    shown: list[Picture] = list(show(sky(), 200, Plume(), step_s=1.0))
    found_at_s = None
    while at_s < 199 and found_at_s is None:
        if any(isinstance(e, Sighting) for e in detector.observe(shown[int(at_s)])):
            found_at_s = at_s
        wishes.append(detector.wants_every_frame)
        at_s += 1 if detector.wants_every_frame else 8
    assert any(wishes)
    assert found_at_s is not None
    assert found_at_s < 80


def cars(image: Image, at_s: float) -> None:
    for lane, speed in ((60, 37), (100, 53), (140, 71)):
        x = round(at_s * speed + lane * 3) % 480 - 100
        image[lane : lane + 22, max(0, x) : max(0, min(WIDTH, x + 60))] = (60 + lane, 60, 190 - lane)


def leaves(image: Image, at_s: float) -> None:
    rng = np.random.default_rng(int(at_s * 10))
    spots = np.random.default_rng(2).random((HEIGHT, WIDTH // 2)) > 0.5
    sway = rng.integers(-2, 3, 2)
    image[:, : WIDTH // 2] = np.where(np.roll(spots, sway, (0, 1))[..., None], (40, 90, 50), (120, 190, 140))


def rain(image: Image, at_s: float) -> None:
    rng = np.random.default_rng(int(at_s * 10))
    for x, y in zip(rng.integers(0, WIDTH, 120), rng.integers(0, HEIGHT - 12, 120), strict=True):
        image[y : y + 10, x] += 40


def walkers(image: Image, at_s: float) -> None:
    for number in range(6):
        person(image, (at_s * (11 + 3 * number) + 50 * number) % 400 - 40, foot=70 + 20 * number)


def clouds(image: Image, at_s: float) -> None:
    x = (np.arange(WIDTH, dtype=np.float32) - at_s * 1.2) / 40
    y = np.arange(HEIGHT, dtype=np.float32)[:, None] / 25
    image += (25 * np.clip(np.sin(x) + np.cos(y + 0.4 * np.sin(x)), 0, 1))[..., None]


def switching(image: Image, at_s: float) -> None:
    if int(at_s) % 14 >= 7:
        image *= 0.55


def cuts(image: Image, at_s: float) -> None:
    if int(at_s) % 16 >= 8:
        image[:] = ground(4)


def soft_hills() -> Image:
    """Broad shapes without fine texture: every shift of the camera changes whole cells."""
    noise = np.random.default_rng(8).normal(128, 60, (HEIGHT // 20, WIDTH // 20)).astype(np.float32)
    return np.repeat(cv2.resize(noise, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)[..., None], 3, axis=2)


def swaying_pole(image: Image, at_s: float) -> None:
    shift = np.random.default_rng(int(at_s)).uniform(-2, 2, 2)
    moved = np.array([[1, 0, shift[0]], [0, 1, shift[1]]])
    image[:] = cv2.warpAffine(image, moved, (WIDTH, HEIGHT), borderMode=cv2.BORDER_REFLECT)


def busy_crossing(image: Image, at_s: float) -> None:
    """Soft figures without end on plain ground: always somebody, never everywhere."""
    image[:] = 130
    rng = np.random.default_rng(6)
    for _ in range(14):
        y, speed, start, tone = rng.uniform((70, -30, 0, 60), (120, 30, 400, 200))
        x = (start + speed * at_s) % 400 - 40
        cv2.circle(image, (round(x), round(y)), 7, (tone, tone, tone), -1)
    image[:] = cv2.GaussianBlur(image, (0, 0), 2)


@pytest.mark.parametrize(
    ("base", "paint"),
    [
        (ground, cars), (sky, leaves), (ground, rain), (ground, walkers), (sky, clouds), (ground, switching), (sky, cuts),
        (soft_hills, swaying_pole),
        (ground, busy_crossing),
    ],
    ids=["cars", "leaves", "rain", "walkers", "clouds", "lamp", "scene cuts", "swaying pole", "busy crossing"],
)  # fmt: skip
def test_what_moves_otherwise_is_not_smoke(
    base: Callable[[], Image], paint: Callable[[Image, float], None]
) -> None:
    assert seen(base(), paint, 60) == []


@pytest.mark.parametrize(("step_s", "least_s", "most_s"), [(1.0, 14, 40), (2.0, 60, 140), (4.0, None, None)])
def test_key_frames_alone_decide_the_later_the_further_they_are_apart(
    step_s: float, least_s: float | None, most_s: float | None
) -> None:
    """As it is where there is no CPU time for more than key frames."""
    detector, found_at_s = SmokeDetector([zone("sky", ABOVE)]), None
    for number, shown in enumerate(show(sky(), 160, Plume(), step_s=step_s)):
        if found_at_s is None and any(isinstance(e, Sighting) for e in detector.observe(shown)):
            found_at_s = number * step_s
    if least_s is None or most_s is None:
        assert found_at_s is None
    else:
        assert found_at_s is not None
        assert least_s <= found_at_s <= most_s


def test_a_clock_that_is_set_back_keeps_no_suspicion_from_being_looked_at_closely() -> None:
    """Key frames every eight seconds show that something moves, and not what."""
    detector, asked = SmokeDetector([zone("sky")]), []
    for i in range(60):
        at = START_AT + timedelta(seconds=8 * i - (3600 if i >= 30 else 0))
        detector._samples.append(SimpleNamespace(at=at))  # type: ignore[arg-type]
        if i == 30:
            detector._samples.clear()
            continue
        detector._ask(at, suspicious=i > 5)
        asked.append(detector.wants_every_frame)
    assert any(asked[:29])
    assert any(asked[29:])
