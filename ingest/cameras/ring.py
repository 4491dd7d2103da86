"""The last seconds of a camera's stream, still packetised. Pure."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from ingest.cameras.slabs import Laid, Slabs
from ingest.rtsp.frames import CodedFrame, passed

KEEP_S = 20.0
KEEP_GROUND_S = 32.0
"""What was left on the ground counts only after it lay there for a while; the clip begins ten seconds before that."""
MAX_BYTES = 48 << 20


@dataclass(frozen=True, slots=True)
class _Group:
    """Where decoding can begin: a whole key frame's number and arrival. `came` is the ring's own time, which is never set."""

    number: int
    received_at: datetime
    came: timedelta


class Ring:
    """Frames of at least the last `keep_s` seconds, from a whole key frame on, in at most `max_bytes` of memory.

    Frames are numbered from 0 in the order they came. Frames before the first whole key frame are not kept. When one
    group of pictures alone is over the bound, `overflows` counts it, and until the next key frame there is only the newest half of
    it, for a decoder that is going on: nothing else can begin there. `keep_s` may be set at any time.
    """

    def __init__(self, *, clock_rate: int, keep_s: float = KEEP_S, max_bytes: int = MAX_BYTES) -> None:
        self.keep_s = keep_s
        self.size_bytes = 0
        self.overflows = 0
        self._clock_rate = clock_rate
        self._max_bytes = max_bytes
        self._slabs = Slabs()
        self._frames: deque[CodedFrame] = deque()
        self._groups: deque[_Group] = deque()
        self._first = 0
        self._last_gap = 0
        self._key_time: int | None = None
        self._now = timedelta()

    @property
    def end(self) -> int:
        """The number that the next frame will have."""
        return self._first + len(self._frames)

    @property
    def first(self) -> int:
        """The number of the oldest frame that is kept."""
        return self._first

    @property
    def last_key(self) -> int | None:
        """The number of the newest whole key frame."""
        return self._groups[-1].number if self._groups else None

    @property
    def newest_at(self) -> datetime | None:
        """When the newest frame came."""
        return self._frames[-1].received_at if self._frames else None

    @property
    def recovers(self) -> bool:
        """True when the newest key frame gives a whole picture only with the frames that follow it."""
        return self.last_key is not None and self._frames[self.last_key - self._first].recovery_frames > 0

    @property
    def key_gap_s(self) -> float:
        """Seconds between the last two key frames, or since the last one when that is longer already."""
        if self._key_time is None:
            return 0.0
        return max(self._last_gap, self._frames[-1].rtp_time - self._key_time) / self._clock_rate

    def append(self, frame: CodedFrame) -> CodedFrame:
        """The frame as it is kept; whoever keeps it longer shares its memory."""
        if self.newest_at is not None:
            self._now += passed(self.newest_at, frame.received_at)
        if frame.is_key and not frame.damaged:
            if self._key_time is not None:
                self._last_gap = frame.rtp_time - self._key_time
            self._key_time = frame.rtp_time
            self._groups.append(_Group(self.end, frame.received_at, self._now))
        elif self._key_time is None:
            self._first += 1
            return frame
        frame = self._slabs.lay(frame)
        self._frames.append(frame)
        self.size_bytes += frame_bytes(frame)
        self._let_go()
        return frame

    def from_number(self, number: int, limit: int | None = None) -> tuple[CodedFrame, ...]:
        """Frames from `number` on, at most `limit`; number must not be older than `first`."""
        start = max(0, number - self._first)
        return tuple(islice(self._frames, start, None if limit is None else start + limit))

    def from_last_key(self) -> tuple[CodedFrame, ...]:
        return () if self.last_key is None else self.from_number(self.last_key)

    def since(self, at: datetime) -> tuple[CodedFrame, ...]:
        """From the last whole key frame at or before `at`, or as far back as the ring goes."""
        if not self._groups:
            return ()
        start = self._groups[0].number
        for group in self._groups:
            if group.received_at > at:
                break
            start = group.number
        return self.from_number(start)

    def keys_between(self, number: int, end: int) -> int:
        """How many whole key frames have a number in [number, end)."""
        return sum(1 for group in self._groups if number <= group.number < end)

    def _let_go(self) -> None:
        keep_from = self._now - timedelta(seconds=self.keep_s)
        while len(self._groups) > 1 and (
            self._groups[1].came <= keep_from or self.size_bytes > self._max_bytes
        ):
            self._groups.popleft()
            self._drop_before(self._groups[0].number)
        if self.size_bytes > self._max_bytes and self._groups:
            self._drop_before(self._groups[0].number)  # what an overflow has left
        if self.size_bytes > self._max_bytes:
            self.overflows += len(self._groups)
            self._groups.clear()
            while self.size_bytes > self._max_bytes // 2:
                self._drop_before(self._first + 1)

    def _drop_before(self, number: int) -> None:
        while self._first < number:
            self.size_bytes -= frame_bytes(self._frames.popleft())
            self._first += 1


def frame_bytes(frame: CodedFrame) -> int:
    """What it takes of memory, with the objects that hold it: measured, 316 bytes beside a packet of two, 735 beside a hundred."""
    packets = frame.packets
    size = packets.size_bytes if isinstance(packets, Laid) else sum(map(len, packets))
    return size + 4 * len(packets) + 336
