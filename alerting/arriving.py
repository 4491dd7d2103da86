"""Arriving: the geofence is around each matter's own place, and who is at one place has not arrived at the others. Pure."""

from dataclasses import replace
from datetime import datetime

from alerting import clocks, handing
from alerting.handing import not_holder
from alerting.steps import Arrive, Decision, Log, refuse, unchanged
from farwatch.domain.finding import Reason
from farwatch.domain.place import Position, distance_m
from farwatch.domain.task import DeadlineKind, Matter, Task, TaskState

COARSEST = 5.0
"""A position coarser than this many times `accuracy_max_m` proves no arrival."""


def arrive(task: Task, event: Arrive, now: datetime) -> Decision:
    """Proven by the place of any open matter, or of any at all where none is left open, and counts for those at that place alone.
    Who has arrived arrives again where nobody was yet."""
    if refusal := not_holder(task, event.actor):
        return refusal
    wanted = unreached(task) if task.state is TaskState.ARRIVED else _open(task) or list(task.matters)
    if not wanted:
        return unchanged(task, "already_arrived")
    if refusal := _unproven(task, event.position):
        return refusal
    assert event.position is not None
    away_m = {m.id: distance_m(event.position, task.place_of(m)) for m in wanted}
    allowed_m = task.policy.geofence_m + min(_accuracy_m(event.position), task.policy.accuracy_max_m)
    reached = sorted(matter for matter, m in away_m.items() if m <= allowed_m)
    nearest_m = round(min(away_m.values()), 1)
    if not reached:
        return refuse(task, "too_far", distance_m=nearest_m, allowed_m=round(allowed_m, 1))
    withdrawn = handing.withdrawn(task, now)
    task = clocks.end_ladder(_arrived(task, reached, now), "arrive", now)
    task, effects = clocks.answer(task, DeadlineKind.ARRIVE, now, matters=reached)
    detail = {"officer": task.officer, "matters": reached, "distance_m": nearest_m}
    arrived = Log("task_arrived", {**detail, "accuracy_m": event.position.accuracy_m})
    return Decision(task, Reason("arrived"), (*effects, arrived, *withdrawn))


def _arrived(task: Task, reached: list[int], now: datetime) -> Task:
    return replace(
        task,
        state=TaskState.ARRIVED,
        arrived_at=task.arrived_at or now,
        handover_to=None,
        matters=tuple(
            replace(m, arrived_at=m.arrived_at or now) if m.id in reached else m for m in task.matters
        ),
    )


def _open(task: Task) -> list[Matter]:
    return [m for m in task.matters if m.closed_at is None]


def unreached(task: Task) -> list[Matter]:
    """At whose places nobody was yet."""
    return [m for m in _open(task) if m.arrived_at is None]


def there_since(task: Task, matter: Matter) -> datetime | None:
    """Since when the officer is at a matter's place; None where that is not sure: somebody, he or who had the task before him,
    was at another place of the visit as well."""
    reached = [m for m in task.matters if m.arrived_at is not None]
    if task.state is not TaskState.ARRIVED or not reached:
        return None
    place = task.place_of(matter)
    if any(distance_m(place, task.place_of(m)) > task.policy.geofence_m for m in reached):
        return None
    return max(m.arrived_at for m in reached if m.arrived_at is not None)


def _unproven(task: Task, at: Position | None) -> Decision | None:
    """The geofence is `geofence_m`, widened by what the device says of its accuracy, up to `accuracy_max_m`; what is far coarser
    proves nothing."""
    if at is None:
        return refuse(task, "position_needed")
    most_m = task.policy.accuracy_max_m * COARSEST
    if _accuracy_m(at) > most_m:
        return refuse(task, "position_too_coarse", accuracy_m=round(_accuracy_m(at), 1), most_m=most_m)
    return None


def _accuracy_m(at: Position) -> float:
    return max(0.0, at.accuracy_m or 0.0)
