"""From deliveries to committed readings and findings: one batch, one transaction, then the acknowledgement."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from farwatch.domain.device import StationSecrets
from farwatch.domain.finding import Finding
from farwatch.domain.judging import Outcome, SensorJudge
from farwatch.domain.reading import Reading, as_judged
from farwatch.domain.registry import Registry
from farwatch.runtime.clock import Clock
from farwatch.storage import (
    channels,
    dead_letters,
    device_commands,
    evidence,
    findings,
    heartbeats,
    outages,
    readings,
    registry,
    review_due,
    station_clocks,
)
from farwatch.storage.channels import Channel
from farwatch.storage.database import DATA_ERRORS, PASSING_ERRORS, Connection, Pool, transaction
from farwatch.storage.leases import Lease
from ingest import metrics
from ingest.clocks import StationClocks
from ingest.delivery import Delivery
from ingest.payloads import Refusal
from ingest.repeats import Repeats
from ingest.review_marks import ReviewMarks
from ingest.sorting import Batch, City, letter, sort

log = logging.getLogger(__name__)

NAME = "intake"
REBUILD_FROM = timedelta(hours=2)
OUTAGE_AFTER = timedelta(seconds=5)
SHORTEST_RETRY_S, LONGEST_RETRY_S = 0.1, 2.0
NO_SECRETS: StationSecrets = {}


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A batch, and what it was sorted by."""

    city: City
    received_at: datetime
    batch: Batch


class Intake:
    """Takes one batch after the other, whichever way in it came. `resume` comes first; `take` returns when its batch is
    committed. `secrets` are those of the stations' HJ 212 frames, by credential."""

    def __init__(
        self, pool: Pool, lease: Lease, judge: SensorJudge, clock: Clock, secrets: StationSecrets = NO_SECRETS
    ) -> None:
        self._pool = pool
        self._lease = lease
        self._judge = judge
        self._clock = clock
        self._city = City(secrets=secrets)
        self._state: dict[object, object] = {}
        self._marks = ReviewMarks()
        self._repeats = Repeats()
        self._clocks = StationClocks()
        self._beat_at_s = -math.inf
        self._taking = asyncio.Lock()

    @property
    def registry(self) -> Registry:
        """The city as the next batch will be judged by; empty before `resume`."""
        return self._city.registry

    async def resume(self) -> None:
        """Loads the city, notes how long nobody took messages, and rebuilds the judge's memory from the rows."""
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            await self._load_city(connection)
            await readings.ensure_partitions(connection)
            self._clocks = StationClocks(await station_clocks.load(connection))
            await self._note_outage(connection)
            memory = self._judge.memory(self._city.policy)
            # What the broker sends again was committed before we went away, however long that lasted.
            away_since = min([self._clock.now(), *(o.started_at for o in self._city.outages)])
            recent = await readings.latest(
                connection, memory.kinds, away_since - REBUILD_FROM, memory.span, memory.readings
            )
            onsets = await findings.open_onsets(connection)
        city = self._city
        self._repeats = Repeats(recent)
        self._state = dict(self._judge.resume(city.registry, city.policy, recent, onsets))

    async def watch_city(self, is_connected: Callable[[], bool]) -> None:
        """For ever: beats each second while messages can come in, and takes over a changed registry."""
        while True:
            async with transaction(self._pool) as connection:
                await self._lease.check(connection)
                if is_connected():
                    await self._note_outage(connection)
                if await registry.version(connection) != self._city.registry.version:
                    await self._load_city(connection)
                    log.info(
                        "took over a new registry",
                        extra={"event": "registry_taken", "version": self._city.registry.version},
                    )
            await asyncio.sleep(1.0)

    async def take(self, deliveries: Sequence[Delivery]) -> list[bytes | None]:
        """Commits the batch, whatever is in it; waits out a database that is away. Says what to answer to each delivery.

        May be called by several ways in at once: one commit after the other, in the order of the calls, while the next
        batch is read. Raises LeaseLostError.
        """
        batch = self._sorted(deliveries)
        async with self._taking:
            delay_s = SHORTEST_RETRY_S
            while True:
                try:
                    with metrics.BATCH_SECONDS.time():
                        await self._excuse_silence()
                        return await self._commit_or_bisect(deliveries, batch)
                except PASSING_ERRORS as error:
                    log.warning(
                        "the database does not take the batch, trying again: %s",
                        error,
                        extra={"event": "batch_retried"},
                    )
                    metrics.BATCHES_RETRIED.inc()
                    await asyncio.sleep(delay_s)
                    delay_s = min(delay_s * 2, LONGEST_RETRY_S)

    async def _load_city(self, connection: Connection) -> None:
        city, policy = await registry.load(connection), await registry.load_policy(connection)
        ids, heard = await readings.channel_ids(connection), await channels.heard_counts(connection)
        self._city = replace(self._city, registry=city, policy=policy, channels=ids, heard=heard)

    async def _note_outage(self, connection: Connection) -> None:
        await outages.record_since_last_beat(connection, NAME, OUTAGE_AFTER)
        recent = await outages.of(connection, NAME, self._clock.now() - timedelta(days=2))
        await heartbeats.beat(connection, NAME)
        self._beat_at_s = self._clock.monotonic()
        if recent != self._city.outages:
            self._city = replace(self._city, outages=recent)

    async def _excuse_silence(self) -> None:
        """After a silence of ours, be it the database's, the broker's or this process's, its outage is a row before the
        messages that waited meanwhile are told to be late or not."""
        if self._clock.monotonic() - self._beat_at_s > OUTAGE_AFTER.total_seconds():
            async with transaction(self._pool) as connection:
                await self._lease.check(connection)
                await self._note_outage(connection)

    def _sorted(self, deliveries: Sequence[Delivery]) -> _Sorted:
        city, now = self._city, self._clock.now()
        return _Sorted(city, now, sort(city, deliveries, now, self._clocks.allowances))

    async def _commit_or_bisect(
        self, deliveries: Sequence[Delivery], known: _Sorted | None = None
    ) -> list[bytes | None]:
        """A row that the database refuses is found by halving; it becomes a dead letter, the rest goes in."""
        if known is None or known.city is not self._city:
            known = self._sorted(deliveries)
        try:
            await self._commit(known)
        except DATA_ERRORS as error:
            if len(deliveries) == 1:
                # It is answered all the same: it is kept, and its sender must not hang on it.
                poison = letter(deliveries[0], Refusal("poison", type(error).__name__), known.received_at)
                await self._commit(replace(known, batch=Batch(letters=[poison])))
                return known.batch.answers
            middle = len(deliveries) // 2
            return [
                *await self._commit_or_bisect(deliveries[:middle]),
                *await self._commit_or_bisect(deliveries[middle:]),
            ]
        metrics.MESSAGES.inc(len(deliveries))
        return known.batch.answers

    async def _commit(self, known: _Sorted) -> None:
        city, batch, now = known.city, known.batch, known.received_at
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            units = {channel: city.unit(*channel) for channel in batch.heard}
            heard = await channels.note_heard(connection, units, now)
            ids = {**city.channels, **heard} if heard else city.channels
            news, suspects, newest = self._repeats.split(batch.readings)
            news += await _not_said_before(connection, ids, suspects)
            outcome = self._judge.judge(city.registry, city.policy, self._state, news)
            written = await readings.insert(connection, ids, batch.readings)
            marks = self._marks.of(batch.readings, now)
            await review_due.mark(connection, marks.items())
            runs, offsets = self._clocks.of(batch.clocks, now)
            await station_clocks.save(connection, offsets)
            await device_commands.note_replies(connection, batch.replies)
            await dead_letters.add(connection, batch.letters)
            await _write_findings(connection, outcome)
        # What is committed is known from now on, in the city of this moment: a new one may have been loaded meanwhile.
        self._state.update(outcome.changes)
        self._marks.adopt(marks)
        self._repeats.adopt(newest)
        self._clocks.adopt(runs, offsets)
        if heard:
            self._city = self._city.with_heard(heard)
        _count(batch, written, len(heard))


def _count(batch: Batch, written: readings.Written, heard: int) -> None:
    metrics.READINGS.inc(written.written)
    metrics.REVISIONS.inc(written.replaced)
    metrics.CHANNELS_HEARD.inc(heard)
    for set_aside in batch.letters:
        metrics.DEAD_LETTERS.labels(set_aside.reason).inc()


async def _not_said_before(
    connection: Connection, ids: dict[Channel, int], suspects: Sequence[Reading]
) -> list[Reading]:
    unknown = await readings.unknown(connection, ids, suspects)
    newest = await channels.newest(connection, {(ids[r.mn, r.code], r.kind) for r in unknown})
    return [as_judged(r, newest.get((ids[r.mn, r.code], r.kind))) for r in unknown]


async def _write_findings(connection: Connection, outcome: Outcome) -> None:
    new = set(await findings.insert_findings(connection, outcome.findings))
    await findings.end_findings(connection, outcome.ended)
    for finding in outcome.findings:
        if finding.id in new:
            await evidence.add(connection, _pending_curve(finding))


def _pending_curve(finding: Finding) -> evidence.Evidence:
    """The readings around the finding, which are written down once those after it have come."""
    return evidence.Evidence(
        id=evidence.evidence_id(finding.id, evidence.EvidenceKind.READINGS),
        kind=evidence.EvidenceKind.READINGS,
        state=evidence.EvidenceState.PENDING,
        media_type="application/json",
        finding_id=finding.id,
    )
