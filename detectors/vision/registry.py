"""Which detectors a camera's zones ask for."""

from collections.abc import Sequence

from detectors.vision.camera_health.detector import CameraHealthDetector
from detectors.vision.left_object import LeftObjectDetector
from detectors.vision.scene import Scene
from detectors.vision.smoke import SmokeDetector
from farwatch.domain.picture import PictureDetector
from farwatch.domain.registry import Zone


def build(zones: Sequence[Zone]) -> list[PictureDetector]:
    """Fresh detectors for one camera: a rule with no zone of its purpose costs nothing; its health is always watched."""
    ground = [zone for zone in zones if zone.purpose == "ground"]
    above = [zone for zone in zones if zone.purpose in ("sky", "stack")]
    scene = Scene([zone for zone in zones if zone.purpose == "mask"])
    detectors: list[PictureDetector] = []
    if ground:
        detectors.append(LeftObjectDetector(ground, scene=scene))
    if above:
        detectors.append(SmokeDetector(above, scene=scene))
    return [scene, *detectors, CameraHealthDetector(zones)]
