"""What the simulated cameras show, coded and decoded as a real camera's, is seen by the shipped detectors for what it is."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import av
import pytest

from detectors.vision.registry import build
from farwatch.domain.finding import Kind
from farwatch.domain.picture import Picture, Sighting
from farwatch.domain.registry import Zone
from ingest.cameras.decoding import to_picture
from simulators.city_names import CAMERAS, CameraPlan
from simulators.coded_loop import access_unit
from simulators.encoding import encode_pictures
from simulators.scene_yard import STANDS_S, TIPPED_S
from simulators.scenes import SMOKES_S, make_scene

BEGINS_AT = datetime(2026, 3, 2, tzinfo=UTC)
QUIET = [c for c in CAMERAS if c.scene not in ("stack_day", "yard_day")]


def camera(scene: str) -> CameraPlan:
    return next(c for c in CAMERAS if c.scene == scene)


def shown(plan: CameraPlan, seed: int, until_s: float) -> Iterator[Picture]:
    """One picture a second, through x264 and back, reduced as the camera worker does."""
    scene = make_scene(plan.scene, seed)
    drawn = (scene.picture(float(t)) for t in range(round(until_s)))
    loop = encode_pictures(drawn, rate=1)
    decoder = av.CodecContext.create("h264", "r")
    for coded in loop.pictures:
        data = loop.parameter_sets + access_unit(coded)
        for frame in decoder.decode(av.Packet(data)):
            yield to_picture(frame, plan.id, BEGINS_AT + timedelta(seconds=coded.pts / 90_000))


def sightings(plan: CameraPlan, seed: int, until_s: float) -> list[tuple[Kind, float]]:
    """What is seen, and how many seconds into the loop it was said."""
    zones = [
        Zone(camera=plan.id, name=name, purpose=purpose, polygon=shape) for name, purpose, shape in plan.zones
    ]
    detectors = build(zones)
    return [
        (seen.kind, (picture.at - BEGINS_AT).total_seconds())
        for picture in shown(plan, seed, until_s)
        for detector in detectors
        for seen in detector.observe(picture)
        if isinstance(seen, Sighting)
    ]


@pytest.mark.parametrize("seed", [1, 2])
def test_the_smoking_stack_is_seen_to_smoke(seed: int) -> None:
    seen = sightings(camera("stack_day"), seed, 50)

    assert [kind for kind, _ in seen] == [Kind.SMOKE]
    assert SMOKES_S[0] < seen[0][1] < SMOKES_S[0] + 30


@pytest.mark.parametrize("seed", [1, 2])
def test_the_tipped_load_is_seen_as_dumped(seed: int) -> None:
    seen = sightings(camera("yard_day"), seed, 60)

    assert [kind for kind, _ in seen] == [Kind.DUMPING]
    assert max(STANDS_S, TIPPED_S) < seen[0][1] < TIPPED_S + 30


def test_the_sky_over_the_stack_is_blue_after_all_the_coding() -> None:
    picture = next(shown(camera("stack_day"), 1, 1))

    u, v = picture.u[10, 10], picture.v[10, 10]
    assert u > 135
    assert v < 120


@pytest.mark.parametrize("plan", QUIET, ids=lambda c: c.scene)
def test_nothing_is_seen_where_nothing_happens(plan: CameraPlan) -> None:
    assert sightings(plan, 1, make_scene(plan.scene, 1).duration_s) == []
