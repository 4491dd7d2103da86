"""What the engine does to a task: offers, deadlines, more findings. Each handler stands in the table of lifecycle.py. Pure."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from alerting import arriving, ceasing, clocks
from alerting.handing import anew, open_window
from alerting.steps import (
    CENTRE,
    CITY,
    Decision,
    Delivered,
    Due,
    Effect,
    Fold,
    Join,
    Log,
    Nobody,
    Notify,
    Offer,
    Raise,
    Seek,
    refuse,
    unchanged,
)
from farwatch.domain.finding import Reason
from farwatch.domain.task import Deadline, DeadlineKind, Matter, Task, TaskState

LOOK_AGAIN_S = 15.0
"""How often somebody is looked for again while a task is offered to nobody (shifts begin, officers come back)."""
ONE_MORE_S = 60.0
"""How often one more is looked for while those who are asked are all there was."""
WAITING = (TaskState.OPEN, TaskState.OFFERED)


def offer(task: Task, event: Offer, now: datetime) -> Decision:
    again = task.offered_to.count(event.officer) > 0
    # Only the first offer of all can have no forerunner: after a re-assignment nobody is known to have been asked before.
    occasion = "offer" if task.dispatched_at is None else anew("offer", task, now)
    task = replace(
        task,
        state=TaskState.OFFERED,
        offered_to=task.offered_to if again else (*task.offered_to, event.officer),
        declined_by=tuple(o for o in task.declined_by if o != event.officer),
        dispatched_at=task.dispatched_at or now,
        dispatch=event.reason,
    )
    task, _ = clocks.drop(task, DeadlineKind.DISPATCH, now=now)
    task = open_window(task, event.officer, now)
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
    return Decision(task, event.reason, () if known else _told_centre(task, event, now))


def nobody_more(task: Task, event: Nobody, now: datetime) -> Decision:
    """Who is asked may stay silent for ever: one more is looked for until somebody accepts, and the centre hears a reason once."""
    if task.state is not TaskState.OFFERED or event.to == "lead":
        return Decision(task, event.reason, _told_centre(task, event, now))
    asked = task.dispatch or event.reason
    known = asked.params.get("nobody_more") == event.reason.key
    task = replace(task, dispatch=Reason(asked.key, {**asked.params, "nobody_more": event.reason.key}))
    task = clocks.look_again(task, now + timedelta(seconds=ONE_MORE_S))
    return Decision(task, event.reason, () if known else _told_centre(task, event, now))


def _told_centre(task: Task, event: Nobody, now: datetime) -> tuple[Effect, ...]:
    """Each time anew: since it was told last somebody may have been asked, by the centre itself, and have declined."""
    escalated = Log("escalated", {"to": CENTRE, "wanted": event.to, "reason": event.reason.key})
    return (
        escalated,
        Notify(
            anew(f"nobody:{event.to}:{event.reason.key}", task, now),
            CENTRE,
            event.reason.key,
            event.reason.params,
        ),
    )


def delivered(task: Task, event: Delivered, now: datetime) -> Decision:
    if event.officer not in task.offered_to:
        return refuse(task, "not_offered_to_you")
    if task.delivered_at:
        return unchanged(task, "already_delivered")
    task = replace(task, delivered_at=now)
    return Decision(task, Reason("delivered"), (Log("task_delivered", {"officer": event.officer}),))


def join(task: Task, event: Join, _now: datetime) -> Decision:
    """The new matter has its own t1 and its own clocks; a worse one is offered anew. Who has arrived at its place is there."""
    matter = replace(event.matter, arrived_at=arriving.there_since(task, event.matter))
    worse, waiting = matter.severity > task.severity, task.state in WAITING
    wanted = {"accept": waiting and worse, "arrive": clocks.is_wanted(task, "arrive")}
    more = clocks.clocks_of(
        matter,
        task.policy,
        arrive=matter.arrived_at is None,
        steps_of=[of for of, is_wanted in wanted.items() if is_wanted],
        handle_at=event.handle_at,
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


def fold(task: Task, event: Fold, now: datetime) -> Decision:
    """The condition goes on: the finding is kept with its matter, and a worse one is offered anew."""
    old = next(m for m in task.matters if m.id == event.matter)
    matter = replace(old, findings=(*old.findings, event.finding), ceased_at=None)
    task = clocks.stop(task, DeadlineKind.QUIET, now, matter=matter.id)
    worse = event.severity > task.severity
    task = _grown(task, matter, event.severity, now)
    folded = Log(
        "finding_folded", {"matter": matter.id, "finding": str(event.finding), "severity": event.severity}
    )
    told = _told(task, matter, worse=True, waiting=task.state in WAITING) if worse else ()
    return Decision(task, Reason("same_fingerprint"), (folded, *told))


def _grown(task: Task, matter: Matter, severity: int, now: datetime) -> Task:
    """With `matter` as it is now, of class `severity` at least; a worse class brings its earlier clocks."""
    grown = replace(matter, severity=max(matter.severity, severity))
    task = replace(
        task,
        matters=tuple(grown if m.id == matter.id else m for m in task.matters),
        severity=max(task.severity, severity),
    )
    return (
        clocks.worsened(task, grown, now) if severity > matter.severity and task.handled_at is None else task
    )


def raised(task: Task, event: Raise, now: datetime) -> Decision:
    """Another kind of eye saw the same business: it is worse by so much, and more certain."""
    old = next((m for m in task.matters if m.id == event.matter and m.closed_at is None), None)
    if old is None:
        return refuse(task, "unknown_matter")
    confirmed_by = tuple(dict.fromkeys((*old.confirmed_by, *event.confirmed_by)))
    if confirmed_by == old.confirmed_by and event.severity <= old.severity:
        return unchanged(task, "already_confirmed")
    worse = event.severity > task.severity
    task = _grown(task, replace(old, confirmed_by=confirmed_by), event.severity, now)
    matter = next(m for m in task.matters if m.id == old.id)
    detail = {
        "matter": matter.id, "severity": matter.severity, "confirmed_by": list(confirmed_by), "reason": event.reason.key,
    }  # fmt: skip
    told = _told(task, matter, worse=True, waiting=task.state in WAITING) if worse else ()
    return Decision(task, event.reason, (Log("matter_confirmed", detail), *told))


def _told(task: Task, matter: Matter, *, worse: bool, waiting: bool) -> tuple[Effect, ...]:
    if waiting and worse:
        return (Seek("officer"), *more_at_once(task))
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


def more_at_once(task: Task) -> tuple[Seek, ...]:
    """Those to ask beside the best one, when this class asks several at once."""
    asked = sum(o not in task.declined_by for o in task.offered_to)
    return (Seek("next_officer"),) * (task.policy.clocks(task.severity).ask_at_once - max(1, asked))


def due(task: Task, event: Due, now: datetime) -> Decision:
    deadline = next((d for d in task.deadlines if d.key == event.key), None)
    if deadline is None or not clocks.is_due(deadline, now):
        return refuse(task, "not_due")
    if deadline.kind in clocks.BREACHABLE:
        task, effects = clocks.breach(task, deadline, now)
        return Decision(task, Reason(f"{deadline.kind}_breached"), tuple(effects))
    return _HAPPENS[deadline.kind](clocks.fire(task, deadline, now), deadline, now)


def _look(task: Task, _deadline: Deadline, _now: datetime) -> Decision:
    to = "officer" if task.state is TaskState.OPEN else "next_officer"
    return Decision(task, Reason("looked_again"), (Seek(to),))


def _lapse(task: Task, deadline: Deadline, _now: datetime) -> Decision:
    """One officer's window is over: another is asked too. He may still accept. After a re-assignment the centre, which chose
    him, is told."""
    officer = task.offered_to[deadline.step]
    lapsed = Log("offer_lapsed", {"officer": officer})
    if task.accepted_at is None:
        return Decision(task, Reason("offer_lapsed"), (lapsed, Seek("next_officer")))
    told = Notify(f"lapsed:{officer}:{deadline.due_at.isoformat()}", CENTRE, "offer_lapsed")
    return Decision(task, Reason("offer_lapsed"), (lapsed, told, Seek("next_officer")))


def _escalate(task: Task, deadline: Deadline, _now: datetime) -> Decision:
    rung = task.policy.rungs[deadline.step]
    missing = "not_accepted" if rung.of == "accept" else "not_arrived"
    escalated = Log("escalated", {"to": rung.to, "step": deadline.step, "reason": missing})
    if rung.to not in (CENTRE, CITY):
        return Decision(task, Reason("escalated"), (escalated, Seek(rung.to)))
    key = "escalated" if rung.of == "accept" else "escalated_arrive"
    call = Notify(f"escalated:{deadline.matter}:{deadline.step}", rung.to, key)
    return Decision(task, Reason("escalated"), (escalated, call))


_HAPPENS: dict[DeadlineKind, Callable[[Task, Deadline, datetime], Decision]] = {
    DeadlineKind.DISPATCH: _look,
    DeadlineKind.OFFER: _lapse,
    DeadlineKind.ESCALATE: _escalate,
    DeadlineKind.QUIET: ceasing.cease,
}
