"""`farwatch simulate loggers`: data loggers for a bureau to practise against its real server."""

import asyncio
from collections.abc import Sequence

from farwatch.runtime.clock import Clock
from farwatch.runtime.supervision import Service, run_services
from ingest.hj212.packet import Dialect
from simulators.city_names import ChannelPlan, OutletPlan
from simulators.logger_device import LoggerDevice, LoggerIdentity
from simulators.loggers import PASSING_ERRORS, Logger
from simulators.monitor_line import HISTORY_HOURS, HISTORY_MINUTES
from simulators.monitors import Monitor

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
    """Until `stop`. Each keeps a day of hours and an hour of minutes, which it sends when it is asked for them."""
    services = []
    for identity in identities:
        logger = _logger(identity, codes, clock, period_s)
        services.append(
            Service(
                name=f"logger {identity.mn}",
                run=lambda logger=logger: logger.run_once(host, port),  # type: ignore[misc]
                passing=PASSING_ERRORS,
            )
        )
    await run_services(services, stop)


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
