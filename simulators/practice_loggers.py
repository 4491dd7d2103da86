"""`farwatch simulate loggers`: data loggers for a bureau to practise against its real server."""

import asyncio
import logging
from collections.abc import Sequence

from farwatch.runtime.clock import Clock
from farwatch.runtime.supervision import Service, run_services
from ingest.hj212.packet import Dialect
from simulators.city_names import ChannelPlan, OutletPlan
from simulators.logger_device import LoggerDevice, LoggerIdentity
from simulators.loggers import PASSING_ERRORS, Logger
from simulators.monitor_line import HISTORY_HOURS, HISTORY_MINUTES
from simulators.monitors import Monitor

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
USUAL = {"a19001": 8.0, "a01012": 120.0, "a01011": 12.0, "a01014": 9.0, "w01001": 7.2}
USUAL_ELSE = 20.0


async def run_loggers(
    host: str,
    port: int,
    identities: Sequence[LoggerIdentity],
    codes: Sequence[str],
    clock: Clock,
    *,
    period_s: float,
    stop: asyncio.Event,
) -> None:
    """Until `stop`. Each keeps a day of hours and an hour of minutes, which it sends when it is asked for them; the log says
    whether the platform acknowledges what it sends by itself."""
    log.info(
        "%d loggers for %s:%d: values every %g s, minutes and hours as they end",
        len(identities),
        host,
        port,
        period_s,
    )
    loggers = [_logger(identity, codes, clock, period_s) for identity in identities]
    lines = [
        Service(
            name=f"logger {logger.device.identity.mn}",
            run=lambda logger=logger: logger.run_once(host, port),  # type: ignore[misc]
            passing=PASSING_ERRORS,
        )
        for logger in loggers
    ]
    lots = Lots([logger.device for logger in loggers])
    told = Service(name="what became of it", run=lambda: _tell(lots))
    await run_services([*lines, told], stop)


ACKNOWLEDGED = "the platform acknowledges its minutes and hours"
UNACKNOWLEDGED = (
    "nobody acknowledges its minutes: is the station in the registry, are password, key, source and dialect its own?"
    " farwatch_dead_letters_total and farwatch_hj212_frames_turned_away_total name the reason"
)


class Lots:
    """Whether each logger is acknowledged, as far as anything has shown it."""

    def __init__(self, devices: Sequence[LoggerDevice]) -> None:
        self._devices = devices
        self._seen = {device.identity.mn: (0, 0) for device in devices}
        self._lot: dict[str, bool] = {}

    def changed(self) -> dict[str, bool]:
        """By MN, what has turned out, or turned, since the last call."""
        news: dict[str, bool] = {}
        for device in self._devices:
            mn = device.identity.mn
            acknowledged, given_up = self._seen[mn]
            self._seen[mn] = device.acknowledged, device.given_up
            if device.acknowledged > acknowledged:
                news[mn] = True
            elif device.given_up > given_up:
                news[mn] = False
        news = {mn: lot for mn, lot in news.items() if self._lot.get(mn) is not lot}
        self._lot |= news
        return news


async def _tell(lots: Lots) -> None:
    while True:
        for mn, is_acknowledged in lots.changed().items():
            if is_acknowledged:
                log.info("logger %s: %s", mn, ACKNOWLEDGED)
            else:
                log.warning("logger %s: %s", mn, UNACKNOWLEDGED)
        await asyncio.sleep(LOOK_EVERY_S)


def dialect_of(number: int) -> Dialect:
    """Raises ValueError for a version that HJ 212 does not have."""
    for known in (2005, 2017, 2025):
        if number == known:
            return known
    raise ValueError(f"{number} is not 2005, 2017 or 2025")


def _logger(identity: LoggerIdentity, codes: Sequence[str], clock: Clock, period_s: float) -> Logger:
    channels = tuple(
        ChannelPlan(code=code, unit="", limit=None, usual=USUAL.get(code, USUAL_ELSE)) for code in codes
    )
    monitor = Monitor(identity.mn, OutletPlan(name=identity.mn, medium="air", channels=channels), seed=1)
    device = LoggerDevice(identity)
    device.remember(monitor.history(clock.now(), hours=HISTORY_HOURS, minutes=HISTORY_MINUTES))
    return Logger(device, monitor.step, clock, period_s=period_s)
