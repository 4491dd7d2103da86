"""Which frames of a camera are worth decoding now. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from ingest.cameras.ring import Ring
from ingest.rtsp.frames import CodedFrame

KEYS_FAR_APART_S = 2.2
"""Key frames every two seconds, with a tenth of tolerance, are close enough to live on them alone."""
SHOW_EVERY_S = 0.18
"""Detectors see five pictures a second at most; the tenth less is for the jitter of arrival."""
LONGEST_BATCH = 50
LONGEST_BACKLOG = 100
"""Frames (four seconds at 25 a second): who is further behind goes on from the last key frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Frames to decode in order. `restart`: they begin at a key frame; `alone`: it is one key frame, nothing follows.

    `skipped` pictures were passed over because the decoder could not keep up.
    """

    frames: tuple[CodedFrame, ...]
    restart: bool
    alone: bool
    skipped: int


class Attention:
    """Key frames only, unless a detector wants every frame or key frames are far apart."""

    def __init__(self) -> None:
        self._next = 0
        self._going_on = False
        self._key_at: datetime | None = None

    def broken(self) -> None:
        """The decoder lost its thread: nothing can follow before the next key frame."""
        self._going_on = False

    def take(self, ring: Ring, *, wants_every_frame: bool) -> Batch | None:
        """What to decode next; None when there is nothing new."""
        if wants_every_frame or ring.key_gap_s > KEYS_FAR_APART_S:
            return self._take_every(ring)
        return self._take_key(ring)

    def _take_key(self, ring: Ring) -> Batch | None:
        number = ring.last_key
        if number is None or number < self._next:
            return None
        frames = ring.from_number(number, 1)
        if self._key_at is not None and frames[0].received_at - self._key_at < timedelta(
            seconds=SHOW_EVERY_S
        ):
            return None
        skipped = ring.keys_between(self._next, number)
        self._next, self._going_on, self._key_at = number + 1, False, frames[0].received_at
        return Batch(frames=frames, restart=True, alone=True, skipped=skipped)

    def _take_every(self, ring: Ring) -> Batch | None:
        key = ring.last_key
        if key is None:
            return None
        start, restart = self._next, False
        behind = ring.end - self._next > LONGEST_BACKLOG and key > self._next
        if not self._going_on or self._next < ring.first or behind:
            start, restart = key, True
        frames = tuple(takewhile(_is_whole, ring.from_number(start, LONGEST_BATCH)))
        if start + len(frames) <= self._next:
            self._going_on = self._going_on and self._next == ring.end
            return None
        skipped = max(0, start - self._next)
        self._next, self._going_on = start + len(frames), True
        return Batch(frames=frames, restart=restart, alone=False, skipped=skipped)


def _is_whole(frame: CodedFrame) -> bool:
    return not frame.damaged
