"""Early warnings: enterprises that were told, and for which a task follows unless it ends."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from farwatch.storage import warnings
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import errors
from server.web.shapes import Listing, Named, Reason, enterprise_named

router = APIRouter(prefix="/api/v1/warnings", tags=["tasks"])


class WarningBody(BaseModel):
    finding_id: UUID
    fingerprint: str
    station: str | None
    code: str | None
    camera: str | None
    enterprise: Named | None
    told_at: datetime
    window_ends_at: datetime
    state: Literal["open", "cleared", "became_task"]
    drill_id: str | None
    reason: Reason


@router.get("", responses=errors(401, 403))
async def open_warnings(
    web: WebContext, _: NotOfficer, state: Literal["open"] = "open"
) -> Listing[WarningBody]:
    """Those whose window ends first on top, at most 500."""
    rows, registry = await warnings.listed(web.pool), await web.registry.current()
    return Listing(
        items=[
            WarningBody.model_validate(
                {
                    **dict(r),
                    "enterprise": enterprise_named(registry, r["enterprise"]) if r["enterprise"] else None,
                    "reason": {"key": r["reason_key"], "params": r["reason_params"]},
                }
            )
            for r in rows
            if r["state"] == state
        ]
    )
