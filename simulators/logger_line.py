"""The city's stations that speak HJ 212 over TCP: each logger its own connection, telling the same story as the others."""

from collections.abc import Callable, Sequence
from datetime import datetime

from farwatch.domain.registry import Station
from farwatch.runtime.clock import Clock
from farwatch.runtime.supervision import Service
from ingest.payloads import Measurement
from simulators.city import City
from simulators.logger_device import LoggerDevice, LoggerIdentity
from simulators.loggers import PASSING_ERRORS, Logger
from simulators.monitor_line import HISTORY_HOURS, HISTORY_MINUTES
from simulators.monitors import Monitor
from simulators.timeline import At, silent, told

ENTERPRISE = "heat"
"""Its two stacks have loggers, one of 2017 and one of 2025; all other monitors publish over MQTT."""
SYSTEMS = {"air": "31", "water": "32"}


def logger_stations(city: City) -> list[Station]:
    return city.stations_of(ENTERPRISE)


class LoggerLine:
    """`told_s` is how far the story is. What was measured before anybody listened goes up first, until it is acknowledged."""

    def __init__(
        self,
        city: City,
        story: Sequence[At],
        clock: Clock,
        *,
        seed: int,
        told_s: Callable[[], float],
        period_s: float = 5.0,
    ) -> None:
        self._city, self._story, self._clock, self._told_s = city, story, clock, told_s
        self._loggers = [
            self._logger(station, n, seed, period_s) for n, station in enumerate(logger_stations(city))
        ]

    def services(self, host: str, port: int) -> list[Service]:
        return [
            Service(
                name=f"logger {logger.device.identity.mn}",
                run=lambda logger=logger: logger.run_once(host, port),  # type: ignore[misc]
                passing=PASSING_ERRORS,
            )
            for logger in self._loggers
        ]

    def _logger(self, station: Station, n: int, seed: int, period_s: float) -> Logger:
        monitor = Monitor(station.mn, self._city.plans[station.mn], seed)
        identity = LoggerIdentity(
            mn=station.mn, dialect=(2017, 2025)[n % 2], system=SYSTEMS.get(station.medium, "31")
        )
        device = LoggerDevice(identity)
        owed = True

        def measure(now: datetime) -> list[Measurement]:
            nonlocal owed
            story_s = self._told_s()
            made = monitor.step(now, told(self._city, self._story, story_s).get(station.mn))
            if station.mn in silent(self._city, self._story, story_s):
                return []
            if owed:
                owed = False
                made = [*monitor.history(now, hours=HISTORY_HOURS, minutes=HISTORY_MINUTES), *made]
            return made

        return Logger(device, measure, self._clock, period_s=period_s)
