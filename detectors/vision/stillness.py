"""What has changed against the background and has stood still since: a small state machine per pixel.

A pixel shows its background, or a candidate (something else that stays), or neither (something moves there). Time with the
candidate in view counts for it, time with something else in front counts half against it, time with the background in view
counts four times against it: a passer-by in front of a bag does not wipe out the bag, taking the bag away does.

The first picture may show somebody: what was in view for a moment only gives way to what stays in its place.
"""

from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from detectors.vision.frames import Frame, Mask, Plane, as_plane, smooth
from detectors.vision.lighting import Light, fit_light


@dataclass(frozen=True, slots=True, kw_only=True)
class StillnessSettings:
    """Grey levels are of 0-255."""

    threshold_levels: float = 9.0
    """Over the usual flicker of a smoothed pixel, which is 1-3 under H.264 at camera bit rates; a dark bag in a shadow is 10-20."""
    noise_factor: float = 2.5
    """Added to the threshold per level of the pixel's own usual flicker (leaves, screens)."""
    most_noise_levels: float = 12.0
    """Flicker beyond this does not raise the threshold further: a lamp must not blind a pixel."""
    chroma_factor: float = 2.0
    """Chroma of real objects spans about half of luma's range, so its differences count double."""
    sure_s: float = 1.0
    """What was in view for less than this after the first picture ..."""
    instead_s: float = 3.0
    """... is no background where something else stays this long ..."""
    beginning_s: float = 60.0
    """... in the first minute."""
    learn_s: float = 60.0
    """Time constant with which a background in view follows slow changes."""
    most_s: float = 60.0
    """Support is capped, so that what stood for hours does not take hours to be gone."""
    history: int = 40
    """Masks of change kept, `history_step_s` apart: enough to look back over a dwell and what came before it."""
    history_step_s: float = 0.8
    step_limit_s: float = 10.0
    """Pictures are at most 10 s apart in service; more than that was not watched and counts as 10 s."""


class StillnessModel:
    """Background, candidate and its support for one size of picture. Luma is kept in the light of the background."""

    def __init__(self, frame: Frame, settings: StillnessSettings) -> None:
        self._settings = settings
        self.background = _smooth(frame)
        self.candidate = self.background.copy()
        self.support_s: Plane = np.zeros(frame.shape, dtype=np.float32)
        self.age_s: Plane = np.zeros(frame.shape, dtype=np.float32)
        self.noise: Plane = np.full(frame.shape, 1.5, dtype=np.float32)
        self._shown_s: Plane | None = np.zeros(frame.shape, dtype=np.float32)
        self._limit = self._threshold()
        self._now = self._distance = self.background
        self.light = Light()
        self._history: deque[tuple[float, npt.NDArray[np.uint8]]] = deque(maxlen=settings.history)
        self._clock_s = 0.0
        self._has_support = False
        self.changed: Mask = np.zeros(frame.shape, dtype=bool)

    @property
    def shape(self) -> tuple[int, int]:
        return self.support_s.shape[0], self.support_s.shape[1]

    @property
    def is_calm(self) -> bool:
        """In the frame last taken in all was background, and nothing has support."""
        return not self._has_support and not self.changed.any()

    def compare(self, frame: Frame) -> float:
        """Set `light` and `changed` for a new frame; the share of pixels that the light does not explain."""
        self._now = _smooth(frame)
        self.light = fit_light(self._now[0], self.background[0])
        self._now[0] = self.light.undo(self._now[0])
        self._distance = self._apart(self._now, self.background)
        self.changed = self._distance > self._limit
        return float(np.count_nonzero(self.changed) / self.changed.size)

    def learn(self, step_s: float) -> None:
        """Take in the frame last compared, `step_s` after the one before."""
        s, step_s = self._settings, min(step_s, self._settings.step_limit_s)
        near_change = np.asarray(cv2.dilate(self.changed.view(np.uint8), np.ones((7, 7), np.uint8)))
        calm = (near_change == 0).view(np.uint8)
        where = self._where_something_stands()
        self._has_support = where is not None and self._weigh(where, step_s)
        self._begin(step_s)
        rate = min(1.0, step_s / s.learn_s)
        for now, background in zip(self._now, self.background, strict=True):
            cv2.accumulateWeighted(now, background, rate, mask=calm)
        cv2.accumulateWeighted(self._distance, self.noise, min(0.5, 2 * rate), mask=calm)
        self._limit = self._threshold()
        self._remember(step_s)

    def _where_something_stands(self) -> tuple[slice, slice] | None:
        """The box around all that changed or still has support; outside of it nothing is to be weighed."""
        alive = self.changed | (self.support_s > 0) if self._has_support else self.changed
        left, top, width, height = cv2.boundingRect(alive.view(np.uint8))
        return np.s_[top : top + height, left : left + width] if width else None

    def _weigh(self, where: tuple[slice, slice], step_s: float) -> bool:
        """Support, age and candidate of the pixels in `where`; True while any of them has support."""
        now, candidate = self._now[:, *where], self.candidate[:, *where]
        support_s, age_s, changed = self.support_s[where], self.age_s[where], self.changed[where]
        stays = changed & (self._apart(now, candidate) <= self._limit[where])
        moving = changed & ~stays
        weight = np.where(stays, np.float32(1.0), np.where(moving, np.float32(-0.5), np.float32(-4.0)))
        support_s += np.float32(step_s) * weight
        fresh = moving & (support_s <= 0)
        np.clip(support_s, 0.0, self._settings.most_s, out=support_s)
        np.copyto(candidate, now, where=fresh)
        candidate += np.float32(0.3) * stays * (now - candidate)
        age_s += step_s
        age_s[fresh | (support_s <= 0)] = 0.0
        return bool(support_s.any())

    def _begin(self, step_s: float) -> None:
        """What stays where the background was hardly seen is the background."""
        if self._shown_s is None:
            return
        self._shown_s[~self.changed] += step_s
        stays = (self._shown_s < self._settings.sure_s) & (self.support_s >= self._settings.instead_s)
        if stays.any():
            self._take_over(stays)
            self._shown_s[stays] = self._settings.sure_s
        if self._clock_s >= self._settings.beginning_s:
            self._shown_s = None

    def rest(self) -> None:
        """Let go of the frame last compared: a megabyte a camera until the next one."""
        self._now = self._distance = self.background

    def scenes(self, box: tuple[slice, slice]) -> tuple[Plane, Plane]:
        """The background in `box` and the frame last compared, in the background's light (3, rows, columns each)."""
        return self.background[:, *box], self._now[:, *box]

    def was_changed(self, oldest_s: float, newest_s: float) -> Mask:
        """Pixels that were not background in some picture between so many seconds ago."""
        found = np.zeros(self.shape, dtype=bool)
        for clock_s, packed in self._history:
            if oldest_s >= self._clock_s - clock_s >= newest_s:
                found |= self._unpacked(packed)
        return found

    def likeness(self, region: Mask, box: tuple[slice, slice], newest_s: float) -> float:
        """How well the changed pixels in `box` matched `region` (intersection over union): the worst of the pictures of the
        last `newest_s`, at least two."""
        inside = region[box]
        late = [packed for clock_s, packed in self._history if self._clock_s - clock_s <= newest_s]
        if len(late) < 2:
            late = [packed for _, packed in list(self._history)[-2:]]
        parts = [self._unpacked(packed)[box] for packed in late]
        return min(float((part & inside).sum() / max(1, (part | inside).sum())) for part in parts)

    def absorb(self, region: Mask) -> None:
        """What stands in `region` is background from now on, and so is the faint fringe around it."""
        rim = cv2.dilate(region.astype(np.uint8), np.ones((9, 9), np.uint8)).astype(bool) & ~self.changed
        self.background[:, rim] = self._now[:, rim]
        self._take_over(region)

    def _take_over(self, region: Mask) -> None:
        self.background[:, region] = self.candidate[:, region]
        self.support_s[region] = 0.0

    def _remember(self, step_s: float) -> None:
        self._clock_s += step_s
        if not self._history or self._clock_s - self._history[-1][0] >= self._settings.history_step_s:
            self._history.append((self._clock_s, np.packbits(self.changed)))

    def _unpacked(self, packed: npt.NDArray[np.uint8]) -> Mask:
        return np.unpackbits(packed, count=self.changed.size).reshape(self.shape).view(bool)

    def _threshold(self) -> Plane:
        s = self._settings
        limit: Plane = np.minimum(self.noise, np.float32(s.most_noise_levels))
        limit *= np.float32(s.noise_factor)
        limit += np.float32(s.threshold_levels)
        return limit

    def _apart(self, a: Plane, b: Plane) -> Plane:
        luma, u, v = (cv2.absdiff(one, other) for one, other in zip(a, b, strict=True))
        chroma = as_plane(cv2.max(u, v)) * np.float32(self._settings.chroma_factor)
        return as_plane(cv2.max(luma, chroma))


def _smooth(frame: Frame) -> Plane:
    return np.stack([frame.flat, smooth(frame.u), smooth(frame.v)])
