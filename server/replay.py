"""Judging a recorded span again, with its recorded ticks as now: does the same come out?"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from detectors.sensors.quality import clones
from farwatch.domain.finding import Finding, Param
from farwatch.domain.judging import SensorJudge
from farwatch.domain.policy import Policy
from farwatch.domain.reading import ReadingKind, as_judged
from farwatch.domain.registry import Registry
from farwatch.domain.review import Period, Reviewer, ReviewOutcome, period_of
from farwatch.storage import histories, recorded, registry, reviews
from farwatch.storage.database import Connection, Pool, snapshot
from farwatch.storage.recorded import RecordedFinding
from server.commands import CommandError

WARM_UP = timedelta(hours=2)
"""The live lane begins so long before, as the intake does after a restart."""
AFTERWARDS = max(histories.LOOK_BACK[kind] for kind in (ReadingKind.MIN, ReadingKind.HOUR))
"""A finding may begin so long before the hour whose review finds it."""
NOT_REPLAYED = frozenset({clones.RULE})
"""Found across stations by a job of its own, not by a review."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`what` is only_recorded, only_replayed, or the field that differs."""

    what: str
    finding: str
    rule: str
    tier: str
    subject: str
    onset_at: datetime
    recorded: Param | dict[str, Param] = None
    replayed: Param | dict[str, Param] = None


@dataclass(slots=True)
class Replay:
    """How much was judged again, and what came out otherwise."""

    readings: int = 0
    reviews: int = 0
    findings: int = 0
    differences: list[Difference] = field(default_factory=list)


async def replay(
    pool: Pool,
    judge: SensorJudge,
    reviewer: Reviewer,
    since: datetime,
    until: datetime,
    mn: str | None = None,
) -> Replay:
    """Of findings with onsets in [since, until); the registry, its limits' validity and the policy are those of now.
    Raises CommandError for a station that the registry does not have."""
    done = Replay()
    async with snapshot(pool) as connection:
        city, policy = await registry.load(connection), await registry.load_policy(connection)
        if mn is not None and mn not in city.stations:
            raise CommandError(f"station '{mn}' is not in the registry")
        found = await _live(connection, judge, city, policy, (since, until, mn), done)
        found |= await _reviewed(connection, reviewer, city, policy, (since, until, mn), done)
        known = await recorded.findings_between(connection, since, until, mn)
    replayed = [f for f in found.values() if since <= f.onset_at < until]
    done.findings = len(replayed)
    done.differences = list(_differences([k for k in known if k.rule not in NOT_REPLAYED], replayed))
    return done


Span = tuple[datetime, datetime, str | None]


async def _live(
    connection: Connection, judge: SensorJudge, city: Registry, policy: Policy, span: Span, done: Replay
) -> dict[UUID, Finding]:
    """What the live lane finds of these readings; of a finding that is found again the first counts."""
    since, until, mn = span
    standing = await recorded.findings_standing(connection, since - WARM_UP, mn)
    state = dict(judge.resume(city, policy, [], recorded.onsets_of(standing)))
    found: dict[UUID, Finding] = {}
    kinds = judge.memory(policy).kinds
    newest: dict[tuple[str, str, ReadingKind], datetime] = {}
    async for batch in recorded.batches(connection, kinds, since - WARM_UP, until, mn):
        routed = [as_judged(r, newest.get((r.mn, r.code, r.kind))) for r in batch]
        outcome = judge.judge(city, policy, state, routed)
        for r in batch:
            channel, ts = (r.mn, r.code, r.kind), min(r.ts, r.received_at)
            newest[channel] = max(ts, newest.get(channel, ts))
        state.update(outcome.changes)
        done.readings += len(batch)
        for finding in outcome.findings:
            found.setdefault(finding.id, finding)
    return found


class _Standing:
    """Findings of review rules and their ends, as a review of a period meets them."""

    def __init__(self, before: Iterable[RecordedFinding]) -> None:
        self._known = {f.id: (f.station, f.rule, f.code or "", f.onset_at, f.ended_at) for f in before}

    def at(self, mn: str, period: Period) -> dict[tuple[str, str], datetime]:
        there = sorted((k for k in self._known.values() if k[0] == mn), key=lambda k: k[3])
        return {
            (rule, code): onset_at
            for _, rule, code, onset_at, ended_at in there
            if rule.startswith("data_")
            and onset_at < period.until
            and (ended_at is None or ended_at > period.ts)
        }

    def note(self, outcome: ReviewOutcome) -> None:
        for f in outcome.findings:
            if f.id not in self._known or self._known[f.id][4] == f.onset_at:
                self._known[f.id] = (f.station or "", f.rule, f.code or "", f.onset_at, None)
        for end in outcome.ended:
            known = self._known.get(end.finding_id)
            if known is not None and known[4] is None:
                self._known[end.finding_id] = (*known[:4], end.ended_at)


async def _reviewed(
    connection: Connection, reviewer: Reviewer, city: Registry, policy: Policy, span: Span, done: Replay
) -> dict[UUID, Finding]:
    """What the reviews find whose ticks were recorded, each over the rows that it saw."""
    since, until, mn = span
    ticks = await reviews.ticks(connection, since, until + AFTERWARDS, mn)
    jobs = await recorded.findings_between(connection, since, until + AFTERWARDS, mn)
    # Older hours may have been reviewed within the span: they met what had begun and ended before it.
    first = min([since, *(tick.ts for tick in ticks)])
    before = await recorded.findings_standing(connection, first, mn)
    before += await recorded.findings_between(connection, first, since, mn)
    standing = _Standing([*before, *(f for f in jobs if f.rule in NOT_REPLAYED)])
    found: dict[UUID, Finding] = {}
    for tick in ticks:
        if tick.mn not in city.stations:
            continue
        period = period_of(tick.kind, tick.ts)
        seen = histories.Seen(at=tick.at, received_at=tick.seen_at, clock_offset_s=tick.clock_offset_s)
        loaded = await histories.load(connection, city, tick.mn, period, seen)
        history = replace(loaded.history, open_onsets=standing.at(tick.mn, period))
        outcome = reviewer(history, period, policy, tick.at)
        standing.note(outcome)
        done.reviews += 1
        for finding in outcome.findings:
            found.setdefault(finding.id, finding)
    return found


def _differences(known: Iterable[RecordedFinding], replayed: Iterable[Finding]) -> Iterator[Difference]:
    before, after = {k.id: k for k in known}, {f.id: f for f in replayed}
    for identity in sorted(before.keys() | after.keys(), key=str):
        k, f = before.get(identity), after.get(identity)
        if k is None or f is None:
            yield _difference("only_recorded" if f is None else "only_replayed", k, f)
            continue
        said: tuple[tuple[str, Param | dict[str, Param], Param | dict[str, Param]], ...] = (
            ("reason", k.reason_key, f.reason.key),
            ("params", dict(k.reason_params), dict(f.reason.params)),
            ("late", k.late, f.late),
            ("severity", k.severity, f.severity),
        )
        for what, was, became in said:
            if was != became:
                yield replace(_difference(what, k, f), recorded=was, replayed=became)


def _difference(what: str, known: RecordedFinding | None, replayed: Finding | None) -> Difference:
    one = known or replayed
    assert one is not None
    return Difference(
        what=what, finding=str(one.id), rule=one.rule, tier=str(one.tier), subject=f"{one.station}/{one.code or ''}",
        onset_at=one.onset_at,
    )  # fmt: skip
