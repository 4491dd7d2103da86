"""Values of a task (任务/案卷): one visit, with all its matters (事项) and clocks."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from farwatch.domain.finding import Kind, Reason
from farwatch.domain.place import Position
from farwatch.domain.policy import TaskPolicy


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in user; `role` is centre, officer, bureau or admin, `officer` his id in the registry."""

    name: str
    role: str
    officer: str | None = None


class TaskState(StrEnum):
    """受理→立案→派遣→处置→反馈→核查→结案. `open` waits for an offer: nobody could be found yet, the centre has it."""

    OPEN = "open"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    ARRIVED = "arrived"
    HANDLED = "handled"
    VERIFIED = "verified"
    CLOSED = "closed"


class Outcome(StrEnum):
    """`ceased`: it ended by itself, and a visit was not needed."""

    HANDLED = "handled"
    FALSE_ALARM = "false_alarm"
    CEASED = "ceased"


class DeadlineKind(StrEnum):
    """accept, arrive and handle (the legal limit) can be breached; escalate asks or tells one more; dispatch looks (again) for
    somebody to send; offer ends one officer's window; quiet says that a matter ceased."""

    ACCEPT = "accept"
    ARRIVE = "arrive"
    ESCALATE = "escalate"
    DISPATCH = "dispatch"
    OFFER = "offer"
    HANDLE = "handle"
    QUIET = "quiet"


class DeadlineState(StrEnum):
    PENDING = "pending"
    MET = "met"
    BREACHED = "breached"
    FIRED = "fired"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """One fingerprint's business within a task. `found_at` is its t1; `accepted_at` its own t4.

    `place` is its first finding's; None: its task's, as of matters from before they had one. `arrived_at` is its own t5.
    `findings` are all findings folded into it, the first one first. `ceased_at`: its findings had ended and stayed away;
    `closed_reason` is null when it was closed with its task. `confirmed_by` are matters that another kind of eye saw.
    """

    id: int
    fingerprint: str
    kind: Kind
    found_at: datetime
    severity: int
    reason: Reason
    station: str | None = None
    camera: str | None = None
    code: str | None = None
    zone: str | None = None
    event_at: datetime
    place: Position | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    closed_at: datetime | None = None
    closed_reason: str | None = None
    ceased_at: datetime | None = None
    confirmed_by: tuple[int, ...] = ()
    findings: tuple[UUID, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """An instant by which something must have happened. `step`: of escalate, the rung in `TaskPolicy.rungs`; of offer, the place
    in `offered_to`; of accept and arrive, 0, and from 1 on earlier ones that a worse class brought.

    An excuse stands beside a breach and never undoes it.
    """

    kind: DeadlineKind
    due_at: datetime
    matter: int | None = None
    step: int = 0
    state: DeadlineState = DeadlineState.PENDING
    decided_at: datetime | None = None
    excused_at: datetime | None = None
    excused_by: str | None = None
    excuse: str | None = None

    @property
    def key(self) -> "DeadlineKey":
        return (self.kind, self.matter, self.step)


DeadlineKey = tuple[DeadlineKind, int | None, int]

_SHOWN_FIRST = (DeadlineState.PENDING, DeadlineState.BREACHED, DeadlineState.MET, DeadlineState.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """All times t1-t8 are the database's clock: opened (t1), dispatched, delivered, accepted, arrived, handled,
    verified, closed (t8). The first t4 and t5 stay when the task changes hands.

    `handover_to` is asked to take it over from `officer`, who is responsible until he accepts.
    """

    id: int
    state: TaskState
    place: Position
    severity: int
    policy: TaskPolicy
    opened_at: datetime
    grid: str | None = None
    enterprise: str | None = None
    officer: str | None = None
    offered_to: tuple[str, ...] = ()
    declined_by: tuple[str, ...] = ()
    dispatched_at: datetime | None = None
    delivered_at: datetime | None = None
    accepted_at: datetime | None = None
    arrived_at: datetime | None = None
    handled_at: datetime | None = None
    verified_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: Outcome | None = None
    drill_id: str | None = None
    dispatch: Reason | None = None
    reopened_from: int | None = None
    handover_to: str | None = None
    closed_reason: str | None = None
    storm_id: int | None = None
    matters: tuple[Matter, ...] = ()
    deadlines: tuple[Deadline, ...] = field(default_factory=tuple)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(dict.fromkeys(m.kind for m in self.matters))

    def place_of(self, matter: Matter) -> Position:
        return matter.place or self.place

    def shown_deadline(self, kind: DeadlineKind) -> Deadline | None:
        """The one deadline of `kind` to put on a screen: what still runs, else what was missed, else what was met."""
        of_kind = [d for d in self.deadlines if d.kind is kind and d.state in _SHOWN_FIRST]
        return min(of_kind, key=lambda d: (_SHOWN_FIRST.index(d.state), d.due_at), default=None)
