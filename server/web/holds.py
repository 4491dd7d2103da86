"""Legal holds (证据保全): set and lifted by the bureau, each with a reason; while one is set nothing of the case is purged."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, StringConstraints

from farwatch.storage import holds, task_views
from farwatch.storage.database import transaction
from server.web.authentication import Bureau
from server.web.case_reviews import case_of
from server.web.case_shapes import CaseBody
from server.web.context import WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.tasks import TaskId

router = APIRouter(prefix="/api/v1/tasks", tags=["cases"])

Words = Annotated[
    str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]*$", strip_whitespace=True)
]


class NewHold(BaseModel):
    reason: Words


@router.put("/{id}/hold", responses=errors(401, 403, 404, 409))
async def put_hold(web: WebContext, who: Bureau, id: TaskId, body: NewHold) -> CaseBody:
    """The same reason again changes nothing; 409 held_already for another one: lift it first."""
    if await task_views.holder(web.pool, id, None) is None:
        raise not_found()
    async with transaction(web.pool) as connection:
        hold = await holds.put(connection, id, by=who.name, reason=body.reason)
    if hold["reason"] != body.reason:
        raise ApiError(409, "held_already", {"by": hold["set_by"]})
    return await case_of(web, id)


@router.delete("/{id}/hold", responses=errors(401, 403, 404))
async def lift_hold(web: WebContext, who: Bureau, id: TaskId, note: Annotated[Words, Query()]) -> CaseBody:
    """`note` says why; 404 not_held."""
    async with transaction(web.pool) as connection:
        lifted = await holds.lift(connection, id, by=who.name, note=note)
    if lifted is None:
        raise ApiError(404, "not_held")
    return await case_of(web, id)
