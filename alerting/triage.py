"""What a finding leads to, written down: recorded, told to the enterprise, or a matter of a task."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from alerting import clocks, dispatch, lifecycle, warning, writing
from alerting.correlation import Correlation, FoldInto, Found, JoinTo, OpenNew, correlate, matter_of
from alerting.steps import Decision, Effect, Fold, Join
from farwatch.domain.place import Position
from farwatch.domain.policy import Action, Policy
from farwatch.domain.registry import Registry
from farwatch.domain.task import Task, TaskState
from farwatch.storage import dispositions, positions, tasks, warnings
from farwatch.storage.database import Connection
from farwatch.storage.dispositions import StoredFinding


@dataclass(frozen=True, slots=True)
class City:
    """What decisions look at: the registry, the policy, and the names of the channels that have a credential."""

    registry: Registry
    policy: Policy
    channels: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True, slots=True)
class Disposed:
    """`effects` are to be counted after the commit."""

    disposition: str
    reason: str
    effects: Sequence[Effect] = ()

    @classmethod
    def by(cls, decision: Decision) -> Self:
        return cls("task", decision.reason.key, decision.effects)


async def dispose(connection: Connection, stored: StoredFinding, city: City, now: datetime) -> Disposed:
    """Decides about one finding. The caller holds the correlation lock and the finding's row."""
    finding = stored.finding
    found = Found(stored.id, finding, stored.found_at)
    match city.policy.action_for(finding.rule, finding.tier, late=finding.late):
        case Action.RECORD:
            disposed = Disposed("record", "late" if finding.late else "policy")
        case Action.WARN:
            disposed = await _warn(connection, found, city, now)
        case Action.TASK:
            disposed = Disposed.by(await send(connection, found, city, now))
    await dispositions.dispose(connection, stored.id, disposed.disposition, disposed.reason, now)
    return disposed


async def decide_warning(
    connection: Connection, finding: UUID, city: City, now: datetime
) -> Sequence[Effect]:
    """See warning.decide. The caller holds the correlation lock."""
    return await warning.decide(connection, finding, city, now, send)


async def send(connection: Connection, found: Found, city: City, now: datetime) -> Decision:
    """Somebody goes: the finding is folded, joined, or opens a task."""
    correlation = await _correlate(connection, found, city)
    before: Task | None = None
    match correlation:
        case FoldInto(task=task, matter=matter):
            decision = lifecycle.step(before := task, Fold(matter.id, found.id, found.finding.severity), now)
        case JoinTo(task=task, reason=reason):
            _, matter_id = await tasks.draw_ids(connection)
            matter = matter_of(found, matter_id)
            handle_at = clocks.handle_at(matter, task.policy, city.policy.calendar)
            decision = lifecycle.step(before := task, Join(matter, reason, handle_at), now)
        case OpenNew():
            new = await _new_task(connection, found, correlation, city, now)
            handle_at = clocks.handle_at(new.matters[0], new.policy, city.policy.calendar)
            decision = lifecycle.begin(new, handle_at)
    decision = dispatch.resolve(decision, await situation(connection, city, now), now)
    await writing.write(connection, before, decision, now)
    await warnings.overtake(connection, found.finding.fingerprint, found.finding.drill_id, now)
    return decision


async def situation(connection: Connection, city: City, now: datetime) -> dispatch.Situation:
    since = now - timedelta(seconds=city.policy.position_fresh_s)
    latest = await positions.latest(connection)
    fresh = {officer: p.place for officer, p in latest.items() if p.received_at >= since}
    return dispatch.Situation(city.registry, fresh, await tasks.open_counts(connection))


async def _correlate(connection: Connection, found: Found, city: City) -> Correlation:
    finding = found.finding
    candidates = await tasks.lock_candidates(
        connection, fingerprint=finding.fingerprint, enterprise=finding.enterprise, drill_id=finding.drill_id,
        place=finding.place, radius_m=city.policy.join_radius_m,
    )  # fmt: skip
    return correlate(found, candidates, city.policy)


async def _new_task(connection: Connection, found: Found, why: OpenNew, city: City, now: datetime) -> Task:
    if why.follows and why.closes:
        closed = replace(why.closes, closed_at=now)
        matters = tuple(closed if m.id == closed.id else m for m in why.follows.matters)
        await tasks.save(connection, why.follows, replace(why.follows, matters=matters))
    task_id, matter_id = await tasks.draw_ids(connection)
    finding = found.finding
    place = Position(finding.place.lat, finding.place.lon)
    grid = dispatch.grid_at(place, city.registry)
    return Task(
        id=task_id, state=TaskState.OPEN, place=place, severity=finding.severity, policy=city.policy.task,
        opened_at=found.found_at, grid=grid.id if grid else None, enterprise=finding.enterprise, drill_id=finding.drill_id,
        reopened_from=why.follows.id if why.follows else None, matters=(matter_of(found, matter_id),),
    )  # fmt: skip


async def _warn(connection: Connection, found: Found, city: City, now: datetime) -> Disposed:
    """An open matter takes it in; else the enterprise is told, unless it was told of this business already."""
    if isinstance(await _correlate(connection, found, city), FoldInto):
        return Disposed.by(await send(connection, found, city, now))
    return Disposed("warn", await warning.tell(connection, found, city, now))
