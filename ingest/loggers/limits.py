"""What one connection of a logger may cost, and when it has had its time. Pure."""

from dataclasses import dataclass, field
from typing import TypeVar


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggerLimits:
    """`idle_s`: without a frame that was taken; `introduce_within_s`: until the first such; `frame_within_s`: from a
    frame's first byte to its last; `write_within_s`: for the other side to read what we send. A connection is read no
    further while `frames_waiting` of its frames wait for their commit, or while `frames_waiting_in_all` of all connections do
    and one of them is its own, and ends after `refused_frames` in a row; an address that sends nothing
    else makes no new one for `rest_s`."""

    connections: int = 4000
    connections_per_address: int = 500
    idle_s: float = 900.0
    introduce_within_s: float = 60.0
    frame_within_s: float = 30.0
    write_within_s: float = 10.0
    frames_waiting: int = 64
    frames_waiting_in_all: int = 10_000
    refused_frames: int = 100
    rest_s: float = 30.0


V = TypeVar("V")

REFUSED_FRAMES = "refused_frames"
MOST_RESTING = 10_000
LONG_BYTES = 1024
"""What the standard allows a frame."""


@dataclass(slots=True)
class Resting:
    """Addresses that send nothing but refused frames, over however many connections, and until when nobody listens to them: who
    is cut off and comes again at once would cost more than all others together."""

    _refused: dict[str, int] = field(default_factory=dict)
    _until_s: dict[str, float] = field(default_factory=dict)

    def ended(self, address: str, age: "ConnectionAge", limits: LoggerLimits, now_s: float) -> bool:
        """A connection of the address has ended; whether the address rests from now on. A connection of which a frame was taken
        makes up for those before."""
        earlier = self._refused.pop(address, 0)
        refused = age.refused_in_a_row + (earlier if age.taken_at_s is None else 0)
        if refused >= limits.refused_frames:
            _put(self._until_s, address, now_s + limits.rest_s)
            return True
        if refused:
            _put(self._refused, address, refused)
        return False

    def lasts(self, address: str, now_s: float) -> bool:
        return now_s < self._until_s.get(address, now_s)

    def __len__(self) -> int:
        return len(self._until_s) + len(self._refused)


def _put(into: dict[str, V], address: str, value: V) -> None:
    """As the newest; of very many the oldest is forgotten."""
    into.pop(address, None)
    into[address] = value
    if len(into) > MOST_RESTING:
        del into[next(iter(into))]


@dataclass(slots=True)
class ConnectionAge:
    """What has happened on one connection, in seconds of a clock that never goes back."""

    began_s: float
    taken_at_s: float | None = None
    frame_began_at_s: float | None = None
    write_stalled_at_s: float | None = None
    refused_in_a_row: int = 0

    def took(self, now_s: float) -> None:
        self.taken_at_s = now_s
        self.refused_in_a_row = 0

    def refused(self, size_bytes: int = 0) -> None:
        """A long frame costs as much as several, and counts as so many."""
        self.refused_in_a_row += 1 + size_bytes // LONG_BYTES

    def is_refused(self, limits: LoggerLimits) -> bool:
        """Nothing but refused frames has come for so long that nothing else will."""
        return self.refused_in_a_row >= limits.refused_frames

    def unfinished(self, now_s: float, *, is_held: bool, went_on: bool) -> None:
        """`is_held`: a part of a frame waits for its rest; `went_on`: whole ones came before it in the same bytes."""
        if not is_held:
            self.frame_began_at_s = None
        elif self.frame_began_at_s is None or went_on:
            self.frame_began_at_s = now_s

    def paused(self, now_s: float) -> None:
        """We do not read: no silence of the other side counts."""
        if self.taken_at_s is not None:
            self.taken_at_s = now_s
        else:
            self.began_s = now_s
        if self.frame_began_at_s is not None:
            self.frame_began_at_s = now_s

    def over(self, limits: LoggerLimits, now_s: float) -> str | None:
        """Why the connection is to end, by name; None while it may go on."""
        if self.write_stalled_at_s is not None and now_s - self.write_stalled_at_s > limits.write_within_s:
            return "write_stalled"
        if self.is_refused(limits):
            return REFUSED_FRAMES
        if self.frame_began_at_s is not None and now_s - self.frame_began_at_s > limits.frame_within_s:
            return "frame_unfinished"
        if self.taken_at_s is None:
            return "no_introduction" if now_s - self.began_s > limits.introduce_within_s else None
        return "idle" if now_s - self.taken_at_s > limits.idle_s else None
