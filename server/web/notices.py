"""Notices: which did not arrive, and the receipts of the pages that showed them."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field

from farwatch.storage import notices
from farwatch.storage.database import transaction
from farwatch.storage.heartbeats import database_now
from server.web.authentication import Acting, NotOfficer
from server.web.context import WebContext
from server.web.errors import ApiError, errors
from server.web.event_hub import targets_of
from server.web.notice_shapes import NoticeBody, notice_body
from server.web.shapes import Listing, position_of
from server.web.shapes import cursor as cursor_of

router = APIRouter(prefix="/api/v1/notices", tags=["tasks"])

_STATES = {
    "lost": ("failed", "expired"),
    "waiting": ("queued",),
    "all": ("queued", "sent", "delivered", "seen", "accepted", "failed", "expired", "superseded", "digested"),
}


class Seen(BaseModel):
    """The page of this session shows the task, with whatever it is told of it."""

    model_config = ConfigDict(extra="forbid")

    task: int = Field(ge=1, le=2**63 - 1)


@router.get("", responses=errors(401, 403))
async def list_notices(
    web: WebContext,
    _: NotOfficer,
    state: Literal["lost", "waiting", "all"] = "lost",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Listing[NoticeBody]:
    """Newest first; `lost`: failed for good or expired before they went out, `waiting`: not sent yet."""
    rows = await notices.listed(web.pool, _STATES[state], _before(cursor) if cursor else None, limit)
    return Listing(
        items=[notice_body(row) for row in rows],
        next=cursor_of(rows[-1]["id"]) if len(rows) == limit else None,
    )


@router.post("/seen", status_code=204, responses=errors(401, 403, 413, 415))
async def seen(web: WebContext, session: Acting, body: Seen) -> None:
    """Moves what this session's own page was told of the task on to `seen`, never back. Nothing of anybody else's."""
    async with transaction(web.pool) as connection:
        now = await database_now(connection)
        await notices.receipt(connection, "seen", now, task=body.task, targets=targets_of(session))


def _before(text: str) -> int:
    position = position_of(text)
    if not position.isdecimal() or len(position) > 18:
        raise ApiError(422, "bad_cursor")
    return int(position)
