"""The engine: rows in, rows out, one decision a transaction. It can die at any instruction and goes on from the rows."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from alerting import clocks, dispatch, lifecycle, metrics, triage, writing
from alerting.actions import NowReader
from alerting.aside import Aside
from alerting.steps import Due, Effect, Ended
from alerting.triage import City
from alerting.writing import ENGINE
from farwatch.domain.policy import Policy
from farwatch.domain.registry import Registry
from farwatch.storage import dispositions, heartbeats, outages, tasks, warnings
from farwatch.storage.database import DATA_ERRORS, Connection, Pool, transaction
from farwatch.storage.dispositions import EndOfFinding
from farwatch.storage.heartbeats import database_now
from farwatch.storage.listening import listening

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.25
OUTAGE_AFTER = timedelta(seconds=5)
"""A silence of the engine that the pages show as one, and that breaches mention."""
BATCH = 50
"""Decisions of each sort in one round, so that a flood of one sort delays no clock of another."""
AGAIN_AFTER_S = 30.0
SENSELESS: tuple[type[Exception], ...] = (*DATA_ERRORS, ValueError, TypeError, LookupError)
"""What a row raises that this program can make no sense of: damaged, or written by another version."""

Loader = Callable[[], Awaitable[tuple[Registry, Policy]]]


class Lease(Protocol):
    async def check(self, connection: Connection) -> None:
        """Raises when somebody else is the engine now."""
        ...


class Engine:
    """`load` gives the registry and policy in force; `channels` are the notifiers' credentials by name."""

    def __init__(
        self,
        pool: Pool,
        lease: Lease,
        load: Loader,
        channels: Mapping[str, str],
        now: NowReader = database_now,
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._load = load
        self._channels = channels
        self._aside = Aside(timedelta(seconds=AGAIN_AFTER_S))
        self._now = now

    async def run(self, url: str) -> None:
        """For ever: a round whenever there is something, and at least every LOOK_EVERY_S. Raises what the database raises; how
        long the engine was away before is kept."""
        async with self._transaction() as (connection, _):
            await outages.record_since_last_beat(connection, ENGINE, OUTAGE_AFTER)
        async with listening(url, "farwatch_findings", "farwatch_tasks") as woken:
            while True:
                woken.clear()
                if await self.tick():
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await woken.wait()

    async def tick(self) -> int:
        """One round; returns how many decisions it made. 0: nothing is left to do now."""
        registry, policy = await self._load()
        city = City(registry, policy, frozenset(self._channels))
        self._aside.release(await self._peek())
        made, most, others = 0, BATCH + len(self._aside), self._aside.others
        for finding in others(await dispositions.waiting(self._pool, most)):
            made += await self._attempt(finding, self._dispose(finding, city))
        for finding in others(await warnings.ripe(self._pool, await self._peek(), most)):
            made += await self._attempt(finding, self._decide_warning(finding, city))
        for task_id in others(await tasks.due(self._pool, await self._peek(), most)):
            made += await self._attempt(task_id, self._fire(task_id, city))
        for end in others(await dispositions.ends_to_note(self._pool, most)):
            made += await self._attempt(end, self._note_end(end))
        async with self._transaction() as (connection, now):
            await heartbeats.beat(connection, ENGINE)
        metrics.LAST_TICK.set(now.timestamp())
        return made

    async def _attempt(self, row: Hashable, decision: Awaitable[bool]) -> bool:
        try:
            return await decision
        except tasks.FingerprintTakenError as error:
            log.warning("somebody else opened a matter for %s, looking again", error)
        except SENSELESS:
            log.exception("no sense can be made of %s: it is set aside for %.0f s", row, AGAIN_AFTER_S)
            metrics.UNDECIDABLE.inc()
            self._aside.put(row, await self._peek())
        return False

    async def _dispose(self, finding: UUID, city: City) -> bool:
        async with self._transaction() as (connection, now):
            await tasks.lock_correlation(connection)
            stored = await dispositions.take(connection, finding)
            if stored is None:
                return False
            disposed = await triage.dispose(connection, stored, city, now)
        metrics.FINDINGS_DISPOSED.labels(disposition=disposed.disposition, reason=disposed.reason).inc()
        writing.count(disposed.effects)
        return True

    async def _decide_warning(self, finding: UUID, city: City) -> bool:
        async with self._transaction() as (connection, now):
            await tasks.lock_correlation(connection)
            effects: Sequence[Effect] = await triage.decide_warning(connection, finding, city, now)
        writing.count(effects)
        return True

    async def _fire(self, task_id: int, city: City) -> bool:
        """The task's earliest due deadline, unless somebody is acting on the task just now: then it is looked at again."""
        async with self._transaction() as (connection, now):
            task = await tasks.lock(connection, task_id, skip_locked=True)
            due = [d for d in task.deadlines if clocks.is_due(d, now)] if task else []
            if task is None or not due:
                return False
            decision = lifecycle.step(task, Due(due[0].key), now)
            decision = dispatch.resolve(decision, await triage.situation(connection, city, now), now)
            await writing.write(connection, task, decision, now)
        writing.count(decision.effects)
        return True

    async def _note_end(self, end: EndOfFinding) -> bool:
        async with self._transaction() as (connection, now):
            task = await tasks.lock(connection, end.task, skip_locked=True)
            if task is None or not await dispositions.note_end(connection, end.finding, now):
                return False
            decision = lifecycle.step(task, Ended(end.matter, end.finding, end.ended_at), now)
            await writing.write(connection, task, decision, now)
        return True

    async def _peek(self) -> datetime:
        async with self._pool.acquire() as connection:
            return await self._now(connection)

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[tuple[Connection, datetime]]:
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            yield connection, await self._now(connection)
