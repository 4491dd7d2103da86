"""The chain of custody (保管链): what evidence a case has, and who saw, exported, confirmed or held it."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from farwatch.storage import custody, task_views
from farwatch.storage.evidence import EvidenceKind, EvidenceState
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import errors, not_found
from server.web.task_shapes import timeline_entry
from server.web.tasks import TaskId

router = APIRouter(prefix="/api/v1/tasks", tags=["cases"])


class PieceBody(BaseModel):
    """`sm3_later`: its second hash was made by a later job, not at first touch. `claimed_at` and `phone_sha256` are the phone's."""

    id: UUID
    kind: EvidenceKind
    state: EvidenceState
    derived_from: UUID | None
    sha256: str | None
    sm3: str | None
    sm3_later: bool
    phone_sha256: str | None
    claimed_at: datetime | None
    captured_at: datetime | None
    stored_at: datetime | None
    by: str | None
    detector: dict[str, Any]
    certificate: str
    certificate_until: date | None
    certificate_expired: bool


class CustodyEntry(BaseModel):
    n: int
    at: datetime
    type: Literal[
        "custody",
        "case_reviewed",
        "case_status",
        "hold_set",
        "hold_lifted",
        "evidence_purged",
        "evidence_hashed",
    ]
    actor: str | None
    detail: dict[str, Any]


class CustodyBody(BaseModel):
    pieces: list[PieceBody]
    entries: list[CustodyEntry]


@router.get("/{id}/custody", responses=errors(401, 403, 404))
async def custody_of(web: WebContext, _: NotOfficer, id: TaskId) -> CustodyBody:
    """Not for officers. The entries are the log's own, at most the last 1,000, views last of all."""
    if await task_views.holder(web.pool, id, None) is None:
        raise not_found()
    pieces = [PieceBody.model_validate(piece) for piece in await custody.pieces(web.pool, id)]
    entries = [timeline_entry(entry, {}).model_dump() for entry in await custody.of_task(web.pool, id)]
    return CustodyBody.model_validate({"pieces": pieces, "entries": entries})
