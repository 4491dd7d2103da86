"""Does the picture stand still to the last pixel, although pictures come? A burnt-in clock may go on."""

import cv2
import numpy as np

from detectors.vision.camera_health.condition import Look
from detectors.vision.camera_health.measures import TILES, Bytes, Measures, tile_means
from detectors.vision.camera_health.settings import HealthSettings
from detectors.vision.frames import Mask


class Frozen:
    """Holds every picture against the first of a run that has not moved: sensor noise, light and leaves end such a run."""

    def __init__(self, settings: HealthSettings, watched: Mask) -> None:
        self._settings = settings
        self._watched = watched
        self._first: Bytes | None = None
        self._moved: Mask = np.zeros(TILES, dtype=bool)

    def judge(self, seen: Measures) -> Look:
        if self._first is None or self._first.shape != seen.thin.shape:
            self._begin(seen)
            return Look.UNCLEAR
        s = self._settings
        apart = cv2.absdiff(seen.thin, self._first)
        _, over = cv2.threshold(apart, s.frozen_step_levels, 1.0, cv2.THRESH_BINARY)
        share = tile_means(over)
        self._moved |= (share > s.frozen_changed_share) & self._watched
        if float(self._moved.mean()) <= s.frozen_moving_tiles:
            return Look.BAD
        self._begin(seen)
        return Look.WELL

    def _begin(self, seen: Measures) -> None:
        self._first = seen.thin
        self._moved = np.zeros(TILES, dtype=bool)
