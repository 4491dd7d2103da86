"""Role intake: monitors in, judged, committed, acknowledged."""

import asyncio
import gc
from contextlib import AsyncExitStack

from detectors.sensors.judge import LimitJudge
from detectors.sensors.silence import GATEWAY_RULE, RULE, judge_silence
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.processes import allow_open_files
from farwatch.runtime.supervision import Service, run_services
from farwatch.storage import leases
from farwatch.storage.database import PASSING_ERRORS as DATABASE_ERRORS
from ingest import mqtt
from ingest.curves import Curves
from ingest.intake import Intake
from ingest.silence import SilenceWatch
from server.city import CityCache, LiveSecrets, station_secrets
from server.roles.loggers import LoggerHouse
from server.roles.shared import blob_store, checked_pool, holder, watch_clock
from server.settings import Settings, SettingsError

_FULL_COLLECTIONS_EVERY = 1000
"""Of the middle generation's. A full one looks at every channel of the city, 20,000 of them in 60 ms, and nothing is taken
meanwhile; by Python's own number (10) there are several a minute."""


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """MQTT and TCP in, judged, committed, acknowledged. Stands by while another process holds the role."""
    if settings.mqtt_url is None and settings.hj212_listen is None:
        raise SettingsError("role intake needs FARWATCH_MQTT_URL or FARWATCH_HJ212_LISTEN")
    allow_open_files()
    gc.set_threshold(*gc.get_threshold()[:2], _FULL_COLLECTIONS_EVERY)
    clock = SystemClock()
    secrets = LiveSecrets(settings.data_dir, station_secrets)
    async with AsyncExitStack() as stack:
        pool = await checked_pool(stack, settings, size=8)
        lease = await stack.enter_async_context(leases.hold(settings.database_url, "intake", holder()))
        intake = Intake(pool, lease, LimitJudge(), clock, secrets)
        await intake.resume()
        loggers = LoggerHouse(settings, pool, lease, intake, secrets, clock)
        subscription = loggers.subscription
        is_connected = loggers.is_listening if subscription is None else lambda: subscription.is_connected
        curves = Curves(pool, blob_store(settings), clock)
        silence = SilenceWatch(
            pool, lease, clock, rule=RULE, gateway_rule=GATEWAY_RULE, judge=judge_silence,
            city=CityCache(pool).current, is_connected=is_connected,
        )  # fmt: skip
        # Beside the work, not before it: a take-over must not wait for it.
        group = await stack.enter_async_context(asyncio.TaskGroup())
        looking = group.create_task(_look_at_broker(settings))
        await run_services(
            [
                *_mqtt(subscription),
                *loggers.services(),
                Service(
                    name="city watch", run=lambda: intake.watch_city(is_connected), passing=DATABASE_ERRORS
                ),
                Service(name="clock watch", run=lambda: watch_clock(pool, clock), passing=DATABASE_ERRORS),
                Service(name="silence watch", run=silence.run, passing=DATABASE_ERRORS),
                Service(name="curves", run=curves.run, passing=DATABASE_ERRORS),
            ],
            stop,
        )
        looking.cancel()


def _mqtt(subscription: mqtt.Subscription | None) -> list[Service]:
    if subscription is None:
        return []
    return [Service(name="mqtt", run=subscription.run_once, passing=mqtt.PASSING_ERRORS, longest_delay_s=5.0)]


async def _look_at_broker(settings: Settings) -> None:
    if settings.mqtt_url is not None:
        await mqtt.warn_of_small_limits(settings.mqtt_url, settings.mqtt_client_id)
