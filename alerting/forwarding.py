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
from farwatch.storage import log_reader, webhook_cursors
from farwatch.storage.database import PASSING_ERRORS, Pool, transaction
from farwatch.storage.heartbeats import database_now
from farwatch.storage.listening import listening
from farwatch.storage.log_reader import LogEntry

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
BATCH = 100


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
        now_s = asyncio.get_running_loop().time()
        for name in (rule.name for rule in policy.notices.channels if rule.events):
            course = self._courses.setdefault(name, _Course())
            if name in self.addresses and not course.under_way and now_s >= course.rests_until_s:
                course.under_way = True
                spawn(self._forward(name, course, done))

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
        """How many events were taken, in order, and whether the one after them was not."""
        cursor = await webhook_cursors.get(self.pool, name)
        if cursor is None:
            await self._keep(name, await log_reader.last_n(self.pool))
            return 0, False
        entries = await log_reader.after(self.pool, cursor, BATCH)
        address, told = self.addresses.get(name), 0
        for message in await self._messages(entries):
            outcome = await self._send(address, message) if address else Failed("no_address")
            result = "delivered" if isinstance(outcome, Sent) else "failed"
            metrics.WEBHOOK_EVENTS.labels(channel=name, result=result).inc()
            if not isinstance(outcome, Sent):
                log.warning("%s does not take events: %s", name, outcome.reason)
                break
            told += 1
        if told:
            await self._keep(name, entries[told - 1].n)
        return told, told < len(entries)

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
        events = [entry.event for entry in entries]
        people = await webhook_cursors.ids_of(self.pool, {e["actor"] for e in events if e.get("actor")})
        drills = await webhook_cursors.drills_of(self.pool, {e.task for e in entries if e.task is not None})
        return [
            _message(entry, event, people, drills, self.source)
            for entry, event in zip(entries, events, strict=True)
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
