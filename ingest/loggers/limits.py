"""What one connection of a logger may cost, and when it has had its time. Pure."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggerLimits:
    """`idle_s`: without a frame that was taken; `introduce_within_s`: until the first such; `frame_within_s`: from a
    frame's first byte to its last; `write_within_s`: for the other side to read what we send. A connection is read no
    further while `frames_waiting` of its frames wait for their commit, or while `frames_waiting_in_all` of all connections do
    and one of them is its own, and ends after `refused_frames` in a row."""

    connections: int = 4000
    connections_per_address: int = 500
    idle_s: float = 900.0
    introduce_within_s: float = 60.0
    frame_within_s: float = 30.0
    write_within_s: float = 10.0
    frames_waiting: int = 64
    frames_waiting_in_all: int = 10_000
    refused_frames: int = 100


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

    def refused(self) -> None:
        self.refused_in_a_row += 1

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
        if self.refused_in_a_row >= limits.refused_frames:
            return "refused_frames"
        if self.frame_began_at_s is not None and now_s - self.frame_began_at_s > limits.frame_within_s:
            return "frame_unfinished"
        if self.taken_at_s is None:
            return "no_introduction" if now_s - self.began_s > limits.introduce_within_s else None
        return "idle" if now_s - self.taken_at_s > limits.idle_s else None
