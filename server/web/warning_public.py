"""Where an enterprise's contact answers a warning: behind the link that he was sent. Nobody signs in here.

An answer acknowledges and says what is done; the window goes on. Whatever does not open is the same 404.
"""

import secrets
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints

from alerting import visits as codes
from farwatch.domain.commitment import SALT_BYTES, commitment
from farwatch.domain.finding import Kind
from farwatch.domain.registry import Registry
from farwatch.storage import warnings
from farwatch.storage.database import Record, transaction
from farwatch.storage.warnings import CONTACT, Answer, Answered
from server.web import peer
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.shapes import Reason

router = APIRouter(prefix="/api/v1/warned", tags=["visits"])


class WarnedShown(BaseModel):
    """`state`: open until the window ends, then cleared or became_task. `answer` is what was said last."""

    bureau: str
    enterprise: str
    station: str
    code: str | None
    kind: Kind
    reason: Reason
    told_at: datetime
    window_ends_at: datetime
    state: Literal["open", "cleared", "became_task"]
    drill: bool
    acknowledged_at: datetime | None
    answer: str | None


class ContactAnswer(BaseModel):
    """Empty: seen, no more."""

    text: Annotated[str, StringConstraints(max_length=codes.LONGEST_COMMENT, pattern=r"^[^\x00]*$")] = ""


@router.get("/{token}", responses=errors(404, 429))
async def warned(web: WebContext, request: Request, token: str) -> WarnedShown:
    """404 for whatever does not open, also a day after the window's end; 429 too_many_attempts with Retry-After."""
    finding = _admit(web, request, token)
    return _shown(web, await web.registry.current(), await _open(web, finding))


@router.post("/{token}/answers", status_code=201, responses=errors(403, 404, 409, 413, 415, 429))
async def answer_warning(web: WebContext, request: Request, token: str, body: ContactAnswer) -> WarnedShown:
    """Acknowledges, with what is done about it; a later answer takes its place, and the same again is none. At most five a
    warning (409 too_many_answers). The window does not stop."""
    finding, now = _admit(web, request, token), web.deps.clock.now()
    text, salt = body.text.strip(), secrets.token_bytes(SALT_BYTES)
    row = await _open(web, finding)
    if (row["acknowledged_by"], row["answer"]) == (CONTACT, text):
        return _shown(web, await web.registry.current(), row)
    said = Answer(by=CONTACT, text=text, salt=salt, commitment=commitment(salt, text, None))
    async with transaction(web.pool) as connection:
        done = await warnings.answer(
            connection, row["finding_id"], said, now, codes.ANSWERS_AFTER, codes.MOST_ANSWERS
        )
    if done is Answered.TOO_MANY:
        raise ApiError(409, "too_many_answers", {"most": codes.MOST_ANSWERS})
    if done is Answered.OVER:
        raise not_found()
    return _shown(web, await web.registry.current(), await _open(web, finding))


def _admit(web: Web, request: Request, token: str) -> UUID | None:
    address = peer.address(request.scope, web.deps.settings)
    web.visits.admit(address, codes.digest(token).hex(), web.deps.clock.monotonic())
    return codes.warning_of(web.visits.key(), token)


async def _open(web: Web, finding: UUID | None) -> Record:
    row = await warnings.one(web.pool, finding) if finding else None
    if row is None or row["window_ends_at"] + codes.ANSWERS_AFTER <= web.deps.clock.now():
        raise not_found()
    return row


def _shown(web: Web, registry: Registry, row: Record) -> WarnedShown:
    enterprise = registry.enterprises.get(row["enterprise"] or "")
    station = registry.stations.get(row["station"] or "")
    return WarnedShown.model_validate(
        {
            **dict(row),
            "bureau": web.deps.settings.bureau_name,
            "enterprise": enterprise.name if enterprise else "",
            "station": station.name if station else row["station"] or "",
            "kind": row["fingerprint"].partition("/")[0],
            "reason": {"key": row["reason_key"], "params": row["reason_params"]},
            "drill": row["drill_id"] is not None,
        }
    )
