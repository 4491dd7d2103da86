"""A matter that ends by itself: its findings ended, stayed away for a while, and that is noted. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from alerting import clocks
from alerting.steps import Decision, Effect, Ended, Log, Notify
from farwatch.domain.finding import Reason
from farwatch.domain.task import Deadline, DeadlineKind, Matter, Outcome, Task, TaskState

UNTOUCHED = (TaskState.OPEN, TaskState.OFFERED, TaskState.ACCEPTED)
"""A visit that has not begun may be called off; whoever has arrived says himself how it was."""


def ended(task: Task, event: Ended, now: datetime) -> Decision:
    """The last of a matter's findings to end starts its quiet time, until somebody has dealt with it."""
    detail = {"matter": event.matter, "finding": str(event.finding), "ended_at": event.ended_at.isoformat()}
    standing = any(m.id == event.matter and m.closed_at is None for m in task.matters)
    if event.left == 0 and standing and task.handled_at is None:
        quiet = timedelta(seconds=task.policy.quiet_close_s)
        deadline = Deadline(kind=DeadlineKind.QUIET, due_at=now + quiet, matter=event.matter)
        task = clocks.reset(task, deadline)
    return Decision(task, Reason("ended"), (Log("finding_ended", detail),))


def cease(task: Task, deadline: Deadline, now: datetime) -> Decision:
    """It stayed away. A violation keeps its visit; a fault that heals needs none, and a task of nothing else is over."""
    matter = next(m for m in task.matters if m.id == deadline.matter)
    closes = matter.kind in task.policy.closes_itself
    ceased = Log("matter_ceased", {"matter": matter.id, "closed": closes})
    if not closes:
        return Decision(_with(task, replace(matter, ceased_at=now)), Reason("ceased"), (ceased,))
    task = _with(task, replace(matter, ceased_at=now, closed_at=now, closed_reason="ceased"))
    left = [m for m in task.matters if m.closed_at is None]
    if left:
        task = clocks.hand_ladder(task, matter.id, min(left, key=lambda m: m.found_at).id, now)
    kinds = (DeadlineKind.ACCEPT, DeadlineKind.ARRIVE, DeadlineKind.ESCALATE, DeadlineKind.HANDLE)
    task, effects = clocks.drop(task, *kinds, now=now, matter=matter.id)
    if task.state in UNTOUCHED and all(m.closed_at for m in task.matters):
        task, more = _call_off(task, now)
        effects += more
    return Decision(task, Reason("ceased"), (ceased, *effects))


def _call_off(task: Task, now: datetime) -> tuple[Task, list[Effect]]:
    asked = (task.officer,) if task.officer else (o for o in task.offered_to if o not in task.declined_by)
    told = [Notify("ceased", o, "task_ceased") for o in (*asked, task.handover_to) if o]
    task, effects = clocks.drop(task, *DeadlineKind, now=now)
    task = replace(
        task,
        state=TaskState.CLOSED,
        closed_at=now,
        outcome=Outcome.CEASED,
        closed_reason="ceased",
        handover_to=None,
    )
    return task, [*effects, Log("task_closed", {"outcome": Outcome.CEASED.value}), *told]


def _with(task: Task, matter: Matter) -> Task:
    return replace(task, matters=tuple(matter if m.id == matter.id else m for m in task.matters))
