"""A camera that sends more than any camera does: it would take its worker's time from all others. Pure."""

from ingest.rtsp.errors import Problem, RtspError

MOST_FRAMES_S, MOST_FRAMES_AT_ONCE = 250, 2500
"""Five times what the fastest cameras show; at once a minute and more of one that waited in buffers while nobody read."""
MOST_PACKETS_S, MOST_PACKETS_AT_ONCE = 20_000, 40_000
"""Of 1,400 bytes these are 220 Mbit/s, ten times a 4K camera's; of 16 bytes a sixth of a core."""


class Flood:
    """Counts `what`: on the average `most_s` in a second, and no more than `most_at_once` beyond that."""

    def __init__(self, what: str, most_s: float, most_at_once: float) -> None:
        self._what = what
        self._most_s = most_s
        self._most_at_once = most_at_once
        self._level = 0.0
        self._at_s: float | None = None

    def add(self, count: int, now_s: float) -> None:
        """`now_s` is any clock that does not go back. Raises RtspError(PROTOCOL) when it is too much."""
        passed_s = 0.0 if self._at_s is None else now_s - self._at_s
        self._at_s = now_s
        self._level = max(0.0, self._level - passed_s * self._most_s) + count
        if self._level > self._most_at_once:
            raise RtspError(Problem.PROTOCOL, f"more than {self._most_s:g} {self._what} in a second")
