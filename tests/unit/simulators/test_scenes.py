"""The drawn scenes repeat exactly, and what they tell is in the picture when it should be."""

import itertools

import numpy as np
import pytest

from simulators.city_names import CAMERAS
from simulators.scenes import HEIGHT, SCENES, WIDTH, Image, make_scene

ABOVE_THE_STACK = np.s_[120:230, 780:980]
WHERE_IT_IS_TIPPED = np.s_[530:620, 700:880]


def brightness(picture: Image, area: tuple[slice, slice]) -> float:
    return float(picture[area].mean())


def difference(a: Image, b: Image, area: tuple[slice, slice]) -> float:
    return float(np.abs(a[area].astype(int) - b[area].astype(int)).mean())


@pytest.mark.parametrize("name", ["stack_day", "yard_day", "street_night"])
def test_the_same_seed_and_time_give_the_same_picture(name: str) -> None:
    one, other = make_scene(name, 3), make_scene(name, 3)
    one.picture(7.0)

    assert np.array_equal(one.picture(31.5), other.picture(31.5))
    assert not np.array_equal(one.picture(31.5), make_scene(name, 4).picture(31.5))


@pytest.mark.parametrize("name", sorted(SCENES))
def test_every_scene_gives_pictures_of_its_size_around_its_loop(name: str) -> None:
    scene = make_scene(name, 1)

    for share in (0.0, 0.3, 0.99, 1.0):
        picture = scene.picture(scene.duration_s * share)
        assert (picture.shape, picture.dtype) == ((HEIGHT, WIDTH, 3), np.uint8)


@pytest.mark.parametrize("name", sorted(SCENES))
def test_the_end_of_a_loop_flows_into_its_beginning(name: str) -> None:
    scene = make_scene(name, 1)
    step = 1 / 8

    everywhere = np.s_[0:HEIGHT, 0:WIDTH]
    seam = difference(scene.picture(scene.duration_s - step), scene.picture(0.0), everywhere)
    usual = difference(
        scene.picture(scene.duration_s - 2 * step), scene.picture(scene.duration_s - step), everywhere
    )
    assert seam < usual + 0.5


def test_smoke_darkens_the_sky_above_the_stack_and_only_while_it_smokes() -> None:
    scene = make_scene("stack_day", 1)
    clear = brightness(scene.picture(5), ABOVE_THE_STACK)

    assert brightness(scene.picture(40), ABOVE_THE_STACK) < clear - 40
    assert abs(brightness(scene.picture(85), ABOVE_THE_STACK) - clear) < 12
    quiet = make_scene("stack_day_quiet", 1)
    assert (
        abs(brightness(quiet.picture(40), ABOVE_THE_STACK) - brightness(quiet.picture(5), ABOVE_THE_STACK))
        < 25
    )


def test_the_load_stays_after_the_lorry_has_gone_until_it_is_cleared() -> None:
    scene = make_scene("yard_day", 1)
    before, after, later = scene.picture(10), scene.picture(45), scene.picture(75)

    assert difference(before, after, WHERE_IT_IS_TIPPED) > 40
    assert difference(after, later, WHERE_IT_IS_TIPPED) < 4
    assert difference(before, scene.picture(99), WHERE_IT_IS_TIPPED) < 4


def test_nothing_stays_in_the_quiet_yard() -> None:
    scene = make_scene("yard_night_quiet", 1)

    assert difference(scene.picture(10), scene.picture(45), WHERE_IT_IS_TIPPED) < 8


def test_nothing_stands_still_on_the_road() -> None:
    scene = make_scene("street_day", 1)
    pictures = [scene.picture(float(t))[420:640] for t in range(0, 40, 2)]
    usual = np.median(np.stack(pictures), axis=0)

    covered = np.stack([np.abs(p.astype(int) - usual).max(axis=2) > 40 for p in pictures])
    for first, second in itertools.pairwise(covered):
        both = first & second
        assert both.mean() < 0.06
    assert any(c.mean() > 0.02 for c in covered)


def test_every_camera_of_the_city_looks_at_a_drawn_scene() -> None:
    assert {c.scene for c in CAMERAS} <= set(SCENES)
