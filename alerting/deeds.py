"""What people do to a task, and who may. Each handler is a row of the table in lifecycle.py. Pure."""

from dataclasses import replace
from datetime import datetime

from alerting import clocks, handing
from alerting.arriving import unreached
from alerting.handing import OVERSEERS, answer_matters, not_asked, not_holder
from alerting.steps import (
    CENTRE,
    Accept,
    Close,
    Decision,
    Decline,
    FalseAlarm,
    Handle,
    Log,
    Notify,
    Verify,
    refuse,
    unchanged,
)
from farwatch.domain.finding import Reason
from farwatch.domain.task import Actor, DeadlineKind, Outcome, Task, TaskState


def accept(task: Task, event: Accept, now: datetime) -> Decision:
    officer = event.actor.officer
    if refusal := not_asked(task, event.actor):
        return refusal
    others = [o for o in task.offered_to if o != officer and o not in task.declined_by]
    task = replace(
        task,
        state=TaskState.ACCEPTED,
        officer=officer,
        accepted_at=task.accepted_at or now,
        dispatched_at=task.dispatched_at or now,
        delivered_at=task.delivered_at or now,
        declined_by=tuple(o for o in task.declined_by if o != officer),
    )
    task, effects = answer_matters(task, now)
    task, _ = clocks.drop(task, DeadlineKind.DISPATCH, DeadlineKind.OFFER, now=now)
    task = clocks.end_ladder(task, "accept", now)
    accepted = Log("task_accepted", {"officer": officer, "matters": [m.id for m in task.matters]})
    told = [Notify(handing.anew("taken", task, now), other, "taken_by_other") for other in others]
    return Decision(task, Reason("accepted"), (*effects, accepted, *told))


def acknowledge(task: Task, event: Accept, now: datetime) -> Decision:
    """One tap more from the officer who has the task: the matters that came later are answered. Who was asked to take it over
    takes it."""
    if task.handover_to is not None and task.handover_to == event.actor.officer:
        return handing.take_over(task, event, now)
    if refusal := not_holder(task, event.actor):
        return refusal
    new = handing.unanswered(task)
    if not new:
        return unchanged(task, "already_accepted")
    task, effects = answer_matters(task, now)
    accepted = Log("task_accepted", {"officer": task.officer, "matters": new})
    return Decision(task, Reason("matters_answered"), (*effects, accepted))


def decline(task: Task, event: Decline, now: datetime) -> Decision:
    officer = event.actor.officer
    if refusal := not_asked(task, event.actor):
        return refusal
    if officer is None or officer in task.declined_by:
        return unchanged(task, "already_declined")
    declined_by = (*task.declined_by, officer)
    waiting = [o for o in task.offered_to if o not in declined_by]
    task = replace(task, declined_by=declined_by, state=TaskState.OFFERED if waiting else TaskState.OPEN)
    task = clocks.stop(task, DeadlineKind.OFFER, now, step=task.offered_to.index(officer))
    declined = Log("task_declined", {"officer": officer, **({"why": event.reason} if event.reason else {})})
    return Decision(clocks.look_again(task, now), Reason("declined"), (declined,))


def _handle(task: Task, event: Handle, now: datetime) -> Decision:
    return (
        not_holder(task, event.actor) or _places_left(task) or _done(task, event.actor, Outcome.HANDLED, now)
    )


def _places_left(task: Task) -> Decision | None:
    """A visit is over when somebody was at every place of it; before that only the centre ends it, and says why."""
    left = unreached(task) if task.state is TaskState.ARRIVED else []
    return refuse(task, "places_left", matters=len(left)) if left else None


def false_alarm(task: Task, event: FalseAlarm, now: datetime) -> Decision:
    if event.actor.role in OVERSEERS:
        return by_centre(task, event, now)
    refusal = not_holder(task, event.actor) or _places_left(task)
    return refusal or _done(task, event.actor, Outcome.FALSE_ALARM, now)


def handle_arrived(task: Task, event: Handle, now: datetime) -> Decision:
    return (by_centre if event.actor.role in OVERSEERS else _handle)(task, event, now)


def by_centre(task: Task, event: Handle | FalseAlarm, now: datetime) -> Decision:
    """The centre may end any visit that nobody can make or prove, and must say why."""
    if event.actor.role not in OVERSEERS:
        return not_holder(task, event.actor) or refuse(task, "wrong_state", state=task.state.value)
    if not event.note.strip():
        return refuse(task, "note_needed")
    return _done(
        task, event.actor, Outcome.HANDLED if isinstance(event, Handle) else Outcome.FALSE_ALARM, now
    )


def _done(task: Task, actor: Actor, outcome: Outcome, now: datetime) -> Decision:
    """Matters that joined unanswered are answered by the visit itself when its officer says that it is over."""
    by_officer = task.officer is not None and actor.officer == task.officer
    withdrawn = handing.withdrawn(task, now)
    task = replace(task, state=TaskState.HANDLED, handled_at=now, outcome=outcome, handover_to=None)
    task, effects = (
        answer_matters(task, now) if by_officer else clocks.drop(task, DeadlineKind.ACCEPT, now=now)
    )
    if outcome is Outcome.HANDLED:
        task, more = clocks.answer(task, DeadlineKind.HANDLE, now)
        effects += more
    task, more = clocks.drop(
        task, *(kind for kind in DeadlineKind if kind is not DeadlineKind.ACCEPT), now=now
    )
    effects += more
    handled = Log("task_handled", {"outcome": outcome.value, "officer": actor.officer})
    return Decision(
        task,
        Reason("handled"),
        (*effects, handled, *withdrawn, Notify("handled", CENTRE, f"done_{outcome.value}", urgent=False)),
    )


def verify(task: Task, event: Verify, now: datetime) -> Decision:
    if event.actor.role not in OVERSEERS:
        return refuse(task, "not_allowed")
    return Decision(
        replace(task, state=TaskState.VERIFIED, verified_at=now), Reason("verified"), (Log("task_verified"),)
    )


def close(task: Task, event: Close, now: datetime) -> Decision:
    if event.actor.role not in OVERSEERS:
        return refuse(task, "not_allowed")
    matters = tuple(m if m.closed_at else replace(m, closed_at=now) for m in task.matters)
    task = replace(task, state=TaskState.CLOSED, closed_at=now, matters=matters)
    return Decision(task, Reason("closed"), (Log("task_closed", {"outcome": task.outcome}),))
