"""A task's deadlines: setting, answering and missing them. In time means: at `due_at` or before."""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta

from alerting.steps import CENTRE, LEAD, Effect, Log, Notify
from farwatch.domain import calendar
from farwatch.domain.calendar import WorkCalendar
from farwatch.domain.policy import TaskPolicy
from farwatch.domain.task import Deadline, DeadlineKind, DeadlineState, Matter, Task, TaskState

BREACHABLE = (DeadlineKind.ACCEPT, DeadlineKind.ARRIVE, DeadlineKind.HANDLE)
PENDING, BREACHED, CANCELLED = DeadlineState.PENDING, DeadlineState.BREACHED, DeadlineState.CANCELLED


def clocks_of(
    matter: Matter,
    policy: TaskPolicy,
    *,
    arrive: bool,
    steps_of: Collection[str],
    handle_at: datetime | None = None,
) -> tuple[Deadline, ...]:
    """The deadlines of one matter, all from its t1. `arrive` while nobody is at its place; `steps_of`: the deeds (accept, arrive)
    whose steps are still wanted."""

    def at(kind: DeadlineKind, after_s: float, step: int = 0) -> Deadline:
        due_at = matter.found_at + timedelta(seconds=after_s)
        return Deadline(kind=kind, due_at=due_at, matter=matter.id, step=step)

    own = policy.clocks(matter.severity)
    clocks = [at(DeadlineKind.ACCEPT, own.accept_s)]
    if arrive:
        clocks.append(at(DeadlineKind.ARRIVE, own.arrive_s))
    for step, rung in enumerate(own.escalation, policy.first_rung(matter.severity)):
        if rung.of in steps_of:
            clocks.append(at(DeadlineKind.ESCALATE, rung.after_s, step))
    if handle_at is not None:
        clocks.append(Deadline(kind=DeadlineKind.HANDLE, due_at=handle_at, matter=matter.id))
    return tuple(clocks)


def handle_at(matter: Matter, policy: TaskPolicy, work: WorkCalendar) -> datetime | None:
    """The legal limit of a matter of this kind, from its t1; None where the policy sets none. Raises CalendarError."""
    rule = next((h for h in policy.handling if h.kind == matter.kind), None)
    return calendar.due(matter.found_at, rule.amount, rule.unit, work) if rule else None


def worsened(task: Task, matter: Matter, now: datetime) -> Task:
    """`matter` became worse at `now`: what its class asks for earlier than what runs is added, counted from now; nothing moves."""
    own, more = task.policy.clocks(matter.severity), list[Deadline]()
    for kind, after_s in ((DeadlineKind.ACCEPT, own.accept_s), (DeadlineKind.ARRIVE, own.arrive_s)):
        running = [d for d in task.deadlines if (d.kind, d.matter) == (kind, matter.id)]
        due_at = now + timedelta(seconds=after_s)
        if any(d.state is PENDING for d in running) and all(due_at < d.due_at for d in running):
            more.append(
                Deadline(kind=kind, due_at=due_at, matter=matter.id, step=1 + max(d.step for d in running))
            )
    rungs, known = task.policy.rungs, {d.key for d in task.deadlines}
    for step, rung in enumerate(own.escalation, task.policy.first_rung(matter.severity)):
        due_at = now + timedelta(seconds=rung.after_s)
        again = any(
            (rungs[d.step].to, rungs[d.step].of) == (rung.to, rung.of) and d.due_at <= due_at
            for d in task.deadlines
            if (d.kind, d.matter) == (DeadlineKind.ESCALATE, matter.id) and d.state is not CANCELLED
        )
        if not again and is_wanted(task, rung.of) and (DeadlineKind.ESCALATE, matter.id, step) not in known:
            more.append(Deadline(kind=DeadlineKind.ESCALATE, due_at=due_at, matter=matter.id, step=step))
    return replace(task, deadlines=(*task.deadlines, *more))


def is_wanted(task: Task, of: str) -> bool:
    """Is the deed that a step waits for still to come?"""
    return task.officer is None if of == "accept" else task.state is not TaskState.ARRIVED


def is_due(deadline: Deadline, now: datetime) -> bool:
    """A target is missed only after its instant; what merely happens at an instant happens at it."""
    if deadline.state is not PENDING:
        return False
    return now > deadline.due_at if deadline.kind in BREACHABLE else now >= deadline.due_at


def look_again(task: Task, due_at: datetime) -> Task:
    """(Re)sets the one deadline by which somebody to send is looked for again."""
    return reset(task, Deadline(kind=DeadlineKind.DISPATCH, due_at=due_at))


def reset(task: Task, deadline: Deadline) -> Task:
    """One of those that may run anew: dispatch, offer, quiet."""
    return replace(task, deadlines=(*(d for d in task.deadlines if d.key != deadline.key), deadline))


def stop(task: Task, kind: DeadlineKind, now: datetime, *, matter: int | None = None, step: int = 0) -> Task:
    """The one such deadline that must not fire any more, if it still runs."""
    key = (kind, matter, step)
    return replace(task, deadlines=tuple(
        replace(d, state=CANCELLED, decided_at=now) if d.key == key and d.state is PENDING else d for d in task.deadlines
    ))  # fmt: skip


def answer(
    task: Task, kind: DeadlineKind, now: datetime, *, matters: Collection[int] | None = None
) -> tuple[Task, list[Effect]]:
    """The deed itself, received at `now`: deadlines of `kind` (of some matters, or of all) are met, or breached when it came too
    late; a breach that was decided although the deed was received in time is revoked."""
    return _settle(task, kind, now, DeadlineState.MET, matters)


def drop(
    task: Task, *kinds: DeadlineKind, now: datetime, matter: int | None = None
) -> tuple[Task, list[Effect]]:
    """The deed is no longer wanted: pending deadlines (of one matter, or of all) are cancelled, but those already missed are
    breached all the same."""
    effects: list[Effect] = []
    for kind in kinds:
        task, more = _settle(task, kind, now, CANCELLED, None if matter is None else (matter,))
        effects += more
    return task, effects


def end_ladder(task: Task, of: str, now: datetime) -> Task:
    """The deed that these steps waited for was done."""
    rungs = task.policy.rungs
    ended = [
        d for d in task.deadlines
        if d.kind is DeadlineKind.ESCALATE and d.state is PENDING and rungs[d.step].of == of
    ]  # fmt: skip
    for deadline in ended:
        task = _with(task, replace(deadline, state=CANCELLED, decided_at=now))
    return task


def hand_ladder(task: Task, matter: int, heir: int, now: datetime) -> Task:
    """`matter` is over, and the steps that it brought wait for the visit, which others still need: they go on as those of
    `heir`, but for the steps that are there already."""
    going = [
        d for d in task.deadlines
        if (d.kind, d.matter, d.state) == (DeadlineKind.ESCALATE, matter, PENDING)
    ]  # fmt: skip
    rungs, known = task.policy.rungs, {d.key for d in task.deadlines}
    for deadline in going:
        to_come = any(
            d.kind is DeadlineKind.ESCALATE and d.state is PENDING and d.matter != matter and d.due_at <= deadline.due_at
            and (rungs[d.step].to, rungs[d.step].of) == (rungs[deadline.step].to, rungs[deadline.step].of)
            for d in task.deadlines
        )  # fmt: skip
        task = _with(task, replace(deadline, state=CANCELLED, decided_at=now))
        if not to_come and (DeadlineKind.ESCALATE, heir, deadline.step) not in known:
            task = replace(task, deadlines=(*task.deadlines, replace(deadline, matter=heir)))
    return task


def _settle(
    task: Task, kind: DeadlineKind, now: datetime, in_time: DeadlineState, matters: Collection[int] | None
) -> tuple[Task, list[Effect]]:
    settled: list[Deadline] = []
    effects: list[Effect] = []
    for deadline in task.deadlines:
        if deadline.kind is not kind or (matters is not None and deadline.matter not in matters):
            settled.append(deadline)
            continue
        if deadline.state is PENDING:
            if kind in BREACHABLE and now > deadline.due_at:
                deadline, said = _breached(deadline, now)
                effects += said
            else:
                deadline = replace(deadline, state=in_time, decided_at=now)
        elif deadline.state is BREACHED and now <= deadline.due_at:
            deadline = replace(deadline, state=in_time, decided_at=now)
            detail = {
                "deadline": kind.value,
                "matter": deadline.matter,
                "due_at": deadline.due_at.isoformat(),
                **_step(deadline),
            }
            effects.append(Log("breach_revoked", detail))
        settled.append(deadline)
    return replace(task, deadlines=tuple(settled)), effects


def breach(task: Task, deadline: Deadline, now: datetime) -> tuple[Task, list[Effect]]:
    late, effects = _breached(deadline, now)
    if deadline.kind is DeadlineKind.HANDLE:
        effects += [replace(e, target=LEAD) for e in effects if isinstance(e, Notify)]
    return _with(task, late), effects


def fire(task: Task, deadline: Deadline, now: datetime) -> Task:
    return _with(task, replace(deadline, state=DeadlineState.FIRED, decided_at=now))


def _with(task: Task, deadline: Deadline) -> Task:
    return replace(task, deadlines=tuple(deadline if d.key == deadline.key else d for d in task.deadlines))


def _step(deadline: Deadline) -> dict[str, object]:
    return {"step": deadline.step} if deadline.step else {}


def _breached(deadline: Deadline, now: datetime) -> tuple[Deadline, list[Effect]]:
    late_s = round((now - deadline.due_at).total_seconds(), 3)
    kind = deadline.kind.value
    log = Log(
        "deadline_breached",
        {
            "deadline": kind,
            "matter": deadline.matter,
            "due_at": deadline.due_at.isoformat(),
            "late_s": late_s,
            **_step(deadline),
        },
    )
    occasion = f"breach_{kind}:{deadline.matter}" + (f":{deadline.step}" if deadline.step else "")
    notice = Notify(occasion, CENTRE, f"breached_{kind}", {"late_s": late_s})
    return replace(deadline, state=BREACHED, decided_at=now), [log, notice]
