"""Whose business a finding is: folded into its matter, joined to a visit, or a task of its own. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from farwatch.domain.finding import Finding, Reason
from farwatch.domain.place import distance_m
from farwatch.domain.policy import Policy
from farwatch.domain.task import Matter, Task, TaskState

NOT_YET_HANDLED = (TaskState.OPEN, TaskState.OFFERED, TaskState.ACCEPTED, TaskState.ARRIVED)


@dataclass(frozen=True, slots=True)
class Found:
    """A finding as it was committed. `found_at` is t1 of what it leads to: the commit of the finding, or of the decision that
    a warned enterprise did not stop."""

    id: UUID
    finding: Finding
    found_at: datetime


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
    """`follows` is the task of an earlier visit for the same business, whose matter `closes` ends now."""

    reason: Reason
    follows: Task | None = None
    closes: Matter | None = None


Correlation = FoldInto | JoinTo | OpenNew


def correlate(found: Found, tasks: Sequence[Task], policy: Policy) -> Correlation:
    """Decides among `tasks`, all that are not closed and could matter; a drill's and real business never mix."""
    same_world = [
        t for t in tasks if t.state is not TaskState.CLOSED and t.drill_id == found.finding.drill_id
    ]
    for task in same_world:
        if matter := _open_matter(task, found.finding.fingerprint):
            return _fold_or_follow(found, task, matter)
    to_come = [t for t in same_world if t.state in NOT_YET_HANDLED]
    for task in to_come:
        if found.finding.enterprise is not None and found.finding.enterprise == task.enterprise:
            return JoinTo(task, Reason("same_enterprise", {"task": task.id}))
    for task in to_come:
        if reason := _why_near(found, task, policy):
            return JoinTo(task, reason)
    return OpenNew(Reason("no_open_task"))


def _open_matter(task: Task, fingerprint: str) -> Matter | None:
    return next((m for m in task.matters if m.fingerprint == fingerprint and m.closed_at is None), None)


def _fold_or_follow(found: Found, task: Task, matter: Matter) -> Correlation:
    """After the visit a while of quiet is granted; what is found again later needs another visit, verified or not."""
    quiet = timedelta(seconds=task.policy.quiet_close_s)
    if task.handled_at and found.found_at > task.handled_at + quiet:
        return OpenNew(Reason("again_after_handled", {"task": task.id}), follows=task, closes=matter)
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
    f = found.finding
    return Matter(
        id=matter_id, fingerprint=f.fingerprint, kind=f.kind, found_at=found.found_at, event_at=f.onset_at,
        severity=f.severity, reason=f.reason, station=f.station, camera=f.camera, code=f.code, zone=f.zone,
        findings=(found.id,),
    )  # fmt: skip
