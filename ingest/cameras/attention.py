"""Which frames of a camera are worth decoding now. Pure."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from itertools import takewhile

from ingest.cameras.ring import Ring
from ingest.rtsp.frames import CodedFrame, is_due

KEYS_FAR_APART_S = 2.2
"""Key frames every two seconds, with a tenth of tolerance, are close enough to live on them alone."""
SHOW_EVERY_S = 0.18
"""Five pictures a second at most; the tenth less is for the jitter of arrival."""
QUIET_EVERY_S = 1.8
"""Where nothing moves a picture in two seconds is enough, less a tenth ..."""
AWAKE_EVERY_S = 0.8
"""... and where something does, one in every second."""
LONGEST_BATCH = 50
LONGEST_BACKLOG = 100
"""Frames (four seconds at 25 a second): who is further behind goes on from the last key frame."""


class Want(IntEnum):
    """How much is to be seen of a camera, the most that anybody wants."""

    QUIET = 0
    """Nothing moves."""
    KEYS = 1
    """Something moves that key frames show well enough."""
    CURIOUS = 2
    """Something begins."""
    NEEDED = 3
    """Key frames do not do: a suspicion, a viewer, or key frames that are far apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Frames to decode in order. `restart`: they begin at a key frame; `alone`: it is one key frame, nothing follows.

    `skipped` pictures were passed over because the decoder could not keep up. Pictures are to be shown `show_every_s`
    apart; None: only the last.
    """

    frames: tuple[CodedFrame, ...]
    restart: bool
    alone: bool
    skipped: int
    show_every_s: float | None = SHOW_EVERY_S


class Attention:
    """Key frames only, unless every frame is wanted, or key frames are far apart: then all up to now every two seconds."""

    def __init__(self) -> None:
        self._next = 0
        self._going_on = False
        self._shown_at: datetime | None = None

    def broken(self) -> None:
        """The decoder lost its thread: nothing can follow before the next key frame."""
        self._going_on = False

    def needs_more_than_keys(self, ring: Ring) -> bool:
        """A picture in two seconds cannot be had from whole key frames."""
        return ring.key_gap_s > KEYS_FAR_APART_S or ring.recovers

    def take(self, ring: Ring, want: Want, *, may_decode_all: bool) -> Batch | None:
        """What to decode next; None when there is nothing new. Without `may_decode_all` there are key frames only."""
        if may_decode_all and want >= Want.CURIOUS:
            return self._take_every(ring, SHOW_EVERY_S)
        if may_decode_all and self.needs_more_than_keys(ring):
            return self._take_every(ring, None)
        # Whoever passes over a key frame waits for the next: together no more than two seconds.
        can_pass = want is Want.QUIET and 2 * ring.key_gap_s <= KEYS_FAR_APART_S
        return self._take_key(ring, QUIET_EVERY_S if can_pass else AWAKE_EVERY_S)

    def _take_key(self, ring: Ring, every_s: float) -> Batch | None:
        number = ring.last_key
        if number is None or number < self._next:
            return None
        frames = ring.from_number(number, 1)
        if not is_due(self._shown_at, frames[0].received_at, every_s):
            return None
        skipped, at = 0, frames[0].received_at
        if self._shown_at is not None:
            missed_turns = int((at - self._shown_at).total_seconds() / every_s) - 1
            skipped = min(ring.keys_between(self._next, number), max(0, missed_turns))
        self._next, self._going_on, self._shown_at = number + 1, False, at
        return Batch(frames=frames, restart=True, alone=True, skipped=skipped)

    def _take_every(self, ring: Ring, show_every_s: float | None) -> Batch | None:
        key = ring.last_key
        start, restart = self._next, False
        behind = ring.end - self._next > LONGEST_BACKLOG and key is not None and key > self._next
        if not self._going_on or self._next < ring.first or behind:
            if key is None:
                return None
            start, restart = key, True
        newest_at, every_s = ring.newest_at, show_every_s or QUIET_EVERY_S
        if not restart and (newest_at is None or not is_due(self._shown_at, newest_at, every_s)):
            return None
        limit = LONGEST_BATCH if show_every_s else LONGEST_BACKLOG
        frames = tuple(takewhile(_is_whole, ring.from_number(start, limit)))
        if start + len(frames) <= self._next:
            self._going_on = self._going_on and self._next == ring.end
            return None
        skipped = max(0, start - self._next) if self._going_on else 0
        self._next, self._going_on, self._shown_at = start + len(frames), True, frames[-1].received_at
        return Batch(frames=frames, restart=restart, alone=False, skipped=skipped, show_every_s=show_every_s)


def _is_whole(frame: CodedFrame) -> bool:
    return not frame.damaged
