"""Early warnings: enterprises that were told, and for which a task follows unless it ends."""

import secrets
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints

from alerting.visits import ANSWERS_AFTER, MOST_ANSWERS
from farwatch.domain.commitment import SALT_BYTES, commitment
from farwatch.domain.registry import Registry
from farwatch.storage import audit, warnings
from farwatch.storage.database import Record, transaction
from farwatch.storage.warnings import Answer, Answered
from server.web.authentication import Centre, NotOfficer
from server.web.context import WebContext
from server.web.errors import errors, not_found
from server.web.shapes import Listing, Named, Reason, enterprise_named

router = APIRouter(prefix="/api/v1/warnings", tags=["tasks"])


class WarningBody(BaseModel):
    """`channel` null: nobody at the enterprise could be told but by telephone. `acknowledged_by` is `contact` for who opened the
    link that was sent, else the account that noted what was said."""

    finding_id: UUID
    fingerprint: str
    station: str | None
    code: str | None
    camera: str | None
    enterprise: Named | None
    told_at: datetime
    window_ends_at: datetime
    state: Literal["open", "cleared", "became_task"]
    decided_at: datetime | None
    channel: str | None
    reminded_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    answer: str | None
    drill_id: str | None
    reason: Reason


@router.get("", responses=errors(401, 403))
async def open_warnings(
    web: WebContext, _: NotOfficer, state: Literal["open"] = "open"
) -> Listing[WarningBody]:
    """Those whose window ends first on top, at most 500."""
    rows, registry = await warnings.listed(web.pool), await web.registry.current()
    return Listing(items=[warning_body(r, registry) for r in rows if r["state"] == state])


class SaidByPhone(BaseModel):
    text: Annotated[str, StringConstraints(max_length=1000, pattern=r"^[^\x00]*$")] = ""


@router.post("/{finding}/answers", status_code=201, responses=errors(401, 403, 404, 413, 415))
async def note_answer(web: WebContext, who: Centre, finding: UUID, body: SaidByPhone) -> WarningBody:
    """What the enterprise said by telephone. The window goes on. 404 also a day after the window's end. Written to the audit."""
    text, salt, now = body.text.strip(), secrets.token_bytes(SALT_BYTES), web.deps.clock.now()
    said = Answer(by=who.name, text=text, salt=salt, commitment=commitment(salt, text, None))
    async with transaction(web.pool) as connection:
        if (
            await warnings.answer(connection, finding, said, now, ANSWERS_AFTER, MOST_ANSWERS)
            is Answered.OVER
        ):
            raise not_found()
        await audit.write(connection, who.name, "warning_answered", f"warning/{finding}")
        row = await warnings.one(connection, finding)
    assert row is not None
    return warning_body(row, await web.registry.current())


def warning_body(row: Record, registry: Registry) -> WarningBody:
    return WarningBody.model_validate(
        {
            **dict(row),
            "enterprise": enterprise_named(registry, row["enterprise"]) if row["enterprise"] else None,
            "reason": {"key": row["reason_key"], "params": row["reason_params"]},
        }
    )
