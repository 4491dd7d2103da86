"""A task's deadlines: setting, answering and missing them. In time means: at `due_at` or before."""

from dataclasses import replace
from datetime import datetime, timedelta

from alerting.steps import CENTRE, Effect, Log, Notify
from farwatch.domain.policy import TaskPolicy
from farwatch.domain.task import Deadline, DeadlineKind, DeadlineState, Matter, Task

BREACHABLE = (DeadlineKind.ACCEPT, DeadlineKind.ARRIVE)
PENDING, BREACHED = DeadlineState.PENDING, DeadlineState.BREACHED


def clocks_of(matter: Matter, policy: TaskPolicy, *, arrive: bool, ladder: bool) -> tuple[Deadline, ...]:
    """The deadlines of one matter, all from its t1. `arrive` while nobody is there yet, `ladder` while nobody has accepted."""

    def at(kind: DeadlineKind, after_s: float, step: int = 0) -> Deadline:
        due_at = matter.found_at + timedelta(seconds=after_s)
        return Deadline(kind=kind, due_at=due_at, matter=matter.id, step=step)

    clocks = [at(DeadlineKind.ACCEPT, policy.accept_s)]
    if arrive:
        clocks.append(at(DeadlineKind.ARRIVE, policy.arrive_s))
    if ladder:
        clocks += [at(DeadlineKind.ESCALATE, s.after_s, step) for step, s in enumerate(policy.escalation)]
    return tuple(clocks)


def is_due(deadline: Deadline, now: datetime) -> bool:
    """A target is missed only after its instant; what merely happens at an instant happens at it."""
    if deadline.state is not PENDING:
        return False
    return now > deadline.due_at if deadline.kind in BREACHABLE else now >= deadline.due_at


def look_again(task: Task, due_at: datetime) -> Task:
    """(Re)sets the one deadline by which somebody to send is looked for again."""
    again = Deadline(kind=DeadlineKind.DISPATCH, due_at=due_at)
    return replace(task, deadlines=(*(d for d in task.deadlines if d.key != again.key), again))


def answer(task: Task, kind: DeadlineKind, now: datetime) -> tuple[Task, list[Effect]]:
    """The deed itself, received at `now`: deadlines of `kind` are met, or breached when it came too late; a breach that was
    decided although the deed was received in time is revoked."""
    return _settle(task, kind, now, DeadlineState.MET)


def drop(task: Task, kind: DeadlineKind, now: datetime) -> tuple[Task, list[Effect]]:
    """The deed is no longer wanted: pending deadlines are cancelled, but those already missed are breached all the same."""
    return _settle(task, kind, now, DeadlineState.CANCELLED)


def _settle(
    task: Task, kind: DeadlineKind, now: datetime, in_time: DeadlineState
) -> tuple[Task, list[Effect]]:
    settled: list[Deadline] = []
    effects: list[Effect] = []
    for deadline in task.deadlines:
        if deadline.kind is kind and deadline.state is PENDING:
            if kind in BREACHABLE and now > deadline.due_at:
                deadline, missed = _breached(deadline, now)
                effects += missed
            else:
                deadline = replace(deadline, state=in_time, decided_at=now)
        elif deadline.kind is kind and deadline.state is BREACHED and now <= deadline.due_at:
            deadline = replace(deadline, state=in_time, decided_at=now)
            detail = {
                "deadline": kind.value,
                "matter": deadline.matter,
                "due_at": deadline.due_at.isoformat(),
            }
            effects.append(Log("breach_revoked", detail))
        settled.append(deadline)
    return replace(task, deadlines=tuple(settled)), effects


def breach(task: Task, deadline: Deadline, now: datetime) -> tuple[Task, list[Effect]]:
    missed, effects = _breached(deadline, now)
    return _with(task, missed), effects


def fire(task: Task, deadline: Deadline, now: datetime) -> Task:
    return _with(task, replace(deadline, state=DeadlineState.FIRED, decided_at=now))


def _with(task: Task, deadline: Deadline) -> Task:
    return replace(task, deadlines=tuple(deadline if d.key == deadline.key else d for d in task.deadlines))


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
        },
    )
    notice = Notify(f"breach_{kind}:{deadline.matter}", CENTRE, f"breached_{kind}", {"late_s": late_s})
    return replace(deadline, state=BREACHED, decided_at=now), [log, notice]
