"""Role engine: findings to tasks, clocks, dispatch, notices, the numbers of the log."""

import asyncio
import logging
from contextlib import AsyncExitStack

from alerting.engine import Engine
from alerting.outbox import Outbox
from farwatch.runtime.supervision import Service, run_services
from farwatch.storage import leases, readings
from farwatch.storage.database import PASSING_ERRORS as DATABASE_ERRORS
from farwatch.storage.database import transaction
from farwatch.storage.sequencer import sequence_once
from server.city import CityCache, LiveSecrets, notice_channels
from server.roles.shared import checked_pool, holder
from server.settings import Settings

log = logging.getLogger(__name__)

SEQUENCE_EVERY_S = 0.05
PARTITIONS_EVERY_S = 6 * 3600.0


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Findings to tasks, clocks, notices, the log's numbers. Stands by while another process holds the role."""
    async with AsyncExitStack() as stack:
        pool = await checked_pool(stack, settings, size=8)
        lease = await stack.enter_async_context(leases.hold(settings.database_url, "engine", holder()))
        channels = LiveSecrets(settings.data_dir, notice_channels)
        engine = Engine(pool, lease, CityCache(pool).current, channels)
        outbox = Outbox(pool, lease, channels)

        async def sequence() -> None:
            while True:
                if not await sequence_once(pool, lease):
                    await asyncio.sleep(SEQUENCE_EVERY_S)

        async def keep_partitions() -> None:
            while True:
                async with transaction(pool) as connection:
                    await readings.ensure_partitions(connection)
                await asyncio.sleep(PARTITIONS_EVERY_S)

        log.info("the engine runs", extra={"event": "engine_running", "epoch": lease.epoch})
        await run_services(
            [
                Service(
                    name="engine", run=lambda: engine.run(settings.database_url), passing=DATABASE_ERRORS
                ),
                Service(name="sequencer", run=sequence, passing=DATABASE_ERRORS),
                Service(
                    name="outbox", run=lambda: outbox.run(settings.database_url), passing=DATABASE_ERRORS
                ),
                Service(name="partitions", run=keep_partitions, passing=DATABASE_ERRORS),
            ],
            stop,
        )
