"""Whether somebody looks at a camera just now: the age of a file that the web process touches for its viewers."""

from pathlib import Path

from farwatch.runtime.clock import Clock

FRESH_S = 10.0
LOOK_EVERY_S = 1.0


class LiveWish:
    """Looks at the file once a second at most, however often it is asked."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._looked_s: float | None = None
        self._is_fresh = False

    def is_fresh(self) -> bool:
        now_s = self._clock.monotonic()
        if self._looked_s is None or now_s - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = now_s
            self._is_fresh = abs(self._age_s()) < FRESH_S  # of the future: the clock was set back
        return self._is_fresh

    def _age_s(self) -> float:
        try:
            return self._clock.now().timestamp() - self._path.stat().st_mtime
        except FileNotFoundError:
            return float("inf")
