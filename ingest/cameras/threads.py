"""Threads that decode: each camera's work in them is on the page that the watcher of this process reads."""

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from farwatch.runtime.clock import Clock
from farwatch.runtime.vitals import Vitals

LOOK_WITHIN_S = 8.0
"""A batch of fifty 1080p frames takes half a second of a core; who needs this long is stuck."""

P = ParamSpec("P")
T = TypeVar("T")


class CameraThreads(Executor):
    """One camera's view of the pool: what it submits must end within LOOK_WITHIN_S of its beginning."""

    def __init__(self, camera: str, pool: ThreadPoolExecutor, vitals: Vitals, clock: Clock) -> None:
        self._camera = camera
        self._pool = pool
        self._vitals = vitals
        self._clock = clock

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        return self._pool.submit(self._watched, fn, *args, **kwargs)

    def _watched(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._vitals.job(self._camera, self._clock.monotonic() + LOOK_WITHIN_S):
            return fn(*args, **kwargs)
