"""RTP packets that came as datagrams, put back in order: a buffer without I/O, bounded by count and by time.

On a quiet network nothing waits: a packet in its turn passes at once, what comes early waits for what is missing.
"""

from datetime import datetime, timedelta

from ingest.rtsp.rtp import unwrap

HOLD = timedelta(milliseconds=200)
"""Missing for longer, a packet is given up: twice what a busy city network delays one packet behind its neighbours."""
MOST_HELD = 256
"""A key frame of 300 kB; more than that behind a missing packet is a loss, not a delay."""
_BEGAN_ANEW = 3000
"""Sequence numbers that are further apart belong to a stream that began anew (RFC 3550 §A.1, MAX_DROPOUT)."""
_SEQUENCE_AT = slice(2, 4)
_SHORTEST_PACKET = 12


class Reordering:
    """`late` counts packets that came again or after they had been given up: they are dropped."""

    def __init__(self, hold: timedelta = HOLD, most_held: int = MOST_HELD) -> None:
        self.late = 0
        self._hold = hold
        self._most_held = most_held
        self._next: int | None = None
        self._waiting: dict[int, tuple[bytes, datetime]] = {}

    def push(self, packet: bytes, now: datetime) -> list[bytes]:
        """The packets whose turn it is. A gap that is given up is for the reader of the numbers to notice."""
        if len(packet) < _SHORTEST_PACKET:
            return []
        number = int.from_bytes(packet[_SEQUENCE_AT], "big")
        if self._next is None:
            self._next = number
        number = unwrap(number, 16, self._next)
        if not self._waiting and number == self._next:
            self._next += 1
            return [packet]
        if abs(number - self._next) > _BEGAN_ANEW:
            return self._begin_anew(packet, number)
        if number < self._next or number in self._waiting:
            self.late += 1
            return []
        self._waiting[number] = packet, now
        return self._take_turns() + self.give_up(now)

    def give_up(self, now: datetime) -> list[bytes]:
        """What no longer waits for the packets missing before it, because it did so for too long or too much is waiting."""
        ready: list[bytes] = []
        while self._waiting and (len(self._waiting) > self._most_held or self._has_waited(now)):
            self._next = min(self._waiting)
            ready += self._take_turns()
        return ready

    def _has_waited(self, now: datetime) -> bool:
        first = next(
            iter(self._waiting.values())
        )  # the longest here, as packets are kept in the order they came
        return not timedelta() <= now - first[1] <= self._hold  # none where the wall clock was set back

    def _take_turns(self) -> list[bytes]:
        assert self._next is not None
        ready: list[bytes] = []
        while (held := self._waiting.pop(self._next, None)) is not None:
            ready.append(held[0])
            self._next += 1
        return ready

    def _begin_anew(self, packet: bytes, number: int) -> list[bytes]:
        ready = [self._waiting[waiting][0] for waiting in sorted(self._waiting)]
        self._waiting.clear()
        self._next = number + 1
        return [*ready, packet]
