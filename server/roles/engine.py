"""Role engine: findings to tasks, clocks, dispatch, notices, the numbers of the log."""

import asyncio
import contextlib
import functools
import logging
import platform
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import NoReturn

from alerting.channels.by_scheme import ByScheme
from alerting.engine import Engine
from alerting.forwarding import Forwarder
from alerting.letters import Letters
from alerting.outbox import Outbox
from alerting.routing import Roads
from alerting.sealing import sealing, stamping
from farwatch.runtime.clock import SystemClock
from farwatch.runtime.supervision import Service, run_services
from farwatch.storage import case_reviews, leases, purging, readings, retention, worker_silence
from farwatch.storage.camera_status import STALE_AFTER_S
from farwatch.storage.database import PASSING_ERRORS as DATABASE_ERRORS
from farwatch.storage.database import Pool, transaction
from farwatch.storage.hashing import LaterHashes
from farwatch.storage.leases import Lease
from farwatch.storage.listening import listening
from farwatch.storage.sequencer import sequence_once
from server import visit_key
from server.city import CityCache, LiveSecrets, notice_addresses, notice_channels
from server.roles import side_jobs
from server.roles.shared import blob_store, checked_pool, holder
from server.settings import Settings, SettingsError

log = logging.getLogger(__name__)

NOTHING_DROPPED = retention.Dropped()
NOTHING_PURGED = purging.Purged()
SEQUENCE_EVERY_S = 0.05
PARTITIONS_EVERY_S = 6 * 3600.0
PURGE_EVERY_S = 600.0
OVERTAKEN_EVERY_S = 60.0
LOOK_FOR_WORKERS_S = 5.0


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Findings to tasks, clocks, notices, the log's numbers. Stands by while another process holds the role."""
    async with AsyncExitStack() as stack:
        pool = await checked_pool(stack, settings, size=12)
        lease = await stack.enter_async_context(leases.hold(settings.database_url, "engine", holder()))
        channels = LiveSecrets(settings.data_dir, notice_channels)
        city = CityCache(pool)
        roads = await stack.enter_async_context(Roads(settings.osrm_url, SystemClock()))
        engine = Engine(pool, lease, city.current, channels, roads=roads)
        addresses = LiveSecrets(settings.data_dir, notice_addresses)
        ways_out = await stack.enter_async_context(ByScheme.opened(SystemClock()))
        letters = letters_of(settings)
        outbox = Outbox(pool, lease, city.current, addresses, ways_out, letters)
        forwarder = Forwarder(pool, lease, city.current, addresses, ways_out, letters.source)
        clocks: dict[str, Callable[[], Awaitable[None]]] = {
            "engine": lambda: engine.run(settings.database_url),
            "sequencer": lambda: _sequence(pool, lease, settings.database_url),
            "outbox": lambda: outbox.run(settings.database_url),
            "event webhooks": lambda: forwarder.run(settings.database_url),
        }
        beside: dict[str, Callable[[], Awaitable[None]]] = {
            "partitions": lambda: _keep_partitions(pool, city),
            "camera workers": lambda: _look_for_camera_workers(pool, lease),
            "evidence quota": lambda: _keep_quota(pool, city, settings),
            "later hashes": lambda: _hash_later(pool, settings),
            "case reviews": lambda: _note_overtaken(pool, lease),
            "seals": lambda: sealing.run(pool, lease, settings.data_dir),
        }
        if authority := authority_of(settings):
            beside["time stamps"] = lambda: stamping.run(pool, authority)
        log.info("the engine runs", extra={"event": "engine_running", "epoch": lease.epoch})
        kept: dict[str, Callable[[], Awaitable[None]]] = {
            name: functools.partial(side_jobs.keep, pool, name, job) for name, job in beside.items()
        }
        services = [
            Service(name=name, run=job, passing=DATABASE_ERRORS) for name, job in (clocks | kept).items()
        ]
        await run_services(services, stop)


def letters_of(settings: Settings) -> Letters:
    """Programs outside know the service by the address that people use, or by the machine's name."""
    url = (settings.public_url or "").rstrip("/")
    try:
        secret = visit_key.ensure(settings.data_dir) if url else b""
    except (visit_key.VisitKeyError, OSError):
        log.exception("warnings go out without the link by which they are answered")
        secret = b""
    return Letters(source=url or f"//{platform.node()}/farwatch", public_url=url, secret=secret)


def authority_of(settings: Settings) -> stamping.Authority | None:
    """Raises SettingsError."""
    if settings.tsa_url is None:
        return None
    try:
        pem = settings.tsa_certificate.read_bytes() if settings.tsa_certificate else None
        return stamping.Authority(settings.tsa_url, stamping.read_certificate(pem) if pem else None)
    except (OSError, ValueError) as error:
        raise SettingsError(f"FARWATCH_TSA_CERTIFICATE {settings.tsa_certificate}: {error}") from None


async def _sequence(pool: Pool, lease: Lease, url: str) -> NoReturn:
    """Every commit that tells somebody something wakes it, so that the pages hear of it at once."""
    async with listening(url, "farwatch_outbox", "farwatch_findings") as woken:
        while True:
            woken.clear()
            if not await sequence_once(pool, lease):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(SEQUENCE_EVERY_S):
                        await woken.wait()


async def _keep_partitions(pool: Pool, city: CityCache) -> NoReturn:
    clock = SystemClock()
    while True:
        async with transaction(pool) as connection:
            await readings.ensure_partitions(connection)
        _, policy = await city.current()
        dropped = await retention.drop_old(pool, policy.retention, clock.now())
        if dropped != NOTHING_DROPPED:
            log.info("dropped what is old: %s", dropped, extra={"event": "old_dropped"})
        await asyncio.sleep(PARTITIONS_EVERY_S)


async def _look_for_camera_workers(pool: Pool, lease: Lease) -> NoReturn:
    # After an outage of the database, or of the whole machine, they are given time.
    await asyncio.sleep(STALE_AFTER_S)
    while True:
        async with transaction(pool) as connection:
            await lease.check(connection)
            await worker_silence.note(connection)
        await asyncio.sleep(LOOK_FOR_WORKERS_S)


async def _keep_quota(pool: Pool, city: CityCache, settings: Settings) -> NoReturn:
    clock, blobs = SystemClock(), await asyncio.to_thread(blob_store, settings)
    while True:
        _, policy = await city.current()
        purged = await purging.purge(
            pool, blobs, policy.evidence, policy.retention.cases_years, clock.now(), policy.n_of_m
        )
        if purged != NOTHING_PURGED:
            log.info("evidence beyond its quota: %s", purged, extra={"event": "evidence_purged"})
        await asyncio.sleep(PURGE_EVERY_S)


async def _hash_later(pool: Pool, settings: Settings) -> None:
    await LaterHashes(pool, await asyncio.to_thread(blob_store, settings)).run()


async def _note_overtaken(pool: Pool, lease: Lease) -> NoReturn:
    while True:
        async with transaction(pool) as connection:
            await lease.check(connection)
        await case_reviews.note_overtaken(pool)
        await asyncio.sleep(OVERTAKEN_EVERY_S)
