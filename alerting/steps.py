"""What can happen to a task (events in), and what follows from it beyond the task itself (effects out)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from farwatch.domain.finding import Param, Reason
from farwatch.domain.place import Position
from farwatch.domain.task import Actor, DeadlineKey, DeadlineKind, Matter, Task

CENTRE = "centre"
"""The command centre as the one who is told, or to whom a task is escalated."""
CITY = "city"
"""The city's duty officer above the command centre, as the one who is told."""
LEAD = "lead"
"""The lead of the team whose grid it is, before the engine knows who that is."""


@dataclass(frozen=True, slots=True)
class Offer:
    """`officer` is asked to go; `to` says as what: officer, next_officer or lead."""

    officer: str
    to: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody could be found to offer to; `to` is whom was looked for."""

    to: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class Delivered:
    officer: str


@dataclass(frozen=True, slots=True)
class Accept:
    actor: Actor


@dataclass(frozen=True, slots=True)
class Decline:
    """`reason` is a word of the officer's page, empty where he gave none: it stands in the log for ever."""

    actor: Actor
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Arrive:
    actor: Actor
    position: Position | None


@dataclass(frozen=True, slots=True)
class Handle:
    actor: Actor
    note: str = ""


@dataclass(frozen=True, slots=True)
class FalseAlarm:
    actor: Actor
    note: str = ""


@dataclass(frozen=True, slots=True)
class Verify:
    actor: Actor


@dataclass(frozen=True, slots=True)
class Close:
    actor: Actor


@dataclass(frozen=True, slots=True)
class Reassign:
    """The task is taken from who has it and offered to `to`."""

    actor: Actor
    to: str
    note: str


@dataclass(frozen=True, slots=True)
class HandOver:
    """Its holder asks `to` to take it over, and is responsible until he accepts."""

    actor: Actor
    to: str
    note: str


@dataclass(frozen=True, slots=True)
class Excuse:
    """A breach stands excused; `lead_of`: the actor leads the team of the task's grid. `matter` None: of all matters."""

    actor: Actor
    kind: DeadlineKind
    matter: int | None
    reason: str
    lead_of: bool = False


@dataclass(frozen=True, slots=True)
class Join:
    """One more matter for this visit; `handle_at` is its legal limit."""

    matter: Matter
    reason: Reason
    handle_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Raise:
    """Other matters confirm this one: it is of class `severity` at least."""

    matter: int
    severity: int
    confirmed_by: tuple[int, ...]
    reason: Reason


@dataclass(frozen=True, slots=True)
class Fold:
    """One more finding of a matter that is there already."""

    matter: int
    finding: UUID
    severity: int


@dataclass(frozen=True, slots=True)
class Ended:
    """The condition behind a finding no longer holds; `left` others of the matter still do. The visit goes on."""

    matter: int
    finding: UUID
    ended_at: datetime
    left: int = 0


@dataclass(frozen=True, slots=True)
class Due:
    """A deadline's instant has passed."""

    key: DeadlineKey


Act = Accept | Decline | Arrive | Handle | FalseAlarm | Verify | Close | Reassign | HandOver | Excuse
Event = Act | Offer | Nobody | Delivered | Join | Fold | Raise | Ended | Due


@dataclass(frozen=True, slots=True)
class Log:
    """An event for the log; `detail` is JSON and names people by id only."""

    type: str
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Notify:
    """`target` (an officer's id, CENTRE or CITY) is told once for each `occasion` of this task. What is not `urgent` may wait
    for a digest."""

    occasion: str
    target: str
    key: str
    params: Mapping[str, Param] = field(default_factory=dict)
    urgent: bool = True


@dataclass(frozen=True, slots=True)
class Seek:
    """Somebody is wanted: `to` is officer (the best one there is), next_officer or lead. Answered by Offer or Nobody."""

    to: str


@dataclass(frozen=True, slots=True)
class Chosen:
    """Why this officer, or nobody, for the offers that follow: kept beside the task. `candidates` hold ids and seconds."""

    wanted: str
    officer: str | None
    reason: Reason
    candidates: tuple[Mapping[str, Param], ...]


Effect = Log | Notify | Seek | Chosen


@dataclass(frozen=True, slots=True)
class Decision:
    """The task as it is now, what follows, and why. A refused event changes nothing."""

    task: Task
    reason: Reason
    effects: tuple[Effect, ...] = ()
    refused: bool = False


def refuse(task: Task, key: str, **params: Param) -> Decision:
    return Decision(task, Reason(key, params), refused=True)


def unchanged(task: Task, key: str) -> Decision:
    """The event is right but says nothing new."""
    return Decision(task, Reason(key))
