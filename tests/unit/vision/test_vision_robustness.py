"""Whatever a camera sends, the vision rules answer and never raise."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.vision import build
from detectors.vision.episodes import Episode, Seen
from detectors.vision.frames import reduce, zone_mask
from farwatch.domain.finding import Kind, Reason
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from tests.unit.vision.scenes import START_AT, WHOLE, Plume, ground, picture, show, sky, watch, zone


def raw(width: int, height: int, at_s: float, seed: int, contrast: int) -> Picture:
    rng = np.random.default_rng(seed)
    low, high = 128 - contrast, 128 + contrast
    half = ((height + 1) // 2, (width + 1) // 2)
    y, u, v = (rng.integers(low, high, size, dtype=np.uint8) for size in ((height, width), half, half))
    return Picture(
        camera="cam", at=START_AT + timedelta(seconds=at_s), width=width, height=height,
        y=memoryview(y), u=memoryview(u), v=memoryview(v),
    )  # fmt: skip


shots = st.tuples(
    st.sampled_from([(64, 48), (65, 49), (321, 181), (1, 1), (2, 400), (700, 30), (640, 360)]),
    st.sampled_from([0.0, 0.1, 1.0, 7.5, 10.0, 400.0, -5.0]),
    st.integers(0, 3),
    st.sampled_from([1, 20, 127]),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(shots, min_size=1, max_size=25))
def test_random_pictures_of_any_size_and_pace_never_raise(
    sequence: list[tuple[tuple[int, int], float, int, int]],
) -> None:
    detectors = build([zone("ground"), zone("sky"), zone("stack", ((0.1, 0.1), (0.9, 0.1), (0.5, 2.0)))])
    at_s = 0.0
    for (width, height), step_s, seed, contrast in sequence:
        at_s += step_s
        for detector in detectors:
            assert all(
                isinstance(e, Sighting | SightingEnded)
                for e in detector.observe(raw(width, height, at_s, seed, contrast))
            )
            assert detector.wants_every_frame in (True, False)


@pytest.mark.parametrize(
    "polygon", [(), ((0.5, 0.5),), ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0)), ((float("nan"), 0), (1, 0), (1, 1))]
)
def test_a_broken_polygon_covers_nothing_much(polygon: tuple[tuple[float, float], ...]) -> None:
    assert zone_mask(polygon, (90, 160)).sum() <= 1


def test_planes_that_do_not_fit_their_size_are_left_out() -> None:
    whole = picture(ground(), 0)
    cut = Picture(camera="cam", at=whole.at, width=320, height=180, y=whole.y[:-1], u=whole.u, v=whole.v)
    assert reduce(cut) is None
    assert [d.observe(cut) for d in build([zone("ground"), zone("sky")])] == [[], [], [], []]


def test_each_purpose_gets_its_rules_and_no_others() -> None:
    assert [d.rule for d in build([])] == ["scene", "camera_health"]
    assert [d.rule for d in build([zone("ground")])] == ["scene", "left_object", "camera_health"]
    assert [d.rule for d in build([zone("stack"), zone("sky")])] == ["scene", "smoke", "camera_health"]


def test_smoke_over_the_works_is_not_taken_for_something_on_the_ground() -> None:
    ground_zone = zone("ground", ((0.0, 0.7), (1.0, 0.7), (1.0, 1.0), (0.0, 1.0)))
    events = [e for d in build([ground_zone, zone("sky", WHOLE)]) for e in watch(d, show(sky(), 60, Plume()))]
    assert [e.rule for e in events if isinstance(e, Sighting)] == ["smoke"]


def test_an_episode_is_told_once_and_ends_after_its_quiet_time() -> None:
    episode = Episode(rule="r", kind=Kind.SMOKE, zone="z", quiet_s=30)
    seen = Seen(onset_at=START_AT, reason=Reason("k"), box=(0, 0, 1, 1), severity=2)
    told = [
        len(episode.observe(START_AT + timedelta(seconds=s), seen if s < 50 or 70 <= s < 80 else None))
        for s in range(0, 120, 2)
    ]
    assert sum(told) == 2
    assert told[0] == 1
    assert told[(78 + 30) // 2] == 1


def test_a_second_episode_never_begins_before_the_first_ended() -> None:
    episode = Episode(rule="r", kind=Kind.SMOKE, zone="z", quiet_s=5)
    seen = Seen(onset_at=START_AT, reason=Reason("k"), box=(0, 0, 1, 1), severity=2)
    events = [e for s in (0, 10, 20) for e in episode.observe(START_AT + timedelta(seconds=s), seen)]
    begun = [e.onset_at for e in events if isinstance(e, Sighting)]
    assert begun == sorted(set(begun))
