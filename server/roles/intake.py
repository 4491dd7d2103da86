"""Role intake: monitors in, judged, committed, acknowledged."""

import asyncio
from contextlib import AsyncExitStack

from detectors.sensors.judge import LimitJudge
from detectors.sensors.silence import RULE, judge_silence
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.supervision import Service, run_services
from farwatch.storage import leases
from farwatch.storage.database import PASSING_ERRORS as DATABASE_ERRORS
from ingest import mqtt
from ingest.curves import Curves
from ingest.intake import Intake
from ingest.silence import SilenceWatch
from server.city import CityCache
from server.roles.shared import blob_store, checked_pool, holder, watch_clock
from server.settings import Settings, SettingsError


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """MQTT in, judged, committed, acknowledged. Stands by while another process holds the role."""
    if settings.mqtt_url is None:
        raise SettingsError("FARWATCH_MQTT_URL is not set, and role intake needs a broker")
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        pool = await checked_pool(stack, settings, size=6)
        lease = await stack.enter_async_context(leases.hold(settings.database_url, "intake", holder()))
        intake = Intake(pool, lease, LimitJudge(), clock)
        await intake.resume()
        subscription = mqtt.Subscription(settings.mqtt_url, settings.mqtt_client_id, intake.take)
        curves = Curves(pool, blob_store(settings), clock)
        silence = SilenceWatch(
            pool, lease, clock, rule=RULE, judge=judge_silence, city=CityCache(pool).current,
            is_connected=lambda: subscription.is_connected,
        )  # fmt: skip
        # Beside the work, not before it: a take-over must not wait for it.
        group = await stack.enter_async_context(asyncio.TaskGroup())
        looking = group.create_task(mqtt.warn_of_small_limits(settings.mqtt_url, settings.mqtt_client_id))
        await run_services(
            [
                Service(
                    name="mqtt", run=subscription.run_once, passing=mqtt.PASSING_ERRORS, longest_delay_s=5.0
                ),
                Service(
                    name="city watch",
                    run=lambda: intake.watch_city(lambda: subscription.is_connected),
                    passing=DATABASE_ERRORS,
                ),
                Service(name="clock watch", run=lambda: watch_clock(pool, clock), passing=DATABASE_ERRORS),
                Service(name="silence watch", run=silence.run, passing=DATABASE_ERRORS),
                Service(name="curves", run=curves.run, passing=DATABASE_ERRORS),
            ],
            stop,
        )
        looking.cancel()
