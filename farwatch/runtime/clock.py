"""The one module that reads the clock."""

import time as _time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never go back, for ages and timeouts."""
        ...


def thread_cpu_s() -> float:
    """CPU seconds that the calling thread has spent."""
    return _time.thread_time()


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251 - this is the one place

    def monotonic(self) -> float:
        return _time.monotonic()
