"""What a person does to a task: one transaction under the task's row lock, harmless to repeat. Used by the web role."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from alerting import lifecycle, writing
from alerting.steps import (
    Accept,
    Act,
    Arrive,
    Close,
    Decision,
    Decline,
    Delivered,
    FalseAlarm,
    Handle,
    Verify,
)
from farwatch.domain.finding import Reason
from farwatch.domain.place import Position
from farwatch.domain.task import Actor
from farwatch.storage import actions, tasks
from farwatch.storage.database import Connection, Pool, transaction
from farwatch.storage.heartbeats import database_now

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
    now: NowReader = database_now,
) -> ActResult:
    """Does it, or says by name why not. A refusal is kept too, and the same `client_id` is answered the same again.

    What counts is when the deed was received, before the task's lock was waited for; `claimed_at` is only kept.
    """
    event = _event(action, actor, position, note)
    try:
        async with transaction(pool) as connection:
            received_at = await now(connection)
            task = await tasks.lock(connection, task_id)
            if task is None:
                return ActResult(Result.REFUSED, Reason("not_found"))
            if repeated := await _repeated(connection, task_id, actor, action, client_id):
                return repeated
            decision = lifecycle.step(task, event, received_at)
            deed = actions.Deed(
                client_id=client_id, task=task_id, actor=actor.name, action=action, claimed_at=claimed_at,
                received_at=received_at, note=note, position=position,
                result=decision.reason.key if decision.refused else Result.DONE,
            )  # fmt: skip
            await actions.add(connection, deed)
            await writing.write(connection, task, decision, received_at, actor.name)
    except actions.ClientIdUsedError:
        return _CLIENT_ID_USED
    writing.count(decision.effects)
    return ActResult(Result.REFUSED if decision.refused else Result.DONE, decision.reason)


async def mark_delivered(
    connection: Connection, task_id: int, officer: str, *, now: NowReader = database_now
) -> Decision | None:
    """t3: the officer's page was sent the offer. In the caller's transaction; None when there is no such task."""
    received_at = await now(connection)
    task = await tasks.lock(connection, task_id)
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


def _event(action: Action, actor: Actor, position: Position | None, note: str) -> Act:
    match action:
        case Action.ACCEPT:
            return Accept(actor)
        case Action.DECLINE:
            return Decline(actor)
        case Action.ARRIVE:
            return Arrive(actor, position)
        case Action.HANDLE:
            return Handle(actor, note)
        case Action.FALSE_ALARM:
            return FalseAlarm(actor, note)
        case Action.VERIFY:
            return Verify(actor)
        case Action.CLOSE:
            return Close(actor)
