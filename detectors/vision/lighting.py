"""How today's light differs from the light of the background, so that a cloud is not a change."""

from dataclasses import dataclass

import numpy as np

from detectors.vision.frames import Plane

_STEP = 4
"""Every fourth row and column is enough for a fit with two unknowns."""


@dataclass(frozen=True, slots=True)
class Light:
    """luma now = gain x luma of the background + offset."""

    gain: float = 1.0
    offset: float = 0.0

    def undo(self, y: Plane) -> Plane:
        return ((y - self.offset) / self.gain).astype(np.float32)

    def apply(self, y: Plane) -> Plane:
        return (y * self.gain + self.offset).astype(np.float32)


def fit_light(y: Plane, background: Plane) -> Light:
    """The gain (0.5-2) and offset of most of the picture; what differs otherwise is left out by three trimmed fits."""
    now, then = y[::_STEP, ::_STEP].ravel(), background[::_STEP, ::_STEP].ravel()
    keep = np.ones(now.size, dtype=bool)
    light = Light()
    for _ in range(3):
        a, b = now[keep], then[keep]
        if a.size < 16:
            return light
        spread = float(b.var())
        gain = float(((a - a.mean()) * (b - b.mean())).mean() / spread) if spread > 4.0 else 1.0
        gain = min(max(gain, 0.5), 2.0)
        light = Light(gain, float(np.median(a - gain * b)))
        residual = np.abs(now - light.apply(then))
        kept, keep = keep, residual <= max(3.0, 2.5 * float(np.median(residual)))
        if np.array_equal(keep, kept):
            break  # another fit would say the same
    return light
