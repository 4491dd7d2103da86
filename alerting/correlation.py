"""Whose business a finding is: folded into its matter, joined to a visit, or a task of its own. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from alerting.steps import Raise
from alerting.storms import MOST_MATTERS
from farwatch.domain.finding import Finding, Kind, Reason, Severity
from farwatch.domain.place import Position, distance_m
from farwatch.domain.policy import Policy
from farwatch.domain.registry import Registry
from farwatch.domain.task import Matter, Task, TaskState

FAULTS = (Kind.CAMERA_FAULT, Kind.DATA_FAULT)
"""Of equipment: they confirm nothing."""
CONFIRMED = Reason("camera_and_monitor")
NOT_YET_HANDLED = (TaskState.OPEN, TaskState.OFFERED, TaskState.ACCEPTED, TaskState.ARRIVED)


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as it was committed. `found_at` is t1 of what it leads to: the commit of the finding, or of the decision that
    a warned enterprise did not stop, or that a silence was over. `counted`: the earlier ones of its business that were
    counted before it, the first one first."""

    id: UUID
    finding: Finding
    found_at: datetime
    counted: tuple["Found", ...] = ()


@dataclass(frozen=True, slots=True)
class InStorm:
    """A storm runs; the finding's place lies in `grid`."""

    storm: int
    grid: str | None


@dataclass(frozen=True, slots=True)
class Closed:
    """The last matter of the same fingerprint that was closed, with its task."""

    task: int
    closed_at: datetime


@dataclass(frozen=True, slots=True)
class FoldInto:
    task: Task
    matter: Matter
    reason: Reason


@dataclass(frozen=True, slots=True)
class JoinTo:
    task: Task
    reason: Reason


@dataclass(frozen=True, slots=True)
class OpenNew:
    """`follows` is the task of an earlier visit for the same business, whose matter `closes` ends now; `reopens` names it, or
    the closed one that this business comes back from."""

    reason: Reason
    follows: Task | None = None
    closes: Matter | None = None
    reopens: int | None = None


Correlation = FoldInto | JoinTo | OpenNew


def correlate(
    found: Found,
    tasks: Sequence[Task],
    policy: Policy,
    storm: InStorm | None = None,
    closed: Closed | None = None,
) -> Correlation:
    """Decides among `tasks`, all that are not closed and could matter; a drill's and real business never mix."""
    same_world = [
        t for t in tasks if t.state is not TaskState.CLOSED and t.drill_id == found.finding.drill_id
    ]
    for task in same_world:
        if matter := _open_matter(task, found.finding.fingerprint):
            return _fold_or_follow(found, task, matter)
    to_come = [t for t in same_world if t.state in NOT_YET_HANDLED]
    return _joined(found, to_come, policy, storm) or _opened(found, policy, closed)


def _joined(found: Found, to_come: Sequence[Task], policy: Policy, storm: InStorm | None) -> JoinTo | None:
    for task in to_come:
        if storm and _in_storm(found, task, storm):
            return JoinTo(task, Reason("storm", {"task": task.id, "storm": storm.storm}))
    for task in to_come:
        if found.finding.enterprise is not None and found.finding.enterprise == task.enterprise:
            return JoinTo(task, Reason("same_enterprise", {"task": task.id}))
    for task in to_come:
        if reason := _why_near(found, task, policy):
            return JoinTo(task, reason)
    return None


def _opened(found: Found, policy: Policy, closed: Closed | None) -> OpenNew:
    if closed and found.found_at - closed.closed_at <= timedelta(seconds=policy.reopen_within_s):
        return OpenNew(Reason("again_after_closed", {"task": closed.task}), reopens=closed.task)
    return OpenNew(Reason("no_open_task"))


def _in_storm(found: Found, task: Task, storm: InStorm) -> bool:
    return (
        (task.storm_id, task.grid) == (storm.storm, storm.grid)
        and task.matters[0].kind is found.finding.kind
        and len(task.matters) < MOST_MATTERS
    )


def _open_matter(task: Task, fingerprint: str) -> Matter | None:
    return next((m for m in task.matters if m.fingerprint == fingerprint and m.closed_at is None), None)


def _fold_or_follow(found: Found, task: Task, matter: Matter) -> Correlation:
    """After the visit a while of quiet is granted; what is found again later needs another visit, verified or not."""
    quiet = timedelta(seconds=task.policy.quiet_close_s)
    if task.handled_at and found.found_at > task.handled_at + quiet:
        return OpenNew(
            Reason("again_after_handled", {"task": task.id}), follows=task, closes=matter, reopens=task.id
        )
    return FoldInto(task, matter, Reason("same_fingerprint", {"task": task.id}))


def _why_near(found: Found, task: Task, policy: Policy) -> Reason | None:
    away_m = distance_m(found.finding.place, task.place)
    apart = min(abs(found.found_at - m.found_at) for m in task.matters)
    if away_m <= policy.join_radius_m and apart <= timedelta(seconds=policy.join_within_s):
        return Reason(
            "near", {"task": task.id, "distance_m": round(away_m, 1), "apart_s": apart.total_seconds()}
        )
    return None


def matter_of(found: Found, matter_id: int) -> Matter:
    """Counted findings are its too: the event began with the first of them, t1 is the one that made the number full."""
    f, all_of_it = found.finding, (*found.counted, found)
    first = all_of_it[0].finding.place
    return Matter(
        id=matter_id, fingerprint=f.fingerprint, kind=f.kind, found_at=found.found_at,
        event_at=min(one.finding.onset_at for one in all_of_it), severity=max(one.finding.severity for one in all_of_it),
        reason=f.reason, station=f.station, camera=f.camera, code=f.code, zone=f.zone, place=Position(first.lat, first.lon),
        findings=tuple(one.id for one in all_of_it),
    )  # fmt: skip


def confirmations(
    found: Found, task: Task, matter_id: int, policy: Policy, registry: Registry
) -> tuple[Raise, ...]:
    """A camera and a monitor of one enterprise that found something within a while of each other confirm each other, once:
    both are a class worse than each says alone. `found` has just become, or gone into, the matter `matter_id` of `task`."""
    mine = next(m for m in task.matters if m.id == matter_id)
    if found.finding.enterprise is None or mine.kind in FAULTS or task.state not in NOT_YET_HANDLED:
        return ()
    raised: list[Raise] = []
    severity, confirmed_by = mine.severity, mine.confirmed_by
    for other in task.matters:
        if (
            not _confirms(found, mine, other, policy)
            or _enterprise(other, task, registry) != found.finding.enterprise
        ):
            continue
        severity, confirmed_by = _worse(severity), (*confirmed_by, other.id)
        raised.append(Raise(other.id, _worse(other.severity), (*other.confirmed_by, mine.id), CONFIRMED))
    return (*raised, Raise(mine.id, severity, confirmed_by, CONFIRMED)) if raised else ()


def _confirms(found: Found, mine: Matter, other: Matter, policy: Policy) -> bool:
    two_ways = (mine.camera is None) != (other.camera is None)
    fresh = other.closed_at is None and other.id not in mine.confirmed_by and other.kind not in FAULTS
    apart = abs(found.found_at - other.found_at)
    return two_ways and fresh and apart <= timedelta(seconds=policy.confirm_within_s)


def _enterprise(matter: Matter, task: Task, registry: Registry) -> str | None:
    """Of a subject that is no longer registered: the task's."""
    subject = registry.cameras.get(matter.camera or "") or registry.stations.get(matter.station or "")
    return subject.enterprise if subject else task.enterprise


def _worse(severity: int) -> int:
    return min(severity + 1, Severity.CRITICAL)
