"""Why this officer: each look for somebody to send, with who could have gone and what each second of his cost is for."""

from datetime import datetime
from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel

from farwatch.storage import choices, task_views
from farwatch.storage.choices import StoredChoice
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import errors, not_found
from server.web.shapes import Listing, Reason
from server.web.tasks import TaskId

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])

CHOICES_MAX = 50


class CandidateBody(BaseModel):
    """`total_s` is the sum of the five; `age_s` null: nobody knew where he was.

    `road`: a router told the time; slow: it was asked in vain."""

    officer: str
    team: str
    total_s: float
    eta_s: float
    load_s: float
    grid_s: float
    stale_s: float
    skill_s: float
    age_s: float | None
    road: bool | Literal["slow"]


class ChoiceBody(BaseModel):
    """`wanted` is officer, next_officer or lead; `chosen` null: nobody, and `reason` says why."""

    id: int
    at: datetime
    wanted: str
    chosen: str | None
    reason: Reason
    candidates: list[CandidateBody]


@router.get("/{id}/choices", responses=errors(401, 403, 404))
async def task_choices(web: WebContext, _: NotOfficer, id: TaskId) -> Listing[ChoiceBody]:
    """The newest first, 50 at most."""
    if await task_views.one(web.pool, id, None) is None:
        raise not_found()
    return Listing(items=[_body(c) for c in await choices.of_task(web.pool, id, CHOICES_MAX)])


def _body(choice: StoredChoice) -> ChoiceBody:
    return ChoiceBody.model_validate(
        {
            "id": choice.id,
            "at": choice.at,
            "wanted": choice.wanted,
            "chosen": choice.chosen,
            "reason": {"key": choice.reason.key, "params": choice.reason.params},
            "candidates": choice.candidates,
        }
    )
