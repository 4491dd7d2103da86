"""By which numbers a detector decided goes with what it found: evidence is judged by them years later."""

from dataclasses import fields
from typing import Any

import pytest

from detectors.vision.camera_health.detector import CameraHealthDetector
from detectors.vision.camera_health.settings import HealthSettings
from detectors.vision.left_object import LeftObjectDetector, LeftObjectSettings
from detectors.vision.smoke import SmokeDetector, SmokeSettings
from farwatch.domain.registry import Zone
from ingest.cameras.gaze import Tuned

ZONE = Zone(camera="c1", name="z", purpose="sky", polygon=((0, 0), (1, 0), (1, 1)))
SHIPPED: dict[type, tuple[Tuned, Any]] = {
    SmokeDetector: (SmokeDetector([ZONE]), SmokeSettings()),
    LeftObjectDetector: (LeftObjectDetector([ZONE]), LeftObjectSettings()),
    CameraHealthDetector: (CameraHealthDetector([]), HealthSettings()),
}


@pytest.mark.parametrize("detector", SHIPPED)
def test_every_detector_of_pictures_tells_all_its_numbers(detector: type) -> None:
    made, settings = SHIPPED[detector]
    assert isinstance(made, Tuned)
    assert made.settings == {field.name: getattr(settings, field.name) for field in fields(settings)}
    assert {type(value) for value in made.settings.values()} <= {int, float, str, bool}
    assert not {"rule", "version"} & made.settings.keys()
