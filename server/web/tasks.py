"""Tasks: lists and the page of one."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query

from alerting.handing import OVERSEERS
from farwatch.storage import actions, log_reader, task_views, tasks
from farwatch.storage.database import Pool
from farwatch.storage.sessions import Session
from server.web import delivery
from server.web.authentication import SignedIn
from server.web.case_shapes import case_body
from server.web.context import WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.event_hub import NOT_FOR_OFFICERS, NOT_STREAMED
from server.web.notice_shapes import notice_body
from server.web.shapes import Listing, position_of
from server.web.shapes import cursor as cursor_of
from server.web.task_shapes import (
    TaskBody,
    TaskPage,
    evidence_body,
    readable,
    task_bodies,
    task_fields,
    timeline_entry,
)

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])

TaskId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("", responses=errors(401))
async def list_tasks(
    web: WebContext,
    session: SignedIn,
    state: Literal["open", "closed", "all"] = "open",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Listing[TaskBody]:
    """Newest first; `open` is everything that is not closed. An officer gets his own: held, or ever offered."""
    before = _task_before(cursor) if cursor else None
    rows = await task_views.page(web.pool, state=state, officer=session.officer, before=before, limit=limit)
    await delivery.sent_tasks(web.pool, session, rows.tasks)
    return Listing(
        items=task_bodies(rows), next=cursor_of(rows.tasks[-1]["id"]) if len(rows.tasks) == limit else None
    )


@router.get("/{id}", responses=errors(401, 404, 409))
async def one_task(web: WebContext, session: SignedIn, id: TaskId) -> TaskPage:
    """404 also when this officer may not see it: he is not told that there is one. 409: no sense can be made of it."""
    rows = await task_views.one(web.pool, id, session.officer)
    if rows is None:
        raise not_found()
    await delivery.sent_tasks(web.pool, session, rows.tasks)
    hidden = NOT_FOR_OFFICERS if session.officer else NOT_STREAMED
    timeline = await log_reader.of_task(web.pool, id, task_views.TIMELINE_MAX, but=hidden)
    reasons = await actions.reasons(web.pool, id)
    case = None if session.officer else await case_body(web.pool, id)
    may_excuse = await _may_excuse(web.pool, session, id)
    photos, told = await task_views.photos(web.pool, id), await task_views.notices(web.pool, id)
    with readable(id):
        return TaskPage.model_validate(
            {
                **task_fields(rows)[0],
                "may_excuse": may_excuse,
                "case": case,
                "timeline": [timeline_entry(e, reasons) for e in timeline],
                "photos": [evidence_body(r) for r in photos],
                "notices": [notice_body(r) for r in told],
            }
        )


async def _may_excuse(pool: Pool, session: Session, task: int) -> bool:
    return session.role in OVERSEERS or (
        session.officer is not None and await tasks.leads(pool, session.officer, task)
    )


def _task_before(text: str) -> int:
    position = position_of(text)
    if not position.isdecimal() or len(position) > 18:
        raise ApiError(422, "bad_cursor")
    return int(position)
