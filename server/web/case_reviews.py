"""Who confirms a case: a legal and a technical review by two persons, of the evidence as it is."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from alerting import case_review
from alerting.case_review import Verdict, Wish
from server.web.authentication import Bureau, NotOfficer
from server.web.case_shapes import CaseBody, Part, case_body
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.tasks import TaskId

router = APIRouter(prefix="/api/v1/tasks", tags=["cases"])

Note = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$", strip_whitespace=True)]


class NewReview(BaseModel):
    part: Part
    verdict: Verdict
    note: Note = ""


@router.get("/{id}/reviews", responses=errors(401, 403, 404))
async def case_reviews_of(web: WebContext, _: NotOfficer, id: TaskId) -> CaseBody:
    """Where the case stands on its way to evidence, and whether it is held."""
    return await case_of(web, id)


@router.post("/{id}/reviews", status_code=201, responses=errors(401, 403, 404, 409))
async def review_case(web: WebContext, who: Bureau, id: TaskId, body: NewReview) -> CaseBody:
    """409 wrong_state, evidence_pending, no_evidence, hash_differs, evidence_changed, already_reviewed, same_reviewer,
    no_review; 422 note_needed."""
    wish = Wish(part=body.part, verdict=body.verdict, reviewer=who.name, note=body.note)
    why = await case_review.review(web.pool, web.deps.blobs, id, wish)
    if why is not None:
        raise ApiError({"not_found": 404, "note_needed": 422}.get(why.key, 409), why.key, why.params)
    return await case_of(web, id)


async def case_of(web: Web, id: int) -> CaseBody:
    """404 when there is no such task."""
    found = await case_body(web.pool, id)
    if found is None:
        raise not_found()
    return found
