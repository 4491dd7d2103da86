"""How fast cameras are connected to, at a start of hundreds and when a switch comes back."""

import asyncio
from collections.abc import Callable

from farwatch.runtime.clock import Clock
from ingest.cameras.watching import Reader
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import CodedFrame, StreamDescription

LOOK_UP_EVERY_S = 1.0


class Pace:
    """Turns at most `per_s` a second, in the order of asking; after a rest a few at once. Pure."""

    def __init__(self, per_s: float) -> None:
        self._each_s = 1 / per_s
        self._at_once_s = min(1.0, 5 * self._each_s)
        self._next_s = 0.0

    def turn(self, now_s: float) -> float:
        """Seconds to wait for the turn that is taken by asking."""
        self._next_s = max(self._next_s, now_s - self._at_once_s) + self._each_s
        return max(0.0, self._next_s - self._each_s - now_s)


class PacedReader:
    """Opens in its turn and not before `not_before_s`; meanwhile `waiting` is called about each second."""

    def __init__(
        self,
        reader: Reader,
        pace: Pace,
        clock: Clock,
        *,
        not_before_s: float,
        waiting: Callable[[], None] | None,
    ) -> None:
        self._reader = reader
        self._pace = pace
        self._clock = clock
        self._not_before_s = not_before_s
        self._waiting = waiting

    @property
    def clock_offset_s(self) -> float | None:
        return self._reader.clock_offset_s

    async def open(self) -> StreamDescription:
        """Raises RtspError; while the camera rests with the reason RESTING."""
        if self._clock.monotonic() < self._not_before_s:
            raise RtspError(Problem.RESTING, "its pictures have stopped this worker more than once")
        wait_s = self._pace.turn(self._clock.monotonic())
        while wait_s > 0:
            if self._waiting:
                self._waiting()
            await asyncio.sleep(min(wait_s, LOOK_UP_EVERY_S))
            wait_s -= LOOK_UP_EVERY_S
        return await self._reader.open()

    async def read(self) -> list[CodedFrame]:
        return await self._reader.read()

    async def close(self) -> None:
        await self._reader.close()
