"""What a camera looks at, seen once for all its rules, and whether something begins there that it does not usually do.

Leaves and roads move all day: a cell of the picture that changes often is a habit, and a habit begins nothing. Light that
changes all over is undone by its median. What stays where it came is scenery after a while.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import cv2
import numpy as np

from detectors.vision.frames import Cover, Frame, Mask, Plane, as_plane, reduce
from farwatch.domain.picture import Picture, Sighting
from farwatch.domain.registry import Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneSettings:
    """Levels are of 0-255; a cell is 8 x 8 px of the working frame."""

    threshold_levels: float = 10.0
    """A change counts over this plus the pixel's own flicker ..."""
    noise_factor: float = 3.0
    """... times this: a smoothed pixel of a still scene under H.264 flickers by 1-3."""
    cell_share: float = 0.12
    """A cell with this share of its pixels changed is busy: a grown person at 50 m fills a quarter of one."""
    least_cells: int = 2
    habit: float = 0.25
    """Busy for a greater share of the time than this is what a cell usually does."""
    habit_s: float = 120.0
    learn_s: float = 20.0
    """Time constant of the background; what stays is scenery after two of them."""
    strange_share: float = 0.5
    """More of the picture changed at once is another scene or another light, and learnt anew."""
    pause_s: float = 60.0
    """After a longer pause the scene is learnt anew."""
    settle_s: float = 10.0
    """For so long after it is learnt anew nothing begins: exposures settle."""
    awake_s: float = 8.0
    """So long after the last busy cell the scene is quiet again."""
    burst_s: float = 6.0
    """What begins is looked at closely for so long ..."""
    calm_s: float = 10.0
    """... and not again before nothing unusual was seen for so long."""


class Scene:
    """One camera's view. `look` gives each picture's working frame, computed once however many rules ask for it."""

    rule = "scene"
    version = "1"

    def __init__(self, masks: Sequence[Zone] = (), settings: SceneSettings | None = None) -> None:
        self._settings = settings or SceneSettings()
        self._cover = Cover([zone.polygon for zone in masks])
        self._model: _Model | None = None
        self._at: datetime | None = None
        self._learnt_at: datetime | None = None
        self._busy_at: datetime | None = None
        self._new_at: datetime | None = None
        self._began_at: datetime | None = None

    def look(self, picture: Picture) -> Frame | None:
        """The working frame without what is masked; None for a picture that no rule can work on."""
        if self not in picture.shared:
            picture.shared[self] = reduce(picture, self._cover)
        frame = picture.shared[self]
        assert frame is None or isinstance(frame, Frame)
        return frame

    @property
    def is_quiet(self) -> bool:
        """Nothing has moved for a while: one picture in two seconds shows all there is."""
        return not self._is_within(self._busy_at, self._settings.awake_s) and self._is_settled()

    @property
    def wants_every_frame(self) -> bool:
        """Something begins that does not belong to this scene."""
        return self._is_within(self._began_at, self._settings.burst_s)

    def observe(self, picture: Picture) -> list[Sighting]:
        """Takes the picture in; a scene by itself is no violation."""
        frame = self.look(picture)
        if frame is not None:
            self._take(frame)
        return []

    def _take(self, frame: Frame) -> None:
        s, before = self._settings, self._at
        step_s = (frame.at - before).total_seconds() if before else 0.0
        self._at = frame.at
        flat = _halved(frame.flat)
        if self._model is None or self._model.shape != flat.shape or not 0 <= step_s <= s.pause_s:
            self._restart(flat, frame.at)
            return
        busy = self._model.busy_cells(flat)
        if float(busy.mean()) > s.strange_share:
            self._restart(flat, frame.at)
            return
        unusual = busy & (self._model.habit < s.habit)
        self._model.learn(flat, busy, step_s)
        if busy.any():
            self._busy_at = frame.at
        if self._is_settled() and int(np.count_nonzero(unusual)) >= s.least_cells:
            if not self._is_within(self._new_at, s.calm_s):
                self._began_at = frame.at
            self._new_at = frame.at

    def _restart(self, flat: Plane, at: datetime) -> None:
        habit = self._model.habit if self._model is not None else None
        self._model = _Model(flat, self._settings, habit)
        self._learnt_at = at
        self._busy_at = self._new_at = self._began_at = None

    def _is_settled(self) -> bool:
        return self._learnt_at is not None and not self._is_within(self._learnt_at, self._settings.settle_s)

    def _is_within(self, since: datetime | None, seconds: float) -> bool:
        if since is None or self._at is None:
            return False
        return 0 <= (self._at - since).total_seconds() < seconds


class _Model:
    """Slow background and flicker per pixel, habit per cell."""

    def __init__(self, flat: Plane, settings: SceneSettings, habit: Plane | None) -> None:
        self._settings = settings
        self._background = flat.copy()
        self._noise: Plane = np.full(flat.shape, 1.5, dtype=np.float32)
        self._apart: Plane = np.zeros(flat.shape, dtype=np.float32)
        size = _cells(flat.shape)
        kept = habit is not None and habit.shape == (size[1], size[0])
        self.habit: Plane = habit if kept and habit is not None else np.zeros((size[1], size[0]), np.float32)

    @property
    def shape(self) -> tuple[int, int]:
        return self._background.shape[0], self._background.shape[1]

    def busy_cells(self, flat: Plane) -> Mask:
        change = as_plane(cv2.subtract(flat, self._background))
        change -= np.median(change[::2, ::2])
        self._apart = np.abs(change)
        limit = self._settings.threshold_levels + self._settings.noise_factor * self._noise
        changed = (self._apart > limit).astype(np.float32)
        share = cv2.resize(changed, _cells(self.shape), interpolation=cv2.INTER_AREA)
        busy: Mask = share >= self._settings.cell_share
        return busy

    def learn(self, flat: Plane, busy: Mask, step_s: float) -> None:
        s = self._settings
        rate = min(1.0, step_s / s.learn_s)
        cv2.accumulateWeighted(flat, self._background, rate)
        cv2.accumulateWeighted(np.minimum(self._apart, np.float32(12.0)), self._noise, 0.5 * rate)
        share = np.float32(min(1.0, step_s / s.habit_s))
        self.habit += share * (busy - self.habit)


def _halved(plane: Plane) -> Plane:
    rows, columns = plane.shape
    return as_plane(cv2.resize(plane, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA))


def _cells(shape: tuple[int, int]) -> tuple[int, int]:
    """Columns and rows of cells of 4 x 4 px (8 x 8 of the working frame)."""
    return max(1, shape[1] // 4), max(1, shape[0] // 4)
