"""A clip that is being collected: the ring's frames from before the onset, and what comes until the end. Pure."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from farwatch.domain.finding import Finding
from ingest.cameras.footage import Footage
from ingest.cameras.ring import MAX_BYTES, Ring, frame_bytes
from ingest.rtsp.frames import CodedFrame, StreamDescription, passed

BEFORE_S = 10.0
AFTER_S = 20.0
MOST_AT_ONCE = 4
"""Recordings of one camera; their frames are the ring's own, so a second one costs little memory."""


@dataclass(slots=True, kw_only=True)
class Recording:
    """Collects from a whole key frame on for so long as is `left` or up to `MAX_BYTES`, whichever is first.

    `short` says what ended it before its time. Time is what passes between frames: a wall clock that is set makes no clip
    longer or shorter.
    """

    clip_id: UUID
    finding_id: UUID
    onset_at: datetime
    left: timedelta
    description: StreamDescription
    frames: list[CodedFrame] = field(default_factory=list)
    size_bytes: int = 0
    is_done: bool = False
    short: str | None = None

    def add(self, frame: CodedFrame) -> None:
        if self.is_done:
            return
        if not self.frames and (not frame.is_key or frame.damaged):
            return
        if self.frames:
            self.left -= passed(self.frames[-1].received_at, frame.received_at)
        self.frames.append(frame)
        self.size_bytes += frame_bytes(frame)
        if self.left <= timedelta():
            self.is_done = True
        elif self.size_bytes > MAX_BYTES:
            self.stop("too_many_bytes")

    def stop(self, short: str | None = None) -> None:
        """The end has come: of the event (None), or of what can be had."""
        if not self.is_done:
            self.is_done, self.short = True, short

    @property
    def footage(self) -> Footage | None:
        if not self.frames:
            return None
        return Footage(
            frames=self.frames, description=self.description, onset_at=self.onset_at, short=self.short
        )


def begin(
    ring: Ring, description: StreamDescription, *, clip_id: UUID, finding: Finding, found_at: datetime
) -> Recording:
    """From ten seconds before the onset, as far as the ring goes, to twenty after it, or to now when that is later."""
    onset_at = finding.onset_at
    frames = list(ring.since(onset_at - timedelta(seconds=BEFORE_S)))
    after = timedelta(seconds=AFTER_S)
    ends_at = max(onset_at + after, found_at)
    recording = Recording(
        clip_id=clip_id, finding_id=finding.id, onset_at=onset_at, description=description, frames=frames,
        left=min(ends_at - (ring.newest_at or found_at), after), size_bytes=sum(map(frame_bytes, frames)),
    )  # fmt: skip
    if recording.left <= timedelta():
        recording.stop()
    return recording
