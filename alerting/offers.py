"""What the engine does to a task: offers, deadlines, more findings. Each handler stands in the table of lifecycle.py. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from alerting import clocks
from alerting.steps import (
    CENTRE,
    Decision,
    Delivered,
    Due,
    Effect,
    Ended,
    Fold,
    Join,
    Log,
    Nobody,
    Notify,
    Offer,
    Seek,
    refuse,
    unchanged,
)
from farwatch.domain.finding import Reason
from farwatch.domain.task import DeadlineKind, Matter, Task, TaskState

LOOK_AGAIN_S = 15.0
"""How often somebody is looked for again while a task is offered to nobody (shifts begin, officers come back)."""
WAITING = (TaskState.OPEN, TaskState.OFFERED)


def offer(task: Task, event: Offer, now: datetime) -> Decision:
    again = task.offered_to.count(event.officer) > 0
    occasion = f"offer:{task.matters[-1].id}:{task.severity}" if again else "offer"
    task = replace(
        task,
        state=TaskState.OFFERED,
        offered_to=task.offered_to if again else (*task.offered_to, event.officer),
        declined_by=tuple(o for o in task.declined_by if o != event.officer),
        dispatched_at=task.dispatched_at or now,
        dispatch=event.reason,
    )
    task, _ = clocks.drop(task, DeadlineKind.DISPATCH, now)
    detail = {"officer": event.officer, "to": event.to, "reason": event.reason.key, **event.reason.params}
    return Decision(
        task,
        event.reason,
        (
            Log("task_offered", detail),
            Notify(occasion, event.officer, "offered", {"severity": task.severity}),
        ),
    )


def nobody_yet(task: Task, event: Nobody, now: datetime) -> Decision:
    """The centre is told at once, the clocks run, and somebody is looked for again soon."""
    known = task.dispatch == event.reason
    task = clocks.look_again(replace(task, dispatch=event.reason), now + timedelta(seconds=LOOK_AGAIN_S))
    return Decision(task, event.reason, () if known else _told_centre(event))


def nobody_more(task: Task, event: Nobody, _now: datetime) -> Decision:
    return Decision(task, event.reason, _told_centre(event))


def _told_centre(event: Nobody) -> tuple[Effect, ...]:
    escalated = Log("escalated", {"to": CENTRE, "wanted": event.to, "reason": event.reason.key})
    return (
        escalated,
        Notify(f"nobody:{event.to}:{event.reason.key}", CENTRE, event.reason.key, event.reason.params),
    )


def delivered(task: Task, event: Delivered, now: datetime) -> Decision:
    if event.officer not in task.offered_to:
        return refuse(task, "not_offered_to_you")
    if task.delivered_at:
        return unchanged(task, "already_delivered")
    task = replace(task, delivered_at=now)
    return Decision(task, Reason("delivered"), (Log("task_delivered", {"officer": event.officer}),))


def join(task: Task, event: Join, _now: datetime) -> Decision:
    """The new matter has its own t1 and its own clocks; a worse one is offered anew."""
    matter, worse, waiting = (
        event.matter,
        event.matter.severity > task.severity,
        task.state in WAITING,
    )
    more = clocks.clocks_of(
        matter, task.policy, arrive=task.state is not TaskState.ARRIVED, ladder=waiting and worse
    )
    task = replace(
        task,
        matters=(*task.matters, matter),
        deadlines=(*task.deadlines, *more),
        severity=max(task.severity, matter.severity),
    )
    joined = Log(
        "matter_joined",
        {
            "matter": matter.id,
            "kind": matter.kind.value,
            "severity": matter.severity,
            "reason": event.reason.key,
        },
    )
    return Decision(task, event.reason, (joined, *_told(task, matter, worse=worse, waiting=waiting)))


def fold(task: Task, event: Fold, _now: datetime) -> Decision:
    """The same business goes on: the finding is kept with its matter, and a worse one is offered anew."""
    old = next(m for m in task.matters if m.id == event.matter)
    worse = event.severity > task.severity
    matter = replace(old, findings=(*old.findings, event.finding), severity=max(old.severity, event.severity))
    task = replace(
        task,
        matters=tuple(matter if m.id == matter.id else m for m in task.matters),
        severity=max(task.severity, event.severity),
    )
    folded = Log(
        "finding_folded", {"matter": matter.id, "finding": str(event.finding), "severity": event.severity}
    )
    told = _told(task, matter, worse=True, waiting=task.state in WAITING) if worse else ()
    return Decision(task, Reason("same_fingerprint"), (folded, *told))


def _told(task: Task, matter: Matter, *, worse: bool, waiting: bool) -> tuple[Effect, ...]:
    if waiting and worse:
        return (Seek("officer"),)
    params = {"kind": matter.kind.value, "severity": matter.severity}
    occasion = f"matter:{matter.id}:{matter.severity}"
    asked = (task.officer,) if task.officer else (o for o in task.offered_to if o not in task.declined_by)
    notices = tuple(Notify(occasion, officer, "matter_joined", params) for officer in asked)
    if task.officer and worse:
        return (
            Log("task_offered", {"officer": task.officer, "to": "holder", "reason": "worse_matter"}),
            *notices,
        )
    return notices


def fold_after(task: Task, event: Fold, now: datetime) -> Decision:
    """It is seen again after the visit, before anybody verified that it is over: the centre must know."""
    decision = fold(replace(task, severity=max(task.severity, event.severity)), event, now)
    again = Notify(f"again:{event.finding}", CENTRE, "again_after_handled")
    return replace(decision, reason=Reason("again_after_handled"), effects=(*decision.effects, again))


def ended(task: Task, event: Ended, _now: datetime) -> Decision:
    detail = {"matter": event.matter, "finding": str(event.finding), "ended_at": event.ended_at.isoformat()}
    return Decision(task, Reason("ended"), (Log("finding_ended", detail),))


def due(task: Task, event: Due, now: datetime) -> Decision:
    deadline = next((d for d in task.deadlines if d.key == event.key), None)
    if deadline is None or not clocks.is_due(deadline, now):
        return refuse(task, "not_due")
    if deadline.kind in clocks.BREACHABLE:
        task, effects = clocks.breach(task, deadline, now)
        return Decision(task, Reason(f"{deadline.kind}_breached"), tuple(effects))
    task = clocks.fire(task, deadline, now)
    if deadline.kind is DeadlineKind.DISPATCH:
        return Decision(
            task,
            Reason("looked_again"),
            (Seek("officer" if task.state is TaskState.OPEN else "next_officer"),),
        )
    to = task.policy.escalation[deadline.step].to
    escalated = Log("escalated", {"to": to, "step": deadline.step, "reason": "not_accepted"})
    call: Effect = Notify(f"escalated:{deadline.matter}:{deadline.step}", CENTRE, "escalated")
    return Decision(task, Reason("escalated"), (escalated, call if to == CENTRE else Seek(to)))
