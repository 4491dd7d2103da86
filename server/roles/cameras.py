"""Role cameras: a share of the cameras, read, decoded and looked at."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import NoReturn

from detectors.vision.registry import build
from farwatch.domain.share import Share
from farwatch.runtime import heap
from farwatch.runtime.clock import Clock, SystemClock
from farwatch.runtime.processes import stand_behind
from farwatch.runtime.supervision import Service, run_services
from farwatch.runtime.vitals import Vitals
from farwatch.storage import heartbeats, leases
from farwatch.storage.database import PASSING_ERRORS as DATABASE_ERRORS
from farwatch.storage.database import Pool
from ingest.cameras import metrics
from ingest.cameras.patrol import PatrolSettings
from ingest.cameras.server_line import SENDING_ERRORS, RefusedError, ServerAddress, ServerLine
from ingest.cameras.worker import CameraWorker
from server.city import LiveSecrets, camera_accounts
from server.roles.shared import blob_store, checked_pool, holder, watch_clock
from server.settings import Settings, SettingsError

log = logging.getLogger(__name__)

BEAT_EVERY_S, TELL_EVERY_S = 0.5, 5.0
NICENESS = 5
"""Where cores are short the monitors' roles, the pages and the database come first: a camera never delays anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """What `serve` tells a worker: where its vitals are read, what it replaces, and which cameras rest for so many seconds."""

    vitals: int | None = None
    replaces: str | None = None
    rests: Mapping[str, float] = field(default_factory=dict)


async def run(settings: Settings, share: Share, life: Life, stop: asyncio.Event) -> None:
    """Its share of the cameras: read, decoded, looked at, evidence cut. Stands by while another process holds the share."""
    stand_behind(NICENESS)
    clock, vitals = SystemClock(), Vitals(life.vitals)
    if life.replaces:
        metrics.WORKERS_REPLACED.labels(life.replaces).inc()
    server = await _checked_server(settings, share)
    async with AsyncExitStack() as stack:
        pool = await checked_pool(stack, settings, size=4)
        worker = CameraWorker(
            pool=pool,
            data_dir=settings.data_dir,
            clock=clock,
            detectors=build,
            credentials=LiveSecrets(settings.data_dir, camera_accounts),
            share=share,
            connects_per_s=settings.camera_connects_per_s,
            decode_share=settings.camera_decode_share,
            hwaccel=settings.camera_hwaccel,
            patrol=PatrolSettings(slots=settings.camera_patrol_slots, dwell_s=settings.camera_patrol_dwell_s),
            vitals=vitals,
            rests=life.rests,
            blobs=None if server else blob_store(settings),
            server=server,
        )
        group = await stack.enter_async_context(asyncio.TaskGroup())
        stack.callback(group.create_task(_beat(vitals, worker, clock), name="beat").cancel)
        await stack.enter_async_context(leases.hold_share(settings.database_url, share, holder()))
        log.info("cameras %s are watched", share, extra={"event": "cameras_watched", "share": str(share)})
        trim = heap.trimmer()
        await run_services(
            [
                *([Service(name="heap", run=lambda: heap.keep_trimmed(trim))] if trim else ()),
                Service(name="cameras", run=worker.run, passing=DATABASE_ERRORS),
                Service(name="heartbeat", run=lambda: _tell(pool, share), passing=DATABASE_ERRORS),
                Service(name="clock watch", run=lambda: watch_clock(pool, clock), passing=DATABASE_ERRORS),
            ],
            stop,
        )


async def _checked_server(settings: Settings, share: Share) -> ServerAddress | None:
    """Where the bytes go, if not into this machine's own store. Raises SettingsError for a token that is not of this share."""
    if settings.server_url is None or settings.worker_token is None:
        return None
    address = ServerAddress(settings.server_url, settings.worker_token)
    line = ServerLine(address)
    try:
        theirs = await asyncio.to_thread(line.shares)
    except RefusedError as refused:
        if not refused.is_passing:
            raise SettingsError(f"FARWATCH_WORKER_TOKEN: the server says {refused}") from None
    except SENDING_ERRORS as error:
        log.warning("the server does not answer yet: %s: %s", type(error).__name__, error)
    else:
        if str(share) not in theirs:
            raise SettingsError(
                f"FARWATCH_WORKER_TOKEN is of the cameras' share {', '.join(theirs)}, not {share}"
            )
    finally:
        line.close()
    return address


async def _tell(pool: Pool, share: Share) -> NoReturn:
    """By the database, for people: which shares are watched."""
    while True:
        await heartbeats.beat_share(pool, share)
        await asyncio.sleep(TELL_EVERY_S)


async def _beat(vitals: Vitals, worker: CameraWorker, clock: Clock) -> NoReturn:
    """By its loop for the watcher: also while it stands by."""
    while True:
        vitals.beat(clock.monotonic(), worker.watched)
        await asyncio.sleep(BEAT_EVERY_S)
