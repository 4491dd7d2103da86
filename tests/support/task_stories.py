"""Tasks in every state, for tests of the pure rules."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from alerting.lifecycle import begin, step
from alerting.steps import Accept, Arrive, Close, Event, Handle, Offer, Verify
from farwatch.domain.finding import Kind, Reason
from farwatch.domain.place import Position
from farwatch.domain.policy import TaskPolicy
from farwatch.domain.task import Actor, Matter, Task, TaskState

T0 = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
PLACE = Position(31.2, 121.4)
A, B = Actor("ua", "officer", "a"), Actor("ub", "officer", "b")
STRANGER, CENTRE, BUREAU = Actor("uc", "officer", "c"), Actor("ux", "centre"), Actor("uy", "bureau")
NOW = T0 + timedelta(seconds=60)


def at(s: float) -> datetime:
    return T0 + timedelta(seconds=s)


def matter(id: int, s: float = 0, severity: int = 2) -> Matter:
    return Matter(
        id=id, fingerprint=f"smoke/cam{id}/", kind=Kind.SMOKE, found_at=at(s), event_at=at(s - 5), severity=severity,
        reason=Reason("seen"), camera=f"cam{id}", findings=(UUID(int=id),),
    )  # fmt: skip


def task_in(state: TaskState, policy: TaskPolicy | None = None, first: Matter | None = None) -> Task:
    """Offered to a and b; a takes it where somebody has."""
    fresh = Task(
        id=1,
        state=TaskState.OPEN,
        place=PLACE,
        severity=2,
        policy=policy or TaskPolicy(),
        opened_at=T0,
        grid="g",
        matters=(first or matter(1),),
    )
    task = begin(fresh).task
    story: list[tuple[TaskState, Event]] = [
        (TaskState.OFFERED, Offer("a", "officer", Reason("nearest"))),
        (TaskState.OFFERED, Offer("b", "next_officer", Reason("nearest"))),
        (TaskState.ACCEPTED, Accept(A)),
        (TaskState.ARRIVED, Arrive(A, PLACE)),
        (TaskState.HANDLED, Handle(A)),
        (TaskState.VERIFIED, Verify(CENTRE)),
        (TaskState.CLOSED, Close(CENTRE)),
    ]
    order = list(TaskState)
    for reached, event in story:
        if order.index(reached) <= order.index(state):
            task = step(task, event, at(30)).task
    assert task.state is state
    return task
