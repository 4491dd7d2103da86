"""Role cameras: a share of the cameras, read, decoded and looked at."""

import asyncio
from contextlib import AsyncExitStack

from detectors.vision.registry import build
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.supervision import Service, run_services
from farwatch.storage.database import PASSING_ERRORS as DATABASE_ERRORS
from ingest.cameras.worker import CameraWorker, Share
from server.city import LiveSecrets, camera_accounts
from server.roles.shared import checked_pool, watch_clock
from server.settings import Settings


async def run(settings: Settings, share: str, stop: asyncio.Event) -> None:
    """The `i/n` share of the cameras: read, decoded, looked at, evidence cut."""
    clock = SystemClock()
    index, _, count = share.partition("/")
    async with AsyncExitStack() as stack:
        pool = await checked_pool(stack, settings, size=4)
        worker = CameraWorker(
            pool=pool,
            data_dir=settings.data_dir,
            clock=clock,
            detectors=build,
            credentials=LiveSecrets(settings.data_dir, camera_accounts),
            share=Share(int(index) - 1, int(count)),
        )
        await run_services(
            [
                Service(name="cameras", run=worker.run, passing=DATABASE_ERRORS),
                Service(name="clock watch", run=lambda: watch_clock(pool, clock), passing=DATABASE_ERRORS),
            ],
            stop,
        )
