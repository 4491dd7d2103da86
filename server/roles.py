"""Each role wired in one straight function: settings in, services under one supervisor, until `stop`."""

import asyncio
import os
import socket
from contextlib import AsyncExitStack

from detectors.sensors.judge import LimitJudge
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.supervision import Service, run_services
from farwatch.storage import leases
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import PASSING_ERRORS as DATABASE_ERRORS
from farwatch.storage.database import Pool, open_pool
from farwatch.storage.migration import require_current
from ingest import mqtt
from ingest.curves import Curves
from ingest.intake import Intake
from server.settings import Settings, SettingsError


async def _checked_pool(stack: AsyncExitStack, settings: Settings, size: int) -> Pool:
    pool = await stack.enter_async_context(open_pool(settings.database_url, size=size))
    async with pool.acquire() as connection:
        await require_current(connection)
    return pool


def _holder() -> str:
    return f"{socket.gethostname()}/{os.getpid()}"


def blob_store(settings: Settings) -> BlobStore:
    folder = settings.data_dir / "evidence"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return BlobStore(folder)


async def run_intake(settings: Settings, stop: asyncio.Event) -> None:
    """MQTT in, judged, committed, acknowledged. Stands by while another process holds the role."""
    if settings.mqtt_url is None:
        raise SettingsError("FARWATCH_MQTT_URL is not set, and role intake needs a broker")
    clock = SystemClock()
    async with AsyncExitStack() as stack:
        pool = await _checked_pool(stack, settings, size=6)
        lease = await stack.enter_async_context(leases.hold(settings.database_url, "intake", _holder()))
        intake = Intake(pool, lease, LimitJudge(), clock)
        await intake.resume()
        subscription = mqtt.Subscription(settings.mqtt_url, settings.mqtt_client_id, intake.take)
        curves = Curves(pool, blob_store(settings), clock)
        await run_services(
            [
                Service(
                    name="mqtt", run=subscription.run_once, passing=mqtt.PASSING_ERRORS, longest_delay_s=5.0
                ),
                Service(name="city watch", run=intake.watch_city, passing=DATABASE_ERRORS),
                Service(name="curves", run=curves.run, passing=DATABASE_ERRORS),
            ],
            stop,
        )
