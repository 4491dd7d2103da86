"""Takes what is due, one station's hour or day in one snapshot and one commit, live ones first."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import timedelta

from farwatch.domain.policy import Policy
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Registry
from farwatch.domain.review import Reviewer, period_of
from farwatch.runtime.clock import Clock
from farwatch.storage import heartbeats, histories, review_due, reviews
from farwatch.storage.database import CONTENTION_ERRORS, DATA_ERRORS, Pool, snapshot, transaction
from farwatch.storage.leases import Lease
from farwatch.storage.review_due import Due
from ingest.review import asking, metrics, writing

log = logging.getLogger(__name__)

NAME = "review"
LOOK_EVERY_S = 0.5
AT_ONCE = 20
"""Reviews between two looks at what is due: a live one never waits for more than these."""
AGAIN_AFTER = timedelta(minutes=10)
COUNTED = 10_000
"""Of a longer backlog only this much is counted."""
KEEP_TICKS = timedelta(days=90)
FORGET_EVERY_S = 3600.0

RULE_ERRORS: tuple[type[Exception], ...] = (ValueError, ArithmeticError, LookupError)
"""What a rule says to rows that it was not made for. Its station's hour is set aside, all others go on."""


class Reviews:
    """`city` gives the registry and policy in force."""

    def __init__(
        self,
        pool: Pool,
        lease: Lease,
        clock: Clock,
        *,
        reviewer: Reviewer,
        city: Callable[[], Awaitable[tuple[Registry, Policy]]],
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._clock = clock
        self._reviewer = reviewer
        self._city = city

    async def run(self) -> None:
        while True:
            if not await self.round():
                await asyncio.sleep(LOOK_EVERY_S)

    async def round(self) -> int:
        """A few of what is due, live periods first. Returns how many there were."""
        now = self._clock.now()
        chosen = await review_due.live(self._pool, now, AT_ONCE)
        if not chosen:
            chosen = await review_due.due(self._pool, now, AT_ONCE)
        # After what is due: a station that has a mark is in the registry that is read then.
        registry, policy = await self._city()
        backlog = await review_due.backlog(self._pool, now, COUNTED)
        metrics.LIVE_LAG.set(backlog.live_s)
        metrics.WAITING.set(backlog.waiting)
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            await heartbeats.beat(connection, NAME)
        for due in chosen:
            await self._review(registry, policy, due)
        return len(chosen)

    async def forget_old_ticks(self) -> None:
        """For ever: what was done longer ago than a replay goes back is not kept."""
        while True:
            await reviews.forget_ticks(self._pool, self._clock.now() - KEEP_TICKS)
            await asyncio.sleep(FORGET_EVERY_S)

    async def _review(self, registry: Registry, policy: Policy, due: Due) -> None:
        mn, kind, ts = due
        try:
            with metrics.SECONDS.labels(kind).time():
                await self._commit(registry, policy, due)
        except CONTENTION_ERRORS:
            metrics.CONTENDED.inc()
        except (*DATA_ERRORS, *RULE_ERRORS) as error:
            log.exception(
                "the %s of %s at %s cannot be reviewed, trying again later: %s",
                kind, mn, ts.isoformat(), type(error).__name__,
                extra={"event": "review_set_aside", "mn": mn, "kind": str(kind), "ts": ts.isoformat()},
            )  # fmt: skip
            metrics.SET_ASIDE.inc()
            await review_due.put_off(self._pool, due, self._clock.now() + AGAIN_AFTER)

    async def _commit(self, registry: Registry, policy: Policy, due: Due) -> None:
        mn, kind, ts = due
        period = period_of(kind, ts)
        async with snapshot(self._pool) as connection:
            await self._lease.check(connection)
            seq = await review_due.seq(connection, due)
            if seq is None:
                return
            now = self._clock.now()
            if mn in registry.stations:
                loaded = await histories.load(connection, registry, mn, period)
                outcome = self._reviewer(loaded.history, period, policy, now)
                changed = await writing.write(connection, mn, loaded.ids, period, outcome, now)
                if kind is ReadingKind.HOUR:
                    await asking.mend(connection, mn, loaded.history, period, now)
                tick = reviews.Tick(
                    mn=mn, kind=kind, ts=ts, at=now, seen_at=loaded.newest_at,
                    clock_offset_s=loaded.history.clock_offset_s,
                )  # fmt: skip
                await reviews.add_tick(connection, tick)
                metrics.VERDICTS_CHANGED.inc(changed)
            await review_due.done(connection, due, seq)
        metrics.REVIEWS.labels(kind).inc()
