"""Each hour: does an outlet say what another one says? Over the reviewed hours of the day before."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from farwatch.domain.judging import Outcome
from farwatch.domain.policy import Policy
from farwatch.domain.registry import Registry
from farwatch.domain.review import HourCurve
from farwatch.runtime.clock import Clock
from farwatch.storage import findings, hour_curves, job_cursors
from farwatch.storage.database import Pool, transaction
from farwatch.storage.leases import Lease
from ingest.review.writing import write_findings

JOB = "clones"
WINDOW = timedelta(hours=24)
SETTLES_AFTER = timedelta(minutes=20)
"""So long after its end an hour has been reviewed, unless its data are late."""

LOOK_EVERY_S = 30.0


class CloneJudge(Protocol):
    """Pure: the city's curves of one day in, whose are copies out."""

    def __call__(
        self,
        registry: Registry,
        curves: Sequence[HourCurve],
        open_onsets: Mapping[tuple[str, str], datetime],
        until: datetime,
    ) -> Outcome: ...


class CloneWatch:
    """The cursor is the end of the last hour that was compared; after an absence only the newest day is."""

    def __init__(
        self,
        pool: Pool,
        lease: Lease,
        clock: Clock,
        *,
        rule: str,
        judge: CloneJudge,
        city: Callable[[], Awaitable[tuple[Registry, Policy]]],
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._clock = clock
        self._rule = rule
        self._judge = judge
        self._city = city

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """Compares once an hour has settled that was not compared yet; findings and cursor are one commit."""
        until = (self._clock.now() - SETTLES_AFTER).replace(minute=0, second=0, microsecond=0)
        done_until = await job_cursors.get(self._pool, JOB)
        if done_until is not None and done_until >= until:
            return
        registry, _ = await self._city()
        curves = await hour_curves.valid(self._pool, until - WINDOW, until)
        onsets = await findings.open_onsets_of(self._pool, self._rule)
        # Seconds of arithmetic in a large city: beside the event loop, not in it.
        outcome = await asyncio.to_thread(self._judge, registry, curves, onsets, until)
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            await write_findings(connection, outcome.findings)
            await findings.end_findings(connection, outcome.ended)
            await job_cursors.put(connection, JOB, until)
