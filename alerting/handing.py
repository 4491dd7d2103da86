"""Who has a task, and how it changes hands: re-assigned by the centre, handed over by its holder; and breaches excused. Pure.

Why somebody did so is in his deed's note, which can be erased: the log, which cannot, has its commitment alone."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from alerting import clocks
from alerting.steps import (
    CENTRE,
    Accept,
    Decision,
    Decline,
    Effect,
    Excuse,
    HandOver,
    Log,
    Notify,
    Offer,
    Reassign,
    refuse,
    unchanged,
)
from farwatch.domain.finding import Reason
from farwatch.domain.task import Actor, Deadline, DeadlineKind, DeadlineState, Task, TaskState

OVERSEERS = ("centre", "admin")


def not_asked(task: Task, actor: Actor) -> Decision | None:
    if actor.officer is None:
        return refuse(task, "not_an_officer")
    return None if actor.officer in task.offered_to else refuse(task, "not_offered_to_you")


def not_holder(task: Task, actor: Actor) -> Decision | None:
    if refusal := not_asked(task, actor):
        return refusal
    if task.officer is None:
        return refuse(task, "wrong_state", state=task.state.value)
    return None if actor.officer == task.officer else refuse(task, "taken_by_other")


def unanswered(task: Task) -> list[int]:
    return [m.id for m in task.matters if m.accepted_at is None and m.closed_at is None]


def answer_matters(task: Task, now: datetime) -> tuple[Task, list[Effect]]:
    answered = tuple(m if m.accepted_at or m.closed_at else replace(m, accepted_at=now) for m in task.matters)
    return clocks.answer(replace(task, matters=answered), DeadlineKind.ACCEPT, now)


def reassign(task: Task, event: Reassign, now: datetime) -> Decision:
    """At once: who had it has it no longer and cannot take it back, unless he is asked again. The first t4 and t5 stay, the
    clocks run on."""
    if event.actor.role not in OVERSEERS:
        return refuse(task, "not_allowed")
    if not event.note.strip():
        return refuse(task, "note_needed")
    asked = [o for o in task.offered_to if o not in task.declined_by]
    if event.to == task.officer or asked == [event.to]:
        return refuse(task, "same_officer")
    before, had = task, [o for o in (task.officer,) if o]
    task, _ = clocks.drop(task, DeadlineKind.DISPATCH, DeadlineKind.OFFER, now=now)
    task = replace(
        task,
        state=TaskState.OFFERED,
        officer=None,
        handover_to=None,
        offered_to=(event.to,),
        declined_by=tuple(o for o in dict.fromkeys((*task.declined_by, *had)) if o != event.to),
        dispatched_at=task.dispatched_at or now,
        dispatch=Reason("reassigned", {"by": event.actor.name}),
    )
    detail = {"officer": event.to, "former": before.officer}
    told = (Notify(anew("withdrawn", task, now), o, "withdrawn") for o in asked if o != event.to)
    offered = Notify(anew("offer", task, now), event.to, "offered", {"severity": task.severity})
    return Decision(
        open_window(task, event.to, now),
        Reason("reassigned"),
        (Log("task_reassigned", detail), offered, *told),
    )


def anew(occasion: str, task: Task, now: datetime) -> str:
    """Told again, although the same was told before."""
    return f"{occasion}:{task.matters[-1].id}:{now.isoformat()}"


def open_window(task: Task, officer: str, now: datetime) -> Task:
    """His accept window begins."""
    window = task.policy.clocks(task.severity).window
    step = task.offered_to.index(officer)
    return clocks.reset(task, Deadline(kind=DeadlineKind.OFFER, due_at=now + window, step=step))


def hand_over(task: Task, event: HandOver, now: datetime) -> Decision:
    if refusal := not_holder(task, event.actor):
        return refusal
    if not event.note.strip():
        return refuse(task, "note_needed")
    if event.to == task.officer:
        return refuse(task, "same_officer")
    if event.to == task.handover_to:
        return unchanged(task, "already_asked")
    earlier = withdrawn(task, now)
    task = replace(task, handover_to=event.to)
    asked = Log("handover_asked", {"officer": event.to, "former": task.officer})
    offered = Notify(
        anew("offer_handover", task, now), event.to, "handover_asked", {"severity": task.severity}
    )
    return Decision(task, Reason("handover_asked"), (asked, offered, *earlier))


def offer_over(task: Task, event: Offer, now: datetime) -> Decision:
    """Nobody arrives: one more is asked, to take it over from its holder, instead of whom dispatch asked before. Whom the holder
    asked himself gives way to the lead only; where nobody can be asked, the centre is told."""
    by_dispatch = task.dispatch is not None and task.dispatch.params.get("take_over") == task.handover_to
    stays = task.handover_to is not None and not by_dispatch and event.to != "lead"
    if stays or event.officer in (task.officer, task.handover_to):
        told = Notify(anew("escalated:arrive", task, now), CENTRE, "escalated_arrive")
        return Decision(task, Reason("already_asked"), (told,))
    earlier = withdrawn(task, now)
    detail = {"officer": event.officer, "to": event.to, "reason": event.reason.key, **event.reason.params}
    offered = Notify(
        anew("offer_handover", task, now), event.officer, "handover_asked", {"severity": task.severity}
    )
    why = task.dispatch or event.reason
    task = replace(
        task,
        handover_to=event.officer,
        dispatch=Reason(why.key, {**why.params, "take_over": event.officer}),
    )
    return Decision(task, event.reason, (Log("task_offered", detail), offered, *earlier))


def withdrawn(task: Task, now: datetime) -> Sequence[Effect]:
    """What follows when a hand over that was asked for is off."""
    if task.handover_to is None:
        return ()
    return (Notify(anew("withdrawn", task, now), task.handover_to, "withdrawn"),)


def take_over(task: Task, _event: Accept, now: datetime) -> Decision:
    """Who was asked says yes, to all matters there are: he is the holder from now on; whose it was cannot take it back."""
    to, had = task.handover_to, task.officer
    assert to is not None
    assert had is not None
    new = unanswered(task)
    task, effects = answer_matters(task, now)
    task = replace(
        task,
        officer=to,
        handover_to=None,
        offered_to=tuple(o for o in dict.fromkeys((*task.offered_to, to)) if o != had),
        declined_by=tuple(o for o in dict.fromkeys((*task.declined_by, had)) if o != to),
    )
    done = Log("task_handed_over", {"officer": to, "former": had, **({"matters": new} if new else {})})
    told = Notify(anew("handed_over", task, now), had, "handed_over", urgent=False)
    return Decision(task, Reason("handed_over"), (*effects, done, told))


def decline_over(task: Task, event: Decline, now: datetime) -> Decision:
    """Who was asked to take it over says no: it stays where it is."""
    if task.handover_to is None or task.handover_to != event.actor.officer:
        return refuse(task, "wrong_state", state=task.state.value)
    assert task.officer is not None
    said = Log(
        "handover_declined", {"officer": task.handover_to, **({"why": event.reason} if event.reason else {})}
    )
    told = Notify(anew("handover_declined", task, now), task.officer, "handover_declined")
    return Decision(replace(task, handover_to=None), Reason("handover_declined"), (said, told))


def excuse(task: Task, event: Excuse, now: datetime) -> Decision:
    """It stays a breach; reports show both."""
    if event.actor.role not in OVERSEERS and not event.lead_of:
        return refuse(task, "not_allowed")
    if not event.reason.strip():
        return refuse(task, "note_needed")
    missed = [
        d for d in task.deadlines
        if d.kind is event.kind and d.state is DeadlineState.BREACHED and event.matter in (None, d.matter)
    ]  # fmt: skip
    if not missed:
        return refuse(task, "nothing_to_excuse")
    left = {d.key for d in missed if d.excused_at is None}
    if not left:
        return refuse(task, "already_excused")
    task = replace(task, deadlines=tuple(
        replace(d, excused_at=now, excused_by=event.actor.name, excuse=event.reason) if d.key in left else d
        for d in task.deadlines
    ))  # fmt: skip
    detail = {"deadline": event.kind.value, "matters": sorted({d.matter or 0 for d in missed})}
    return Decision(task, Reason("breach_excused"), (Log("breach_excused", detail),))
