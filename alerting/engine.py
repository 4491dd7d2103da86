"""The engine: rows in, rows out, one decision a transaction. It can die at any instruction and goes on from the rows."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from alerting import metrics, rounds, triage
from alerting.actions import NowReader
from alerting.aside import Aside
from alerting.dispatch import Situation
from alerting.ground import BATCH, Row
from alerting.routing import Roads
from alerting.triage import City
from alerting.writing import ENGINE
from farwatch.domain.policy import SHIPPED, Policy
from farwatch.domain.registry import Registry
from farwatch.storage import due_deadlines, heartbeats, outages, tasks
from farwatch.storage.database import (
    CONTENTION_ERRORS,
    DATA_ERRORS,
    HELD_ERRORS,
    Connection,
    Pool,
    transaction,
)
from farwatch.storage.heartbeats import database_now
from farwatch.storage.listening import listening

log = logging.getLogger(__name__)

LOOK_EVERY_S = 0.25
OUTAGE_AFTER = timedelta(seconds=5)
"""A silence of the engine that the pages show as one, and that breaches mention."""
AGAIN_AFTER_S = 30.0
HELD_AGAIN_AFTER_S = 0.5
"""When a row is looked at again whose task somebody else held."""
SENSELESS: tuple[type[Exception], ...] = (*DATA_ERRORS, ValueError, TypeError, LookupError, AttributeError)
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
        roads: Roads | None = None,
    ) -> None:
        self.pool = pool
        self.roads = roads or Roads()
        self._lease = lease
        self._load = load
        self._channels = channels
        self.city = City(Registry(), SHIPPED)
        self._situation: Situation | None = None
        self._rounds = rounds.shipped()
        self._aside = Aside(timedelta(seconds=AGAIN_AFTER_S))
        self._now = now

    async def run(self, url: str) -> None:
        """For ever: a round whenever there is something, and at least every LOOK_EVERY_S. Raises what the database raises; how
        long the engine was away before is kept."""
        async with self.transaction() as (connection, now):
            await outages.record_since_last_beat(connection, ENGINE, OUTAGE_AFTER)
            if silent := await due_deadlines.wake_silent(connection, now):
                log.warning("%d tasks waited for an answer alone: somebody is looked for again", silent)
        async with listening(url, "farwatch_findings", "farwatch_tasks") as woken:
            while True:
                woken.clear()
                if await self.tick():
                    continue
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_EVERY_S):
                        await woken.wait()

    async def tick(self) -> int:
        """All rounds once; returns how many decisions they made. 0: nothing is left to do now."""
        registry, policy = await self._load()
        self.city = City(registry, policy, frozenset(self._channels), self.roads.recent())
        self._situation = None
        self._aside.release(await self.peek())
        made = 0
        for decide in self._rounds.values():
            made += await decide(self)
        async with self.transaction() as (connection, now):
            await heartbeats.beat(connection, ENGINE)
        metrics.LAST_TICK.set(now.timestamp())
        return made

    @property
    def most(self) -> int:
        return BATCH + len(self._aside)

    def others(self, rows: Sequence[Row]) -> list[Row]:
        return self._aside.others(rows)[:BATCH]

    def aside(self, sort: type[Row]) -> list[Row]:
        return self._aside.of(sort)

    async def attempt(self, row: Hashable, decision: Awaitable[bool]) -> bool:
        try:
            return await decision
        except tasks.FingerprintTakenError as error:
            log.warning("somebody else opened a matter for %s, looking again", error)
        except (*HELD_ERRORS, *CONTENTION_ERRORS):
            log.warning("somebody else holds what %s needs: again in %.1f s", row, HELD_AGAIN_AFTER_S)
            self._aside.put(row, await self.peek(), timedelta(seconds=HELD_AGAIN_AFTER_S))
        except SENSELESS:
            log.exception("no sense can be made of %s: it is set aside for %.0f s", row, AGAIN_AFTER_S)
            metrics.UNDECIDABLE.inc()
            self._aside.put(row, await self.peek())
        return False

    async def situation(self, connection: Connection, now: datetime) -> Situation:
        if self._situation is None:
            self._situation = await triage.situation(connection, self.city, now)
        return self._situation

    def asked(self, officer: str, *, drill: bool) -> None:
        if self._situation is None:
            return
        loads = self._situation.drill_tasks if drill else self._situation.open_tasks
        more = {**loads, officer: loads.get(officer, 0.0) + 1.0}
        changed = {"drill_tasks" if drill else "open_tasks": more}
        self._situation = replace(self._situation, **changed)  # type: ignore[arg-type]

    def changed(self) -> None:
        self._situation = None

    async def peek(self) -> datetime:
        async with self.pool.acquire() as connection:
            return await self._now(connection)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[tuple[Connection, datetime]]:
        async with transaction(self.pool) as connection:
            await self._lease.check(connection)
            yield connection, await self._now(connection)
