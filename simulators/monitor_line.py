"""The city's monitors on a real broker: each publishes in its own moment of every period, until cancelled."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

from farwatch.runtime.clock import Clock
from ingest.mqtt import open_publisher
from ingest.payloads import Measurement, encode
from simulators.city import City
from simulators.monitors import Faults, Monitor, through
from simulators.timeline import At, silent, told

HISTORY_HOURS, HISTORY_MINUTES = 24, 60
HISTORY_AFTER_S = 20.0
"""The story's time; by then the intake has subscribed, also on a slow machine."""


Publish = Callable[[str, bytes], Awaitable[None]]


class MonitorLine:
    """All monitors of a city but those `without` (MNs) over one connection. The story's time starts with the first `run_once`."""

    def __init__(
        self,
        city: City,
        story: Sequence[At],
        clock: Clock,
        *,
        seed: int,
        period_s: float = 5.0,
        faults: Faults | None = None,
        without: frozenset[str] = frozenset(),
    ) -> None:
        self._city, self._story, self._clock = city, story, clock
        self._period_s = period_s
        self._faults = faults or Faults()
        self._rng = random.Random(f"line/{seed}")
        self._monitors = [Monitor(s.mn, city.plans[s.mn], seed) for s in city.stations if s.mn not in without]
        self._began: float | None = None
        self._history_owed = True
        self._held: list[tuple[float, Measurement]] = []

    @property
    def told_s(self) -> float:
        """How far the story is; 0 before it began."""
        return 0.0 if self._began is None else self._clock.monotonic() - self._began

    async def run_once(self, url: str) -> None:
        """One connection to the broker; the story begins or goes on. Raises ingest.mqtt.PASSING_ERRORS when it is lost."""
        async with open_publisher(url) as publish:
            if self._began is None:
                self._began = self._clock.monotonic()
            while True:
                if self._history_owed and self.told_s >= HISTORY_AFTER_S:
                    await self._send_history(publish)
                for monitor in self._monitors:
                    await self._send(publish, monitor)
                    await asyncio.sleep(self._period_s / len(self._monitors))

    async def _send_history(self, publish: Publish) -> None:
        """A day of hours and an hour of minutes, so that curves do not begin empty."""
        now = self._clock.now()
        for monitor in self._monitors:
            for measurement in monitor.history(now, hours=HISTORY_HOURS, minutes=HISTORY_MINUTES):
                await publish(*encode(measurement))
        self._history_owed = False

    async def _send(self, publish: Publish, monitor: Monitor) -> None:
        story_s = self.told_s
        made = monitor.step(self._clock.now(), told(self._city, self._story, story_s).get(monitor.mn))
        if monitor.mn not in silent(self._city, self._story, story_s):
            self._held += [
                (story_s + s.after_s, s.measurement) for s in through(self._faults, self._rng, made)
            ]
        due = [m for due_s, m in self._held if due_s <= story_s]
        self._held = [(due_s, m) for due_s, m in self._held if due_s > story_s]
        for measurement in due:
            await publish(*encode(measurement))
