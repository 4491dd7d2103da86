"""Sends what the outbox holds. Apart from the engine's rounds, so that a slow messenger delays no clock, and from channel to
channel, so that a slow one delays no other."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from alerting import digests, metrics, notifying, rate
from alerting.actions import NowReader
from alerting.channels import SEND_TIMEOUT_S, Address, Channel, Failed, Sent
from alerting.engine import Lease, Loader
from alerting.letters import Letters
from alerting.notifying import Reach
from farwatch.domain.policy import ChannelRule, NoticeRule
from farwatch.storage import notice_attempts
from farwatch.storage.database import PASSING_ERRORS, Connection, Pool, transaction
from farwatch.storage.heartbeats import database_now
from farwatch.storage.listening import listening
from farwatch.storage.notice_attempts import ChannelState, Queued

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
GATHER_S = 0.1
"""What was decided together is planned together, and the pages come first."""
AT_ONCE = 4
"""Messages under way in one channel."""
LOST_AFTER_S = SEND_TIMEOUT_S * 3
Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Outbox:
    """`addresses` maps channels' names to what a messenger needs; it may change at any time."""

    def __init__(
        self,
        pool: Pool,
        lease: Lease,
        load: Loader,
        addresses: Mapping[str, Address],
        channel: Channel,
        letters: Letters,
        now: NowReader = database_now,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._load = load
        self._addresses = addresses
        self._channel = channel
        self._letters = letters
        self._now = now
        self._under_way: Counter[str] = Counter()

    async def run(self, url: str) -> None:
        """For ever. What is under way outlives a lost connection to the database."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    await self._session(url, group.create_task)
                except PASSING_ERRORS as error:
                    log.warning("the outbox failed, trying again: %s: %s", type(error).__name__, error)
                    await asyncio.sleep(LOOK_EVERY_S)

    async def _session(self, url: str, spawn: Spawn) -> None:
        async with listening(url, "farwatch_outbox") as woken:
            while True:
                woken.clear()
                if await self.look(spawn, done=woken.set):
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await woken.wait()
                await asyncio.sleep(GATHER_S)

    async def tick(self) -> int:
        """Plans and sends what is due, and waits until it is settled; returns how much there was."""
        async with asyncio.TaskGroup() as group:
            return await self.look(group.create_task)

    async def look(self, spawn: Spawn, done: Callable[[], object] = lambda: None) -> int:
        """Plans what is due and has `spawn` send what may go; `done` is called whenever a channel has room again."""
        registry, policy = await self._load()
        rule = policy.notices
        async with self._transaction() as (connection, now):
            planned = await notifying.plan_due(connection, Reach(registry, rule, set(self._addresses)), now)
        async with self._transaction() as (connection, now):
            expired = await notice_attempts.expire(connection, now)
            letters = await self._claim(connection, rule, now)
        for channel, lost in expired.items():
            metrics.NOTICES.labels(channel=channel, result="expired").inc(lost)
        for letter in letters:
            self._under_way[letter[0].channel] += 1
            spawn(self._deliver(letter, done))
        return planned + len(letters)

    async def _claim(self, connection: Connection, rule: NoticeRule, now: datetime) -> list[list[Queued]]:
        """One list for each message that may go now: the notice that carries it, and those that it tells of as well."""
        states = await notice_attempts.channel_states(connection)
        rules = {channel.name: channel for channel in rule.channels}
        buckets = {
            name: _bucket(state, rules.get(name, ChannelRule(name=name)), now)
            for name, state in states.items()
        }
        shut = {name for name, bucket in buckets.items() if not rate.room(bucket, now)}
        shut |= {name for name, under_way in self._under_way.items() if under_way >= AT_ONCE}
        waiting: dict[str, list[digests.Waiting]] = {}
        for due in await notice_attempts.due(connection, now, shut):
            notice = digests.Waiting(due.id, due.target, due.step, due.urgent, due.drill_id)
            waiting.setdefault(due.channel, []).append(notice)
        letters: list[list[Queued]] = []
        retry_at = now + timedelta(seconds=LOST_AFTER_S)
        for name, notices in waiting.items():
            channel = rules.get(name, ChannelRule(name=name))
            bucket = buckets.get(name) or rate.full(channel, now)
            free = min(rate.room(bucket, now), AT_ONCE - self._under_way[name])
            parcels = digests.parcels(notices, channel.digest_from)[:free]
            letters += [
                await notice_attempts.claim(connection, p.carrier, p.carried, retry_at) for p in parcels
            ]
            await notice_attempts.put_channel(connection, name, _state(rate.spent(bucket, len(parcels))))
        return letters

    async def _deliver(self, letter: Sequence[Queued], done: Callable[[], object]) -> None:
        carrier, loop = letter[0], asyncio.get_running_loop()
        began_s = loop.time()
        try:
            outcome = await self._try(letter)
            await self._settle(carrier, outcome, round((loop.time() - began_s) * 1000))
        except PASSING_ERRORS as error:
            log.warning("notice %d may go out once more: %s", carrier.id, type(error).__name__)
        finally:
            self._under_way[carrier.channel] -= 1
            done()

    async def _try(self, letter: Sequence[Queued]) -> Sent | Failed:
        try:
            address = self._addresses.get(letter[0].channel)
            if address is None:
                return Failed("no_address")
            return await self._channel.send(address, self._letters.notice(letter))
        except Exception as error:  # noqa: BLE001 - the boundary to secrets, to rows of another version and to messengers
            return Failed(type(error).__name__)

    async def _settle(self, carrier: Queued, outcome: Sent | Failed, took_ms: int) -> None:
        async with transaction(self._pool) as connection:
            now = await self._now(connection)
            if isinstance(outcome, Sent):
                result, lost = "delivered" if outcome.delivered else "sent", 0
                await notice_attempts.settle_sent(connection, carrier.id, now, delivered=outcome.delivered)
                await notifying.reached(connection, carrier)
            else:
                lost = await self._settle_failed(connection, carrier, outcome, now)
                result = "failed" if lost else "retried"
            error = None if isinstance(outcome, Sent) else outcome.reason
            await notice_attempts.note(connection, carrier, now, result, error, took_ms)
        metrics.NOTICES.labels(channel=carrier.channel, result=result).inc(lost or 1)
        if isinstance(outcome, Sent):
            waited_s = (now - carrier.created_at).total_seconds()
            metrics.NOTICE_WAIT.labels(channel=carrier.channel).observe(max(0.0, waited_s))
        elif result == "failed":
            log.error(
                "%d notices, the first %d to %s, could not be delivered: %s",
                lost,
                carrier.id,
                carrier.target,
                outcome.reason,
            )

    async def _settle_failed(
        self, connection: Connection, carrier: Queued, outcome: Failed, now: datetime
    ) -> int:
        """How many notices were given up."""
        given_up = outcome.for_good or carrier.attempts >= rate.MOST_ATTEMPTS
        wait_s = outcome.retry_after_s or rate.retry_after_s(carrier.attempts, carrier.key)
        retry_at = None if given_up else now + timedelta(seconds=wait_s)
        lost = await notice_attempts.settle_failed(
            connection, carrier.id, outcome.reason, now, retry_at, for_good=outcome.for_good
        )
        if outcome.too_many:
            until = rate.banned(now, outcome.retry_after_s)
            await notice_attempts.block_channel(connection, carrier.channel, until)
        return lost

    @contextlib.asynccontextmanager
    async def _transaction(self) -> AsyncIterator[tuple[Connection, datetime]]:
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            yield connection, await self._now(connection)


def _bucket(state: ChannelState, rule: ChannelRule, now: datetime) -> rate.Bucket:
    return rate.refilled(rate.Bucket(state.tokens, state.at, state.blocked_until), rule, now)


def _state(bucket: rate.Bucket) -> ChannelState:
    return ChannelState(bucket.tokens, bucket.at, bucket.blocked_until)
