"""What begins in front of a camera, and what is only its everyday life."""

from collections.abc import Callable

import numpy as np
import pytest

from detectors.vision import build
from detectors.vision.frames import MASKED_LEVEL
from detectors.vision.scene import Scene
from farwatch.domain.picture import Sighting
from tests.unit.vision.scenes import Image, bag, ground, person, picture, show, zone

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))


def still(image: Image, at_s: float) -> None:
    """Nothing happens."""


def lived(
    paint: Callable[[Image, float], None], seconds: float, scene: Scene | None = None, step_s: float = 2.0
) -> list[tuple[float, bool, bool]]:
    """Time, quiet, wants every frame, after each picture."""
    scene = scene or Scene()
    said = []
    for number, shown in enumerate(show(ground(), seconds, paint, step_s=step_s)):
        assert list(scene.observe(shown)) == []
        said.append((number * step_s, scene.is_quiet, scene.wants_every_frame))
    return said


@pytest.mark.parametrize("step_s", [1.0, 2.0, 4.0])
def test_a_still_scene_is_quiet_once_it_is_known(step_s: float) -> None:
    said = lived(still, 60, step_s=step_s)
    assert all(quiet for at_s, quiet, _ in said if at_s >= 12)
    assert not said[0][1]
    assert not any(wants for _, _, wants in said)


def test_who_walks_in_is_looked_at_closely_for_a_while_and_then_it_is_quiet_again() -> None:
    said = lived(lambda image, at_s: person(image, (at_s - 30) * 40) if at_s >= 30 else None, 70)
    assert [at_s for at_s, _, wants in said if wants] == [30, 32, 34]
    assert not any(quiet for at_s, quiet, _ in said if 30 <= at_s < 38)
    assert said[-1][1]


def test_slow_light_and_a_cloud_begin_nothing() -> None:
    def cloud(image: Image, at_s: float) -> None:
        image *= 1 + 0.2 * np.sin(at_s / 20)

    said = lived(cloud, 120)
    assert not any(wants for _, _, wants in said)
    assert all(quiet for at_s, quiet, _ in said if at_s >= 12)


def test_another_view_is_learnt_anew_and_nothing_begins_before_it_is_known() -> None:
    def turned(image: Image, at_s: float) -> None:
        if at_s >= 40:
            image[:] = ground(9)[::-1] * 0.6 + 30
        if at_s >= 60:
            person(image, (at_s - 60) * 30)

    said = lived(turned, 80)
    assert [at_s for at_s, _, wants in said if wants] == [60, 62, 64]


def test_a_tree_that_always_sways_is_a_habit_and_a_visitor_beside_it_is_not() -> None:
    rng = np.random.default_rng(4)

    def tree(image: Image, at_s: float) -> None:
        image[40:90, 20:80] += rng.normal(0, 60, (5, 6, 1)).astype(np.float32).repeat(10, 0).repeat(10, 1)
        if at_s >= 240:
            person(image, (at_s - 240) * 30 + 100)

    said = lived(tree, 260)
    assert not any(wants for at_s, _, wants in said if 90 <= at_s < 240)
    assert said[120][2]


def test_what_stays_is_scenery_after_a_while() -> None:
    said = lived(lambda image, at_s: bag(image) if at_s >= 30 else None, 240)
    assert not said[16][1]
    assert said[-1][1]


def test_nothing_is_seen_under_a_mask() -> None:
    scene = Scene([zone("mask", LEFT_HALF)])
    said = lived(lambda image, at_s: person(image, at_s % 40 + 40) if at_s >= 30 else None, 60, scene)
    assert all(quiet for at_s, quiet, _ in said if at_s >= 12)
    frame = scene.look(picture(ground(), 70))
    assert frame is not None
    half = frame.shape[1] // 2
    assert np.all(frame.y[:, :half] == MASKED_LEVEL)
    assert np.ptp(frame.y[:, half + 2 :]) > 20


@pytest.mark.parametrize(("masked", "found"), [((0.0, 0.2), 1), ((0.4, 0.6), 0)])
def test_a_mask_hides_a_bag_that_lies_under_it_and_no_other(masked: tuple[float, float], found: int) -> None:
    left, right = masked

    def brought(image: Image, at_s: float) -> None:
        if at_s >= 14:
            bag(image)
        person(image, -40 + at_s * 15 if at_s < 12 else 140 if at_s < 15 else 140 + (at_s - 15) * 20)

    zones = [zone("ground"), zone("mask", ((left, 0.0), (right, 0.0), (right, 1.0), (left, 1.0)))]
    detectors = build(zones)
    seen = [e for shown in show(ground(), 50, brought) for d in detectors for e in d.observe(shown)]
    assert len([e for e in seen if isinstance(e, Sighting) and e.rule == "left_object"]) == found


@pytest.mark.parametrize("step_s", [1.0, 2.0])
def test_what_is_left_after_a_long_quiet_is_found_as_soon_as_ever(step_s: float) -> None:
    def brought(image: Image, at_s: float) -> None:
        if at_s >= 104:
            bag(image)
        if 90 <= at_s < 102:
            person(image, -40 + (at_s - 90) * 15)
        elif 102 <= at_s < 130:
            person(image, 140 if at_s < 105 else 140 + (at_s - 105) * 20)

    detectors = build([zone("ground")])
    found = [
        number * step_s
        for number, shown in enumerate(show(ground(), 140, brought, step_s=step_s))
        for detector in detectors
        for event in detector.observe(shown)
        if isinstance(event, Sighting) and event.rule == "left_object"
    ]
    assert len(found) == 1
    assert 104 + 12 <= found[0] <= 104 + 24


def test_a_picture_is_reduced_once_for_all_its_rules() -> None:
    scene, shown = Scene(), picture(ground(), 0)
    assert scene.look(shown) is scene.look(shown)
    assert scene.look(picture(ground(), 1)) is not scene.look(shown)
