"""Which detectors a camera's zones ask for."""

from collections.abc import Sequence

from detectors.vision.left_object import LeftObjectDetector
from farwatch.domain.picture import PictureDetector
from farwatch.domain.registry import Zone


def build(zones: Sequence[Zone]) -> list[PictureDetector]:
    """Fresh detectors for one camera: a rule with no zone of its purpose costs nothing."""
    ground = [zone for zone in zones if zone.purpose == "ground"]
    return [LeftObjectDetector(ground)] if ground else []
