"""What a person does to a task: one transaction under the task's row lock, harmless to repeat. Used by the web role."""

import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerting import claims, lifecycle, writing
from alerting.steps import (
    Accept,
    Act,
    Arrive,
    Close,
    Decision,
    Decline,
    Delivered,
    Excuse,
    FalseAlarm,
    Handle,
    HandOver,
    Reassign,
    Verify,
    refuse,
)
from farwatch.domain.commitment import SALT_BYTES
from farwatch.domain.finding import Reason
from farwatch.domain.place import Position
from farwatch.domain.task import Actor, DeadlineKind, Task
from farwatch.storage import actions, tasks
from farwatch.storage.database import Connection, Pool, transaction
from farwatch.storage.heartbeats import database_now

log = logging.getLogger(__name__)

NowReader = Callable[[Connection], Awaitable[datetime]]


class Action(StrEnum):
    """As the HTTP API spells them."""

    ACCEPT = "accept"
    DECLINE = "decline"
    ARRIVE = "arrive"
    HANDLE = "handle"
    FALSE_ALARM = "false-alarm"
    VERIFY = "verify"
    CLOSE = "close"
    REASSIGN = "reassign"
    HAND_OVER = "hand-over"
    EXCUSE = "excuse"


class Result(StrEnum):
    """`repeated`: this very deed was done before. `refused`: the reason says why; `not_found` among them."""

    DONE = "done"
    REPEATED = "repeated"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ActResult:
    result: Result
    reason: Reason


_CLIENT_ID_USED = ActResult(Result.REFUSED, Reason("client_id_used"))
_UNREADABLE = ActResult(Result.REFUSED, Reason("task_unreadable"))


async def act(
    pool: Pool,
    task_id: int,
    actor: Actor,
    action: Action,
    *,
    client_id: str,
    claimed_at: datetime,
    position: Position | None = None,
    note: str = "",
    reason: str = "",
    to: str = "",
    deadline: DeadlineKind | None = None,
    matter: int | None = None,
    now: NowReader = database_now,
) -> ActResult:
    """Does it, or says by name why not. A refusal is kept too, and the same `client_id` is answered the same again; but nothing is
    kept of a deed on a task that no sense can be made of, which the log names.

    What counts is when the deed was received, before the task's lock was waited for; `claimed_at` is only kept. `to` is whom
    a re-assignment or hand over names, `deadline` and `matter` what an excuse is for, `reason` why an offer was declined.
    """
    said = Said(position=position, note=note, reason=reason, to=to, deadline=deadline, matter=matter)
    try:
        async with transaction(pool) as connection:
            received_at = await now(connection)
            task = await tasks.lock(connection, task_id)
            if task is None:
                return ActResult(Result.REFUSED, Reason("not_found"))
            if repeated := await _repeated(connection, task_id, actor, action, client_id):
                return repeated
            decision = await _decide(connection, task, actor, action, said, received_at)
            deed = actions.Deed(
                client_id=client_id, task=task_id, actor=actor.name, action=action, claimed_at=claimed_at,
                received_at=received_at, note=_joined(reason, note), position=position,
                result=decision.reason.key if decision.refused else Result.DONE, salt=secrets.token_bytes(SALT_BYTES),
            )  # fmt: skip
            await actions.add(connection, deed)
            decision = claims.beside(decision, deed)
            await writing.write(connection, task, decision, received_at, actor.name)
    except actions.ClientIdUsedError:
        return _CLIENT_ID_USED
    except tasks.UnreadableTaskError:
        log.exception("%s by %s cannot be decided (deed %s)", action, actor.name, client_id)
        return _UNREADABLE
    writing.count(decision.effects)
    return ActResult(Result.REFUSED if decision.refused else Result.DONE, decision.reason)


async def mark_delivered(
    connection: Connection, task_id: int, officer: str, *, now: NowReader = database_now
) -> Decision | None:
    """t3: the officer's page was sent the offer. In the caller's transaction; None when there is no such task, or no sense can be
    made of it, which the log names."""
    received_at = await now(connection)
    try:
        task = await tasks.lock(connection, task_id)
    except tasks.UnreadableTaskError:
        log.exception("task %d was shown, and its offer is not delivered", task_id)
        return None
    if task is None:
        return None
    decision = lifecycle.step(task, Delivered(officer), received_at)
    await writing.write(connection, task, decision, received_at)
    return decision


async def _repeated(
    connection: Connection, task_id: int, actor: Actor, action: Action, client_id: str
) -> ActResult | None:
    before = await actions.earlier(connection, client_id)
    if before is None:
        return None
    *same, result = before
    if same != [task_id, actor.name, action.value]:
        return _CLIENT_ID_USED
    return ActResult(Result.REPEATED if result == Result.DONE else Result.REFUSED, Reason(result))


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What came with a deed."""

    position: Position | None = None
    note: str = ""
    reason: str = ""
    to: str = ""
    deadline: DeadlineKind | None = None
    matter: int | None = None


async def _decide(
    connection: Connection, task: Task, actor: Actor, action: Action, said: Said, now: datetime
) -> Decision:
    if action in (Action.REASSIGN, Action.HAND_OVER) and not await tasks.has_officer(connection, said.to):
        return refuse(task, "unknown_officer")
    if action is Action.EXCUSE and said.deadline is None:
        return refuse(task, "nothing_to_excuse")
    leads = action is Action.EXCUSE and actor.officer is not None
    lead_of = leads and await tasks.leads(connection, actor.officer or "", task.id)
    return lifecycle.step(task, _event(action, actor, said, lead_of=lead_of), now)


DECLINE_REASONS = frozenset({"busy", "too_far", "vehicle", "unsafe", "unwell", "off_duty", "other"})
"""The words of the officer's page. The log has these alone: his own words must stay erasable and are in the deed's note."""


def _joined(reason: str, note: str) -> str:
    return "; ".join(part for part in (reason, note) if part)


def _event(action: Action, actor: Actor, said: Said, *, lead_of: bool) -> Act:
    made: dict[Action, Callable[[], Act]] = {
        Action.ACCEPT: lambda: Accept(actor),
        Action.DECLINE: lambda: Decline(actor, said.reason if said.reason in DECLINE_REASONS else ""),
        Action.ARRIVE: lambda: Arrive(actor, said.position),
        Action.HANDLE: lambda: Handle(actor, _joined(said.reason, said.note)),
        Action.FALSE_ALARM: lambda: FalseAlarm(actor, _joined(said.reason, said.note)),
        Action.VERIFY: lambda: Verify(actor),
        Action.CLOSE: lambda: Close(actor),
        Action.REASSIGN: lambda: Reassign(actor, said.to, _joined(said.reason, said.note)),
        Action.HAND_OVER: lambda: HandOver(actor, said.to, _joined(said.reason, said.note)),
        Action.EXCUSE: lambda: Excuse(
            actor, said.deadline or DeadlineKind.ACCEPT, said.matter, _joined(said.reason, said.note), lead_of
        ),
    }
    return made[action]()
