"""Data that lies or fails: one small rule each, put to a station's hours (domain facts §4.7). Pure."""

from detectors.sensors.quality.judge import RULES, review
from detectors.sensors.quality.scene import LOOK_BACK

__all__ = ["LOOK_BACK", "RULES", "review"]
