"""What people do to a task. The rules are alerting's; here a deed comes in and its answer goes out."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel, Field, StringConstraints

from alerting import actions
from alerting.actions import Action, Result
from farwatch.domain.place import Position
from farwatch.domain.task import Actor, DeadlineKind
from farwatch.storage import task_views
from farwatch.storage.sessions import Session
from server.web import visits
from server.web.authentication import Acting
from server.web.context import WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.task_shapes import TaskBody, readable, task_fields
from server.web.tasks import TaskId

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])


class At(BaseModel, allow_inf_nan=False):
    """Where the device says that it is: WGS-84, with the radius of its 68 % circle."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    accuracy_m: Annotated[float, Field(ge=0)] | None = None

    @property
    def position(self) -> Position:
        return Position(self.lat, self.lon, self.accuracy_m)


Excusable = Literal[DeadlineKind.ACCEPT, DeadlineKind.ARRIVE, DeadlineKind.HANDLE]


class Deed(BaseModel):
    """`client_id` makes a repeat harmless. `at` is the device's own time: kept and shown, it moves no clock.

    `to` is the officer whom a re-assignment or a hand over names; `deadline`, and one `matter` or all, is what is excused.
    """

    client_id: UUID
    at: AwareDatetime
    position: At | None = None
    note: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] = ""
    reason: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""
    to: Annotated[str, StringConstraints(max_length=200, pattern=r"^[^\x00]*$")] = ""
    deadline: Excusable | None = None
    matter: Annotated[int, Field(ge=1, le=2**63 - 1)] | None = None


class Outcome(StrEnum):
    DONE = "done"
    REPEATED = "repeated"


class DeedBody(BaseModel):
    result: Outcome
    task: TaskBody


@router.post("/{id}/{action}", responses=errors(401, 403, 404, 409, 413, 415))
async def act(web: WebContext, session: Acting, id: TaskId, action: Action, deed: Deed) -> DeedBody:
    """409 with a named reason when the task's state, the place or the person does not allow it."""
    if await task_views.holder(web.pool, id, session.officer) is None:
        raise not_found()
    done = await actions.act(
        web.pool,
        id,
        actor_of(session),
        action,
        client_id=str(deed.client_id),
        claimed_at=deed.at,
        position=deed.position.position if deed.position else None,
        note=deed.note,
        reason=deed.reason,
        to=deed.to,
        deadline=deed.deadline,
        matter=deed.matter,
    )
    if done.result is Result.REFUSED:
        raise ApiError(404 if done.reason.key == "not_found" else 409, done.reason.key, done.reason.params)
    if action is Action.ARRIVE and session.officer is not None:
        await visits.ensure(web, id, session.officer)
    rows = await task_views.one(web.pool, id, session.officer)
    if rows is None:
        raise not_found()
    with readable(id):
        return DeedBody(result=Outcome(done.result), task=TaskBody.model_validate(task_fields(rows)[0]))


def actor_of(session: Session) -> Actor:
    return Actor(name=session.name, role=session.role, officer=session.officer)
