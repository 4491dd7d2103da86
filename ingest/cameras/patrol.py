"""More cameras than are watched at once: N of them are looked at for a while, then the next. The rota is pure."""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn, Protocol

from farwatch.runtime.clock import Clock

LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PatrolSettings:
    """`slots` cameras at once, each for `dwell_s` from its first picture on.

    One that gives no picture within `give_up_s` loses its turn; where something begins the look goes on, `longer_s` at most.
    """

    slots: int = 4
    dwell_s: float = 30.0
    give_up_s: float = 20.0
    longer_s: float = 150.0


@dataclass(frozen=True, slots=True)
class Showing:
    """`picture_s`: when its last picture was seen (-inf: never). `is_busy`: something begins, is filmed, or somebody looks.
    `is_wished`: somebody wants to see it now."""

    picture_s: float
    is_busy: bool
    is_wished: bool = False


@dataclass(slots=True)
class _Visit:
    began_s: float
    picture_s: float | None = None


class Rota:
    """Whose turn it is: longest unseen first. Pure.

    Those that somebody wishes to see go before all others, in all slots but one, and in every second turn of a single slot: however
    many are wished, the others are seen too.
    """

    def __init__(self, settings: PatrolSettings) -> None:
        self._settings = settings
        self._visits: dict[str, _Visit] = {}
        self._left_s: dict[str, float] = {}
        self._was_wish = False

    def step(self, cameras: Mapping[str, Showing], now_s: float) -> frozenset[str]:
        """The cameras that are looked at from now on. A turn ends only where another camera waits for it."""
        for id_ in [id_ for id_ in self._visits if id_ not in cameras]:
            del self._visits[id_]
        self._left_s = {id_: left_s for id_, left_s in self._left_s.items() if id_ in cameras}
        waiting = [id_ for id_ in cameras if id_ not in self._visits]
        waiting.sort(key=lambda id_: self._left_s.get(id_, -math.inf))
        for id_ in self._over(cameras, now_s)[: max(0, len(waiting) - self._free)]:
            del self._visits[id_]
            self._left_s[id_] = now_s
        while waiting and self._free:
            id_ = self._next(waiting, cameras)
            waiting.remove(id_)
            self._visits[id_] = _Visit(now_s)
            self._was_wish = cameras[id_].is_wished
        return frozenset(self._visits)

    def _next(self, waiting: Sequence[str], cameras: Mapping[str, Showing]) -> str:
        """Of those that wait, the longest unseen first."""
        slots, wishes = self._settings.slots, sum(cameras[id_].is_wished for id_ in self._visits)
        may_wish = wishes < slots - 1 or (slots == 1 and not self._was_wish)
        return next((id_ for id_ in waiting if cameras[id_].is_wished == may_wish), waiting[0])

    @property
    def _free(self) -> int:
        return max(0, self._settings.slots - len(self._visits))

    def _over(self, cameras: Mapping[str, Showing], now_s: float) -> list[str]:
        """Turns that may end, the longest first."""
        over = []
        for id_, visit in self._visits.items():
            showing = cameras[id_]
            if visit.picture_s is None and showing.picture_s >= visit.began_s:
                visit.picture_s = showing.picture_s
            if self._is_over(visit, showing, now_s):
                over.append(id_)
        return sorted(over, key=lambda id_: self._visits[id_].began_s)

    def _is_over(self, visit: _Visit, showing: Showing, now_s: float) -> bool:
        s = self._settings
        if now_s - visit.began_s >= s.dwell_s + s.longer_s:
            return True
        if visit.picture_s is None:
            return now_s - visit.began_s >= s.give_up_s
        return now_s - visit.picture_s >= s.dwell_s and not showing.is_busy


class Turn:
    """A watch's permission to be at its camera."""

    def __init__(self, *, is_on: bool) -> None:
        self._event = asyncio.Event()
        self.set(is_on)

    @property
    def is_on(self) -> bool:
        return self._event.is_set()

    def set(self, is_on: bool) -> None:
        if is_on:
            self._event.set()
        else:
            self._event.clear()

    async def wait(self) -> None:
        await self._event.wait()


class OnPatrol(Protocol):
    """What the patrol wants of a watch."""

    turn: Turn

    def showing(self) -> Showing: ...


class Patrol:
    """Gives and takes the turns of the cameras that `attend` names, for as long as `run` runs."""

    def __init__(self, settings: PatrolSettings, clock: Clock) -> None:
        self._rota = Rota(settings)
        self._clock = clock
        self._watches: dict[str, OnPatrol] = {}

    def attend(self, watches: Mapping[str, OnPatrol]) -> None:
        self._watches = dict(watches)

    async def run(self) -> NoReturn:
        while True:
            self._step(self._watches.items())
            await asyncio.sleep(LOOK_EVERY_S)

    def _step(self, watches: Iterable[tuple[str, OnPatrol]]) -> None:
        on = self._rota.step({id_: watch.showing() for id_, watch in watches}, self._clock.monotonic())
        for id_, watch in watches:
            if watch.turn.is_on != (id_ in on):
                watch.turn.set(id_ in on)
