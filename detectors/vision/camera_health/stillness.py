"""Does the picture stand still to the last bit, although pictures come? A burnt-in clock may go on."""

import cv2
import numpy as np

from detectors.vision.camera_health.condition import Look
from detectors.vision.camera_health.measures import Measures, tile_means
from detectors.vision.camera_health.settings import HealthSettings
from detectors.vision.frames import Mask


class Frozen:
    """Holds every picture against the first of a run: sensor noise, light and leaves end such a run."""

    def __init__(self, settings: HealthSettings, watched: Mask) -> None:
        self._settings = settings
        self._watched = watched
        self._first: Measures | None = None

    def judge(self, seen: Measures) -> Look:
        first, s = self._first, self._settings
        if first is None or first.thin.shape != seen.thin.shape:
            self._first = seen
            return Look.UNCLEAR
        textured = self._watched & (first.fine >= s.frozen_texture_levels)
        if np.count_nonzero(textured) < s.least_tiles:
            self._first = seen
            return Look.UNCLEAR
        _, differs = cv2.threshold(cv2.absdiff(seen.thin, first.thin), 0, 1, cv2.THRESH_BINARY)
        same = float((tile_means(differs) <= s.frozen_changed_share)[textured].mean())
        if same >= s.frozen_share:
            return Look.BAD
        self._first = seen
        return Look.WELL if same <= s.frozen_well_share else Look.UNCLEAR
