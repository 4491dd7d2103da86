"""What counts as left on the ground, and what does not."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import cv2
import numpy as np
import pytest

from detectors.vision.left_object import LeftObjectDetector
from farwatch.domain.finding import Kind
from farwatch.domain.picture import Sighting, SightingEnded
from tests.unit.vision.scenes import (
    HEIGHT,
    WIDTH,
    Image,
    bag,
    ground,
    person,
    picture,
    show,
    since_start_s,
    watch,
    zone,
)  # fmt: skip


def brought(image: Image, at_s: float) -> None:
    """Somebody walks in, stops at 12-15 s, leaves a bag and walks on."""
    if at_s >= 14:
        bag(image)
    if at_s < 12:
        person(image, -40 + at_s * 15)
    elif at_s < 15:
        person(image, 140)
    else:
        person(image, 140 + (at_s - 15) * 20)


def seen(
    paint: Callable[[Image, float], None], seconds: float = 60, step_s: float = 1.0
) -> list[Sighting | SightingEnded]:
    return watch(LeftObjectDetector([zone("ground")]), show(ground(), seconds, paint, step_s=step_s))


@pytest.mark.parametrize("step_s", [0.2, 1.0, 2.0, 4.0])
def test_a_bag_put_down_is_found_once_with_its_place_and_time(step_s: float) -> None:
    events = seen(brought, 50, step_s)
    assert [type(e) for e in events] == [Sighting]
    sighting = events[0]
    assert isinstance(sighting, Sighting)
    assert (sighting.rule, sighting.kind, sighting.zone) == ("left_object", Kind.DUMPING, "ground-zone")
    assert since_start_s(sighting.onset_at) == pytest.approx(14, abs=2 + step_s)
    assert sighting.box == pytest.approx((150 / 320, 138 / 180, 166 / 320, 152 / 180), abs=0.03)
    assert sighting.reason.key == "object_left"


def test_a_bag_taken_away_ends_its_sighting() -> None:
    def paint(image: Image, at_s: float) -> None:
        brought(image, at_s)
        if at_s >= 60:
            image[:] = ground()

    events = seen(paint, 120)
    assert [type(e) for e in events] == [Sighting, SightingEnded]
    begun, ended = events
    assert isinstance(begun, Sighting)
    assert isinstance(ended, SightingEnded)
    assert ended.onset_at == begun.onset_at
    assert since_start_s(ended.ended_at) == pytest.approx(60, abs=2)


def test_people_walking_past_a_bag_neither_end_nor_repeat_it() -> None:
    def paint(image: Image, at_s: float) -> None:
        brought(image, at_s)
        if at_s > 40:
            person(image, (at_s * 23) % 400 - 40, foot=160)

    assert [type(e) for e in seen(paint, 90)] == [Sighting]


def test_people_who_pass_leave_nothing() -> None:
    def paint(image: Image, at_s: float) -> None:
        person(image, (at_s * 19) % 420 - 50)
        person(image, 300 - (at_s * 31) % 400, foot=100)

    assert seen(paint, 60) == []


def test_somebody_who_stands_and_fidgets_is_not_an_object() -> None:
    rng = np.random.default_rng(5)
    sway = rng.integers(-4, 5, 200)

    def paint(image: Image, at_s: float) -> None:
        person(image, 140 + int(sway[int(at_s)]) if at_s > 10 else -40 + at_s * 18)

    assert seen(paint, 60) == []


def test_what_is_taken_away_leaves_no_finding() -> None:
    def paint(image: Image, at_s: float) -> None:
        if at_s < 20:
            bag(image)
        person(image, -40 + (at_s - 8) * 15 if at_s < 20 else 140 + (at_s - 20) * 20)

    assert seen(paint, 60) == []


def test_a_lamp_switched_on_is_not_an_object() -> None:
    def paint(image: Image, at_s: float) -> None:
        if at_s >= 20:
            image *= 1.4
            image[60:140, 60:200] *= 1.15

    assert seen(paint, 60) == []


def test_a_patch_of_light_that_nobody_brought_is_not_an_object() -> None:
    def paint(image: Image, at_s: float) -> None:
        if at_s >= 20:
            image[90:130, 100:150] += 45

    assert seen(paint, 60) == []


@pytest.mark.parametrize(("light", "said"), [(0.8, 0), (0.5, 1)])
def test_on_smooth_ground_an_even_shadow_is_no_object_and_something_dark_is(light: float, said: int) -> None:
    def paint(image: Image, at_s: float) -> None:
        if at_s >= 14:
            image[130:152, 145:175] *= light
        person(image, -40 + at_s * 15 if at_s < 12 else 140 if at_s < 15 else 140 + (at_s - 15) * 20)

    smooth = np.full((HEIGHT, WIDTH, 3), 120, np.float32)
    events = watch(LeftObjectDetector([zone("ground")]), show(smooth, 60, paint))
    assert len(events) == said


@pytest.mark.parametrize("step_s", [0.2, 1.0, 2.0])
def test_what_was_in_the_first_picture_only_hides_no_bag_where_it_was(step_s: float) -> None:
    def paint(image: Image, at_s: float) -> None:
        if at_s == 0:
            cv2.line(image, (20, 30), (160, 148), (60, 60, 60), 14)
        brought(image, at_s - 10)

    events = seen(paint, 60, step_s)
    assert [since_start_s(e.onset_at) for e in events] == [pytest.approx(24, abs=2 + step_s)]


def test_a_scene_cut_is_not_an_object() -> None:
    def paint(image: Image, at_s: float) -> None:
        if at_s % 30 >= 15:
            image[:] = ground(9)[::-1] * 0.6 + 30

    assert seen(paint, 75) == []


def test_a_hose_across_the_yard_is_scenery_after_a_while_and_hides_no_bag_beside_it() -> None:
    def paint(image: Image, at_s: float) -> None:
        if at_s >= 5:
            image[40:152, 144:150] = 40
            image[146:152, 20:150] = 40
        brought(image, at_s - 100)

    events = seen(paint, 160)
    assert [since_start_s(e.onset_at) for e in events] == [pytest.approx(114, abs=3)]


def test_outside_the_zone_nothing_is_said() -> None:
    detector = LeftObjectDetector([zone("ground", ((0.0, 0.0), (0.4, 0.0), (0.4, 1.0), (0.0, 1.0)))])
    assert watch(detector, show(ground(), 60, brought)) == []


def test_key_frames_are_enough() -> None:
    detector = LeftObjectDetector([zone("ground")])
    wishes = []
    for shown in show(ground(), 40, brought):
        detector.observe(shown)
        wishes.append(detector.wants_every_frame)
    assert not any(wishes)


def test_the_finding_survives_a_change_of_picture_size() -> None:
    detector = LeftObjectDetector([zone("ground")])
    events = watch(detector, show(ground(), 40, brought))
    small = ground()[: HEIGHT // 2, : WIDTH // 2].copy()
    events += [e for second in range(40, 60) for e in detector.observe(picture(small, second))]
    assert [type(e) for e in events] == [Sighting]


def test_a_clock_that_is_set_back_while_a_bag_lies_there_hides_nothing() -> None:
    shown = list(show(ground(), 60, brought))
    moved = [replace(p, at=p.at - timedelta(hours=1)) if i >= 20 else p for i, p in enumerate(shown)]
    assert [type(e) for e in watch(LeftObjectDetector([zone("ground")]), moved)] == [Sighting]
