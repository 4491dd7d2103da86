"""Photos of a task: the original is kept untouched, the pages get a copy made of its pixels alone."""

import asyncio
import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID, uuid5

from fastapi import APIRouter, Header, Request
from pydantic import AwareDatetime
from starlette.requests import ClientDisconnect

from farwatch.domain.task import TaskState
from farwatch.storage import evidence, task_views
from farwatch.storage.database import transaction
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState
from farwatch.storage.sessions import Session
from farwatch.storage.users import Role
from server.web import metrics
from server.web.authentication import Acting
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.guard import PHOTO_TYPES
from server.web.photo_workshop import PhotoError, sniffed
from server.web.task_shapes import EvidenceBody, evidence_body
from server.web.tasks import TaskId

router = APIRouter(prefix="/api/v1/tasks", tags=["tasks"])

UPLOAD_MAX_S = 90.0
LATE_AT_MOST = timedelta(days=3)
"""So long after it was taken a photo of a visit that is over is taken still: a cellar, an empty battery, a weekend."""
_NAMESPACE = UUID("b3c58f0e-5d0c-5a86-9a2f-54a4f7d0f6c2")
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {t: {"schema": {"type": "string", "format": "binary"}} for t in PHOTO_TYPES},
    }
}


@router.post(
    "/{id}/photos", status_code=201, responses=errors(401, 403, 404, 408, 409, 413, 415), openapi_extra=_BODY
)
async def add_photo(
    web: WebContext,
    session: Acting,
    id: TaskId,
    request: Request,
    x_client_id: Annotated[UUID, Header()],
    x_content_sha256: Annotated[str | None, Header(pattern="^[0-9a-f]{64}$")] = None,
    x_taken_at: Annotated[AwareDatetime | None, Header()] = None,
) -> EvidenceBody:
    """The copy's row; `derived_from` is the original. The same X-Client-Id again gives the same row, also
    after the task was closed or handed over. What the phone says of hash and time is kept beside; no clock heeds it. By it, though,
    a photo is taken late, and marked so, of an officer who held the task then and holds it no more, for three days.

    415 not_an_image; 422 hash_differs, photo_broken, photo_too_many_pixels or photo_too_hard, and then nothing is kept.
    """
    original, copy = (
        uuid5(_NAMESPACE, f"{id}/{session.name}/{x_client_id}/{part}") for part in ("original", "copy")
    )
    # By his name in its id his own, whoever may see the task now: a phone that lost the answer hears that it was stored.
    if (known := await task_views.evidence_row(web.pool, copy, None)) is None:
        late = await _is_late(web, id, session, x_taken_at)
        async with web.photos.uploads:
            content = await _uploaded(request)
            if x_content_sha256 not in (None, hashlib.sha256(content).hexdigest()):
                metrics.PHOTOS.labels("hash_differs").inc()
                raise ApiError(422, "hash_differs")
            photo = _Photo(web, session, id, x_content_sha256, x_taken_at, late)
            await photo.keep(original, copy, content)
        known = await task_views.evidence_row(web.pool, copy, None)
    if known is None:
        raise not_found()
    return evidence_body(known)


async def _is_late(web: Web, task: int, session: Session, taken_at: datetime | None) -> bool:
    """Does it come when the visit is over, or is another's? Raises ApiError when it cannot be taken at all."""
    held = await task_views.holder(web.pool, task, session.officer)
    if held is None:
        raise not_found()
    over = held["state"] == TaskState.CLOSED
    if not over and (session.role != Role.OFFICER or held["officer"] == session.officer):
        return False
    if await _held_it(web, task, session.officer, taken_at):
        return True
    if over or not held["officer"]:
        raise ApiError(409, "wrong_state", {"state": held["state"]})
    raise ApiError(409, "taken_by_other")


async def _held_it(web: Web, task: int, officer: str | None, taken_at: datetime | None) -> bool:
    """When he says that he took it, and not too long ago."""
    if officer is None or taken_at is None or web.deps.clock.now() - taken_at > LATE_AT_MOST:
        return False
    return await task_views.held_at(web.pool, task, officer, taken_at)


async def _uploaded(request: Request) -> bytes:
    """The whole body; its length is bounded by the guard while it is read, its time here."""
    content = bytearray()
    try:
        async with asyncio.timeout(UPLOAD_MAX_S):
            async for chunk in request.stream():
                content += chunk
    except (TimeoutError, ClientDisconnect):  # a phone that is gone reads no answer
        raise ApiError(408, "upload_too_slow", {"most_s": UPLOAD_MAX_S}) from None
    return bytes(content)


@dataclass(frozen=True, slots=True)
class _Photo:
    """One upload: of which task, by whom, what the phone said of it, and whether it came when the visit was over."""

    web: Web
    session: Session
    task: int
    phone_sha256: str | None
    claimed_at: datetime | None
    late: bool

    async def keep(self, original: UUID, copy: UUID, content: bytes) -> None:
        media_type = sniffed(content)
        if media_type is None:
            metrics.PHOTOS.labels("not_an_image").inc()
            raise ApiError(415, "not_an_image")
        try:
            made = await self.web.photos.copy(content)
        except PhotoError as error:
            metrics.PHOTOS.labels(error.key).inc()
            raise ApiError(422, error.key) from error
        first = await self._row(original, content, media_type)
        size = {"width": made.width, "height": made.height}
        second = await self._row(copy, made.jpeg, "image/jpeg")
        second = replace(second, derived_from=original, phone_sha256=None, meta={**second.meta, **size})
        async with transaction(self.web.pool) as connection:
            await evidence.add(connection, first)
            await evidence.add(connection, second)
        metrics.PHOTOS.labels("stored").inc()

    async def _row(self, id: UUID, content: bytes, media_type: str) -> Evidence:
        """The bytes are in the store when this returns. The time in a photo's EXIF stays in the original, unread."""
        kept = await asyncio.to_thread(self.web.deps.blobs.put_bytes, content)
        return Evidence(
            id=id, kind=EvidenceKind.PHOTO, state=EvidenceState.STORED, media_type=media_type, task_id=self.task,
            sha256=kept.sha256, sm3=kept.sm3, size_bytes=len(content), captured_at=self.web.deps.clock.now(),
            meta={"by": self.session.name, **({"late": True} if self.late else {})},
            phone_sha256=self.phone_sha256, claimed_at=self.claimed_at,
        )  # fmt: skip
