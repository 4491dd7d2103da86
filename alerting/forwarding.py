"""Tells programs outside every event of the log, in its order: signed CloudEvents, at least once, each channel by itself."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerting import metrics, rate
from alerting.actions import NowReader
from alerting.channels import Address, Channel, Failed, Message, Sent
from alerting.channels.cloud_event import cloud_event
from alerting.engine import Lease, Loader
from alerting.outbox import Spawn
from farwatch.storage import events, log_reader, webhook_cursors
from farwatch.storage.database import PASSING_ERRORS, Pool, transaction
from farwatch.storage.heartbeats import database_now
from farwatch.storage.listening import listening
from farwatch.storage.log_reader import LogEntry

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
BATCH = 100
SET_ASIDE = "event_set_aside"


@dataclass(slots=True)
class _Course:
    """How one channel fares: `rests_until_s` by the loop's clock, after so many `failures` in a row."""

    under_way: bool = False
    failures: int = 0
    rests_until_s: float = 0.0


@dataclass(slots=True)
class Forwarder:
    """To each channel that the policy marks with `events`, from its own cursor on; a new one begins with what happens from now
    on. `source` names this service in the events."""

    pool: Pool
    lease: Lease
    load: Loader
    addresses: Mapping[str, Address]
    channel: Channel
    source: str
    now: NowReader = database_now
    _courses: dict[str, _Course] = field(default_factory=dict)
    _names: frozenset[str] | None = None

    async def run(self, url: str) -> None:
        """For ever. What is under way outlives a lost connection to the database."""
        async with asyncio.TaskGroup() as group:
            while True:
                try:
                    await self._session(url, group.create_task)
                except PASSING_ERRORS as error:
                    log.warning("events to programs outside stopped: %s: %s", type(error).__name__, error)
                    await asyncio.sleep(LOOK_EVERY_S)

    async def _session(self, url: str, spawn: Spawn) -> None:
        async with listening(url, log_reader.CHANNEL) as woken:
            while True:
                woken.clear()
                await self.look(spawn, done=woken.set)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await woken.wait()

    async def tick(self) -> None:
        """Tells every channel that does not rest one batch, and waits for it."""
        async with asyncio.TaskGroup() as group:
            await self.look(group.create_task)

    async def look(self, spawn: Spawn, done: Callable[[], object] = lambda: None) -> None:
        _, policy = await self.load()
        await self._configure(frozenset(rule.name for rule in policy.notices.channels if rule.events))
        now_s = asyncio.get_running_loop().time()
        for name in (rule.name for rule in policy.notices.channels if rule.events):
            course = self._courses.setdefault(name, _Course())
            if name in self.addresses and not course.under_way and now_s >= course.rests_until_s:
                course.under_way = True
                spawn(self._forward(name, course, done))

    async def _configure(self, names: frozenset[str]) -> None:
        if names != self._names:
            async with transaction(self.pool) as connection:
                await self.lease.check(connection)
                await webhook_cursors.configure(connection, names)
            self._names = names

    async def _forward(self, name: str, course: _Course, done: Callable[[], object]) -> None:
        try:
            told, failed = await self._batch(name)
        except PASSING_ERRORS as error:
            log.warning("events for %s wait for the database: %s", name, type(error).__name__)
            told, failed = 0, True
        finally:
            course.under_way = False
        course.failures = course.failures + 1 if failed and not told else int(failed)
        if failed:
            wait_s = rate.retry_after_s(min(course.failures, rate.MOST_ATTEMPTS), name)
            course.rests_until_s = asyncio.get_running_loop().time() + wait_s
        elif told == BATCH:
            done()

    async def _batch(self, name: str) -> tuple[int, bool]:
        """How many events are behind it, in order, and whether it failed to take the one after them."""
        cursor = await webhook_cursors.get(self.pool, name)
        if cursor is None:
            await self._keep(name, await log_reader.last_n(self.pool))
            return 0, False
        entries = await log_reader.after(self.pool, cursor, BATCH)
        address, told = self.addresses.get(name), 0
        failed: Failed | None = None
        for message in await self._messages(entries):
            outcome = await self._send(address, message) if address else Failed("no_address")
            result = "failed" if isinstance(outcome, Failed) else "delivered"
            metrics.WEBHOOK_EVENTS.labels(channel=name, result=result).inc()
            if isinstance(outcome, Failed):
                log.warning("%s does not take events: %s", name, outcome.reason)
                failed = outcome
                break
            told += 1
        if told:
            await self._keep(name, entries[told - 1].n)
        if failed and failed.refused:
            told += await self._refused(name, entries[told], failed.reason)
        return told, failed is not None

    async def _refused(self, name: str, entry: LogEntry, reason: str) -> bool:
        """Is the event set aside now? It is when it was refused as often as a notice is tried at most. The log hears of it, but not
        when what was set aside told only that: a receiver that refuses everything would never be done."""
        async with transaction(self.pool) as connection:
            await self.lease.check(connection)
            if await webhook_cursors.refused(connection, name) < rate.MOST_ATTEMPTS:
                return False
            await webhook_cursors.set_aside(connection, name, entry.n, await self.now(connection))
            if entry.event["type"] != SET_ASIDE:
                await events.append(connection, SET_ASIDE, channel=name, entry=entry.n, reason=reason)
        log.error("%s never took event %d: %s; it is set aside", name, entry.n, reason)
        metrics.WEBHOOK_EVENTS.labels(channel=name, result="set_aside").inc()
        return True

    async def _send(self, address: Address, message: Message) -> Sent | Failed:
        try:
            return await self.channel.send(address, message)
        except Exception as error:  # noqa: BLE001 - the boundary to programs outside and the libraries that speak to them
            return Failed(type(error).__name__)

    async def _keep(self, name: str, n: int) -> None:
        async with transaction(self.pool) as connection:
            await self.lease.check(connection)
            await webhook_cursors.put(connection, name, n, await self.now(connection))

    async def _messages(self, entries: Sequence[LogEntry]) -> list[Message]:
        said = [entry.event for entry in entries]
        people = await webhook_cursors.ids_of(self.pool, {e["actor"] for e in said if e.get("actor")})
        drills = await webhook_cursors.drills_of(self.pool, {e.task for e in entries if e.task is not None})
        return [
            _message(entry, event, people, drills, self.source)
            for entry, event in zip(entries, said, strict=True)
        ]


def _message(
    entry: LogEntry,
    event: dict[str, object],
    people: Mapping[str, str],
    drills: Mapping[int, str],
    source: str,
) -> Message:
    """Accounts' names stay in the house: an officer is his id, anybody else his role."""
    actor = event.get("actor")
    drill = drills.get(entry.task) if entry.task is not None else event.get("drill")
    data = {**event, "actor": people.get(str(actor), "unknown") if actor else None, "drill": drill}
    told = cloud_event(
        type=f"farwatch.log.{event['type']}", source=source, id=f"log/{entry.n}", at=datetime.fromisoformat(str(event["at"])),
        subject=f"tasks/{entry.task}" if entry.task is not None else None, data=data,
    )  # fmt: skip
    return Message(key=f"log/{entry.n}", title="", text=entry.text, event=told)
