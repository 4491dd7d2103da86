"""What a finding leads to, written down: recorded, held back, told to the enterprise, or a matter of a task."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from alerting import clocks, dispatch, holding, lifecycle, warning, weather, writing
from alerting.correlation import (
    NOT_YET_HANDLED,
    Closed,
    Correlation,
    FoldInto,
    Found,
    InStorm,
    JoinTo,
    OpenNew,
    confirmations,
    correlate,
    matter_of,
)
from alerting.costs import AGE_STEPS_MAX
from alerting.steps import Decision, Effect, Fold, Join, Log, Raise, Seek
from farwatch.domain.calendar import CalendarError
from farwatch.domain.finding import Reason
from farwatch.domain.place import Position
from farwatch.domain.policy import Action, Policy, TaskPolicy
from farwatch.domain.registry import Registry
from farwatch.domain.silence import Storm
from farwatch.domain.task import Matter, Task, TaskState
from farwatch.storage import choices, dispositions, positions, tasks, warnings
from farwatch.storage.database import Connection
from farwatch.storage.dispositions import StoredFinding

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class City:
    """What decisions look at: the registry, the policy, and the names of the channels that have a credential."""

    registry: Registry
    policy: Policy
    channels: frozenset[str] = field(default_factory=frozenset)
    etas_s: Mapping[tuple[str, int], float] = field(default_factory=dict)
    burst: bool = False


@dataclass(frozen=True, slots=True)
class Disposed:
    """`effects` are to be counted after the commit."""

    disposition: str
    reason: str
    effects: Sequence[Effect] = ()

    @classmethod
    def by(cls, decision: Decision) -> Self:
        return cls("task", decision.reason.key, decision.effects)


@dataclass(frozen=True, slots=True)
class Business:
    """Whose business a finding is, the storm in which it comes, and the grid that holds its place."""

    correlation: Correlation
    storm: Storm | None
    grid: str | None


async def dispose(
    connection: Connection, stored: StoredFinding, city: City, now: datetime, *, after_silence: bool = False
) -> Disposed:
    """Decides about one finding, anew when a silence held it back: then it is as if found now, since before nobody could be sent.
    The caller holds the correlation lock and the finding's row."""
    finding = stored.finding
    found = Found(stored.id, finding, now if after_silence else stored.found_at)
    action = city.policy.action_for(finding.rule, finding.tier, late=finding.late)
    if action is Action.RECORD:
        disposed = Disposed("record", "late" if finding.late else "policy")
    else:
        disposed = await _lead(connection, found, stored.found_at, action, city, now)
    if after_silence and disposed.disposition in ("task", "warn"):
        disposed = replace(disposed, reason="silence_ended")
    await dispositions.dispose(connection, stored.id, disposed.disposition, disposed.reason, now)
    return disposed


async def _lead(
    connection: Connection, found: Found, spoke_at: datetime, action: Action, city: City, now: datetime
) -> Disposed:
    """An open visit takes in whatever goes on there; only new business is silenced, counted, or told to the enterprise first.
    `spoke_at`: its own commit, even when a silence held it back since; how often its rule spoke is counted by that."""
    business = await _business(connection, found, city)
    correlation = business.correlation
    if not (isinstance(correlation, FoldInto) and correlation.task.state in NOT_YET_HANDLED):
        if await holding.silenced(connection, found, business.grid, now):
            return Disposed("silenced", "silenced")
        counted = await holding.counted(connection, found, spoke_at, city)
        if counted is None:
            return Disposed("counted", "n_of_m")
        found = replace(found, counted=counted)
    if action is Action.WARN and not isinstance(correlation, FoldInto):
        disposed = Disposed("warn", await warning.tell(connection, found, city, now))
    else:
        disposed = Disposed.by(await _go(connection, found, business, city, now))
    for one in found.counted:
        await dispositions.dispose(connection, one.id, disposed.disposition, "n_of_m", now)
    return disposed


async def decide_warning(
    connection: Connection, finding: UUID, city: City, now: datetime
) -> Sequence[Effect]:
    """See warning.decide. The caller holds the correlation lock."""
    return await warning.decide(connection, finding, city, now, send)


async def send(connection: Connection, found: Found, city: City, now: datetime) -> Decision:
    """Somebody goes: the finding is folded, joined, or opens a task."""
    return await _go(connection, found, await _business(connection, found, city), city, now)


async def _go(
    connection: Connection, found: Found, business: Business, city: City, now: datetime
) -> Decision:
    correlation = business.correlation
    storm, told = await weather.noted(connection, found, correlation, business.storm, city)
    before: Task | None = None
    match correlation:
        case FoldInto(task=task, matter=matter):
            before, matter_id = task, matter.id
            decision = _folded(task, matter, found, now)
        case JoinTo(task=task, reason=reason):
            _, matter_id = await tasks.draw_ids(connection)
            joining = matter_of(found, matter_id)
            joins = Join(joining, reason, _handle_at(joining, task.policy, city))
            decision = lifecycle.step(before := task, joins, now)
        case OpenNew():
            new = await _new_task(connection, found, business, storm, city, now)
            matter_id = new.matters[0].id
            handle_at = _handle_at(new.matters[0], new.policy, city)
            decision = _begun(lifecycle.begin(new, handle_at), correlation.reason)
    decision = _confirmed(decision, found, matter_id, city, now)
    decision = replace(decision, effects=(*decision.effects, *told))
    if any(isinstance(effect, Seek) for effect in decision.effects):
        decision = dispatch.resolve(decision, await situation(connection, city, now), now)
    await writing.write(connection, before, decision, now)
    await warnings.overtake(connection, found.finding.fingerprint, found.finding.drill_id, now)
    return decision


def _handle_at(matter: Matter, policy: TaskPolicy, city: City) -> datetime | None:
    """A legal limit that never ends is none: the minutes of the duty run all the same."""
    try:
        return clocks.handle_at(matter, policy, city.policy.calendar)
    except CalendarError as error:
        log.warning("matter %d has no legal limit: %s", matter.id, error)
        return None


def _begun(decision: Decision, why: Reason) -> Decision:
    """It says why nothing that was there took the finding in."""
    opened, *others = decision.effects
    assert isinstance(opened, Log)
    told = Log(opened.type, {**opened.detail, "reason": why.key})
    return replace(decision, reason=why, effects=(told, *others))


def _folded(task: Task, matter: Matter, found: Found, now: datetime) -> Decision:
    decision = Decision(task, Reason("same_fingerprint"))
    for one in (*found.counted, found):
        decision = _then(decision, Fold(matter.id, one.id, one.finding.severity), now)
    return decision


def _confirmed(decision: Decision, found: Found, matter_id: int, city: City, now: datetime) -> Decision:
    for event in confirmations(found, decision.task, matter_id, city.policy, city.registry):
        decision = replace(_then(decision, event, now), reason=decision.reason)
    return decision


def _then(before: Decision, event: Fold | Raise, now: datetime) -> Decision:
    """What follows from one more event of the same commit."""
    after = lifecycle.step(before.task, event, now)
    return replace(after, effects=(*before.effects, *after.effects))


async def situation(connection: Connection, city: City, now: datetime) -> dispatch.Situation:
    latest = await positions.latest(connection)
    ages_s = {o: (now - p.taken_at).total_seconds() for o, p in latest.items()}
    fresh_s = city.policy.position_fresh_s
    believed = {o: p.place for o, p in latest.items() if ages_s[o] < AGE_STEPS_MAX * fresh_s}
    load = await choices.loads(connection)
    return dispatch.Situation(
        city.registry, believed, load.real, ages_s=ages_s, drill_tasks=load.drills, etas_s=city.etas_s,
        rule=city.policy.dispatch, fresh_s=fresh_s, burst=city.burst,
    )  # fmt: skip


async def _business(connection: Connection, found: Found, city: City) -> Business:
    finding, policy = found.finding, city.policy
    storm = await weather.now_running(connection, found, city)
    grid = _grid(found, city)
    candidates = await tasks.lock_candidates(
        connection, fingerprint=finding.fingerprint, enterprise=finding.enterprise, drill_id=finding.drill_id,
        place=finding.place, radius_m=policy.join_radius_m, storm=storm.id if storm else None, grid=grid,
    )  # fmt: skip
    since = found.found_at - timedelta(seconds=policy.reopen_within_s)
    closed = await dispositions.last_closed(connection, finding.fingerprint, finding.drill_id, since)
    correlation = correlate(
        found, candidates, policy, InStorm(storm.id, grid) if storm else None,
        Closed(closed.task, closed.closed_at) if closed else None,
    )  # fmt: skip
    return Business(correlation, storm, grid)


def _grid(found: Found, city: City) -> str | None:
    place = found.finding.place
    grid = dispatch.grid_at(Position(place.lat, place.lon), city.registry)
    return grid.id if grid else None


async def _new_task(
    connection: Connection, found: Found, business: Business, storm: Storm | None, city: City, now: datetime
) -> Task:
    why = business.correlation
    assert isinstance(why, OpenNew)
    if why.follows and why.closes:
        closed = replace(why.closes, closed_at=now, closed_reason="followed")
        matters = tuple(closed if m.id == closed.id else m for m in why.follows.matters)
        await tasks.save(connection, [(why.follows, replace(why.follows, matters=matters))])
    task_id, matter_id = await tasks.draw_ids(connection)
    finding, matter = found.finding, matter_of(found, matter_id)
    return Task(
        id=task_id, state=TaskState.OPEN, place=Position(finding.place.lat, finding.place.lon), severity=matter.severity,
        policy=city.policy.task, opened_at=found.found_at, grid=business.grid,
        # A storm's task is many enterprises' business: whose, its matters say.
        enterprise=None if storm else finding.enterprise, drill_id=finding.drill_id, reopened_from=why.reopens,
        storm_id=storm.id if storm else None, matters=(matter,),
    )  # fmt: skip
