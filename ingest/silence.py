"""Looks every few seconds for stations that say nothing any more; remembers only since when it has listened."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from farwatch.domain.judging import Outcome, Voice
from farwatch.domain.policy import Policy
from farwatch.domain.registry import Registry
from farwatch.runtime.clock import Clock
from farwatch.storage import findings, voices
from farwatch.storage.database import Pool, transaction
from farwatch.storage.leases import Lease

LOOK_EVERY_S = 5.0


class SilenceJudge(Protocol):
    """Pure: the stations' voices in, who fell silent and who speaks again out."""

    def __call__(
        self, voices: Mapping[str, Voice], *, after: timedelta, listening_since: datetime, now: datetime
    ) -> Outcome: ...


class SilenceWatch:
    """`city` gives the registry and policy in force, `is_connected` says whether messages can come in at all."""

    def __init__(
        self,
        pool: Pool,
        lease: Lease,
        clock: Clock,
        *,
        rule: str,
        gateway_rule: str,
        judge: SilenceJudge,
        city: Callable[[], Awaitable[tuple[Registry, Policy]]],
        is_connected: Callable[[], bool],
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._clock = clock
        self._rule, self._gateway_rule = rule, gateway_rule
        self._judge = judge
        self._city = city
        self._is_connected = is_connected
        self._listening_since: datetime | None = None

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(LOOK_EVERY_S)

    async def look(self) -> None:
        """One look. While the broker is away nobody is called silent, and afterwards everybody gets the full time."""
        now = self._clock.now()
        if not self._is_connected():
            self._listening_since = None
            return
        self._listening_since = self._listening_since or now
        registry, policy = await self._city()
        after = timedelta(seconds=policy.silence.after_s)
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            heard = await voices.in_question(connection, self._rule, self._gateway_rule, now - after)
            outcome = self._judge(
                {
                    h.mn: Voice(
                        registry.stations[h.mn],
                        h.heard_at,
                        h.silent_since,
                        h.gateway_silent_since,
                        h.gateway_returned_at,
                    )
                    for h in heard
                    if h.mn in registry.stations
                },
                after=after,
                listening_since=self._listening_since,
                now=now,
            )
            await findings.insert_findings(connection, outcome.findings)
            await findings.end_findings(connection, outcome.ended)
