"""Sends what the outbox holds. Apart from the engine's rounds, so that a slow messenger delays no clock."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping
from datetime import timedelta

import apprise

from alerting import messages, metrics
from alerting.actions import NowReader
from alerting.engine import Lease
from farwatch.storage import notices
from farwatch.storage.database import Pool, transaction
from farwatch.storage.heartbeats import database_now
from farwatch.storage.listening import listening
from farwatch.storage.notices import Queued

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
AT_ONCE = 4
SEND_TIMEOUT_S = 10.0
RETRY_FIRST_S = 5.0
MOST_ATTEMPTS = 8
"""With doubled waits the last attempt comes some ten minutes after the first."""

Send = Callable[[str, str, str], bool]
"""(address, title, body) -> delivered. Runs in a thread, may raise anything."""


def send_by_apprise(address: str, title: str, body: str) -> bool:
    """Never follows a redirect, which could carry the address's credential to another host."""
    messenger = apprise.Apprise(asset=apprise.AppriseAsset(http_redirects=False, async_mode=False))
    return bool(messenger.add(address)) and bool(
        messenger.notify(body=body, title=title, timeout=SEND_TIMEOUT_S)
    )


class Outbox:
    """`addresses` maps the names that notices carry to what a messenger needs; it may change at any time."""

    def __init__(
        self,
        pool: Pool,
        lease: Lease,
        addresses: Mapping[str, str],
        send: Send = send_by_apprise,
        now: NowReader = database_now,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._addresses = addresses
        self._send = send
        self._now = now

    async def run(self, url: str) -> None:
        async with listening(url, "farwatch_outbox") as woken:
            while True:
                woken.clear()
                if await self.tick():
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await woken.wait()

    async def tick(self) -> int:
        """Sends what is due, a few at a time; returns how many it tried."""
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            now = await self._now(connection)
            lost_at = now + timedelta(seconds=SEND_TIMEOUT_S * 3)
            claimed = await notices.claim(connection, now, lost_at, AT_ONCE)
        async with asyncio.TaskGroup() as group:
            for notice in claimed:
                group.create_task(self._deliver(notice))
        return len(claimed)

    async def _deliver(self, notice: Queued) -> None:
        error = await self._try(notice)
        async with self._pool.acquire() as connection:
            now = await self._now(connection)
            if error is None:
                await notices.settle_sent(connection, notice.id, now)
                result = "sent"
            else:
                last = notice.attempts >= MOST_ATTEMPTS
                wait_s = None if last else RETRY_FIRST_S * 2 ** (notice.attempts - 1)
                await notices.settle_failed(connection, notice.id, error, now, wait_s)
                result = "failed" if last else "retried"
        metrics.NOTICES.labels(channel=notice.channel, result=result).inc()
        if result == "failed":
            log.error("notice %d to %s could not be delivered: %s", notice.id, notice.target, error)

    async def _try(self, notice: Queued) -> str | None:
        """None when it was delivered, else a reason that holds no address."""
        try:
            address = self._addresses.get(notice.target)
            if address is None:
                return "no_address"
            body = messages.text(notice.key, notice.params, drill=notice.drill_id is not None)
            async with asyncio.timeout(SEND_TIMEOUT_S * 1.5):
                delivered = await asyncio.to_thread(self._send, address, messages.TITLE, body)
        except TimeoutError:
            return "timeout"
        except Exception as error:  # noqa: BLE001 - the boundary to messengers' plug-ins and secrets, which raise anything
            return type(error).__name__
        return None if delivered else "refused"
