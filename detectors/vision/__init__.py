"""What a camera's pictures mean: rules over zones, one file a rule. `build` is the way in."""

from detectors.vision.registry import build

__all__ = ["build"]
