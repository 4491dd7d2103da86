"""From the broker's messages to committed readings and findings: one batch, one transaction, then the acknowledgement."""

import asyncio
import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from farwatch.domain.finding import Finding
from farwatch.domain.judging import Outcome, SensorJudge
from farwatch.domain.policy import Policy
from farwatch.domain.reading import PERIOD, Reading, is_late
from farwatch.domain.registry import Registry
from farwatch.runtime.clock import Clock
from farwatch.storage import (
    dead_letters,
    evidence,
    findings,
    heartbeats,
    outages,
    readings,
    registry,
    review_due,
)
from farwatch.storage.database import DATA_ERRORS, PASSING_ERRORS, Connection, Pool, transaction
from farwatch.storage.dead_letters import DeadLetter
from farwatch.storage.leases import Lease
from ingest import metrics
from ingest.mqtt import Delivery
from ingest.payloads import Measurement, Refusal, decode, split_topic
from ingest.review_marks import ReviewMarks

log = logging.getLogger(__name__)

NAME = "intake"
REBUILD_FROM = timedelta(hours=2)
OUTAGE_AFTER = timedelta(seconds=5)
SHORTEST_RETRY_S, LONGEST_RETRY_S = 0.1, 2.0


@dataclass(frozen=True, slots=True)
class _City:
    registry: Registry
    policy: Policy
    channels: dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class _Sorted:
    """A batch as it will be written."""

    readings: tuple[Reading, ...]
    letters: tuple[DeadLetter, ...]


class Intake:
    """Takes batches one after the other. `resume` comes first; `take` returns when its batch is committed."""

    def __init__(self, pool: Pool, lease: Lease, judge: SensorJudge, clock: Clock) -> None:
        self._pool = pool
        self._lease = lease
        self._judge = judge
        self._clock = clock
        self._city = _City(Registry(), Policy(), {})
        self._state: dict[object, object] = {}
        self._outages: list[outages.Outage] = []
        self._marks = ReviewMarks()
        self._beat_at_s = -math.inf

    async def resume(self) -> None:
        """Loads the city, notes how long nobody took messages, and rebuilds the judge's memory from the rows."""
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            await self._load_city(connection)
            await readings.ensure_partitions(connection)
            await self._note_outage(connection)
            memory = self._judge.memory(self._city.policy)
            # What the broker sends again was committed before we went away, however long that lasted.
            away_since = min([self._clock.now(), *(o.started_at for o in self._outages)])
            recent = await readings.latest(
                connection, memory.kinds, away_since - REBUILD_FROM, memory.span, memory.readings
            )
            onsets = await findings.open_onsets(connection)
        city = self._city
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

    async def take(self, deliveries: Sequence[Delivery]) -> None:
        """Commits the batch, whatever is in it; waits out a database that is away. Raises LeaseLostError."""
        delay_s = SHORTEST_RETRY_S
        while True:
            try:
                with metrics.BATCH_SECONDS.time():
                    await self._excuse_silence()
                    await self._commit_or_bisect(deliveries)
            except PASSING_ERRORS as error:
                log.warning(
                    "the database does not take the batch, trying again: %s",
                    error,
                    extra={"event": "batch_retried"},
                )
                metrics.BATCHES_RETRIED.inc()
                await asyncio.sleep(delay_s)
                delay_s = min(delay_s * 2, LONGEST_RETRY_S)
            else:
                return

    async def _load_city(self, connection: Connection) -> None:
        self._city = _City(
            await registry.load(connection),
            await registry.load_policy(connection),
            await readings.channel_ids(connection),
        )

    async def _note_outage(self, connection: Connection) -> None:
        await outages.record_since_last_beat(connection, NAME, OUTAGE_AFTER)
        self._outages = await outages.of(connection, NAME, self._clock.now() - timedelta(days=2))
        await heartbeats.beat(connection, NAME)
        self._beat_at_s = self._clock.monotonic()

    async def _excuse_silence(self) -> None:
        """After a silence of ours, be it the database's, the broker's or this process's, its outage is a row before the
        messages that waited meanwhile are told to be late or not."""
        if self._clock.monotonic() - self._beat_at_s > OUTAGE_AFTER.total_seconds():
            async with transaction(self._pool) as connection:
                await self._lease.check(connection)
                await self._note_outage(connection)

    async def _commit_or_bisect(self, deliveries: Sequence[Delivery]) -> None:
        """A row that the database refuses is found by halving; it becomes a dead letter, the rest goes in."""
        try:
            await self._commit(deliveries, self._sort(deliveries, self._clock.now()))
        except DATA_ERRORS as error:
            if len(deliveries) == 1:
                letter = _letter(deliveries[0], Refusal("poison", type(error).__name__), self._clock.now())
                await self._commit(deliveries, _Sorted((), (letter,)))
                return
            middle = len(deliveries) // 2
            await self._commit_or_bisect(deliveries[:middle])
            await self._commit_or_bisect(deliveries[middle:])

    async def _commit(self, deliveries: Sequence[Delivery], batch: _Sorted) -> None:
        city = self._city
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            news = await _without_repeats(connection, city.channels, batch.readings)
            outcome = self._judge.judge(city.registry, city.policy, self._state, news)
            written = await readings.insert(connection, city.channels, batch.readings)
            marks = self._marks.of(batch.readings, self._clock.now())
            await review_due.mark(connection, marks.items())
            await dead_letters.add(connection, batch.letters)
            await _write_findings(connection, outcome)
        self._state.update(outcome.changes)
        self._marks.adopt(marks)
        metrics.MESSAGES.inc(len(deliveries))
        metrics.READINGS.inc(written.written)
        metrics.REVISIONS.inc(written.replaced)
        for letter in batch.letters:
            metrics.DEAD_LETTERS.labels(letter.reason).inc()

    def _sort(self, deliveries: Sequence[Delivery], received_at: datetime) -> _Sorted:
        taken: list[Reading] = []
        letters: list[DeadLetter] = []
        for delivery in deliveries:
            decoded = decode(delivery.topic, delivery.payload, received_at)
            if isinstance(decoded, Measurement) and decoded.mn not in self._city.registry.stations:
                decoded = Refusal("unknown_station", decoded.mn[:80])
            if isinstance(decoded, Refusal):
                letters.append(_letter(delivery, decoded, received_at))
                continue
            unknown = [code for code in decoded.values if (decoded.mn, code) not in self._city.channels]
            if unknown:
                letters.append(
                    _letter(delivery, Refusal("unknown_code", ",".join(unknown)[:200]), received_at)
                )
            taken.extend(self._readings(decoded, received_at))
        return _Sorted(tuple(taken), tuple(letters))

    def _readings(self, m: Measurement, received_at: datetime) -> list[Reading]:
        excused = outages.overlap(self._outages, m.ts + PERIOD[m.kind], received_at)
        late = is_late(m.kind, ts=m.ts, received_at=received_at, excused=excused)
        return [
            Reading(
                mn=m.mn, code=code, kind=m.kind, ts=m.ts, value=value, received_at=received_at,
                converted=m.converted.get(code), flag=m.flag(code), late=late,
            )
            for code, value in m.values.items()
            if (m.mn, code) in self._city.channels
        ]  # fmt: skip


async def _without_repeats(
    connection: Connection, channels: dict[tuple[str, str], int], batch: Sequence[Reading]
) -> list[Reading]:
    """Late readings that are rows already, such as a station's second back-fill or a retained message, say nothing new.
    Live ones are sorted out by the judge's own memory."""
    late = [r for r in batch if r.late]
    return [r for r in batch if not r.late] + await readings.unknown(connection, channels, late)


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


def _letter(delivery: Delivery, refusal: Refusal, received_at: datetime) -> DeadLetter:
    named = split_topic(delivery.topic)
    source = "unknown" if isinstance(named, Refusal) else named[0]
    return DeadLetter(source, delivery.topic, delivery.payload, refusal.reason, refusal.detail, received_at)
