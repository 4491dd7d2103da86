"""What was found in a month: also what was only recorded, for which nobody was sent."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel

from farwatch.domain.finding import Kind, Tier
from farwatch.domain.review import CITY
from farwatch.storage import finding_views
from farwatch.storage.database import Record
from farwatch.storage.finding_views import Key, Wanted
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import ApiError, errors
from server.web.shapes import Listing, Named, Reason, position_of
from server.web.shapes import cursor as cursor_of
from server.web.station_access import month_of

router = APIRouter(prefix="/api/v1/findings", tags=["reviews"])


class FindingBody(BaseModel):
    """`disposition` is what became of it, null as long as nobody has decided; `ended_at` null: it holds on, as far as is known."""

    id: UUID
    rule: str
    kind: Kind
    tier: Tier
    station: Named | None
    camera: str | None
    code: str | None
    enterprise: Named | None
    onset_at: datetime
    found_at: datetime
    ended_at: datetime | None
    severity: int
    reason: Reason
    late: bool
    disposition: str | None
    task_id: int | None


def _wanted(
    web: WebContext,
    kind: Kind = Kind.DATA_FAULT,
    month: Annotated[str | None, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")] = None,
    station: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]+$")] = None,
    rule: Annotated[str | None, Query(max_length=64, pattern=r"^[a-z0-9_]+$")] = None,
) -> Wanted:
    day = date.fromisoformat(f"{month}-01") if month else web.deps.clock.now().astimezone(CITY).date()
    since, until = month_of(day)
    return Wanted(kind=kind, since=since, until=until, mn=station, rule=rule)


@router.get("", responses=errors(401, 403))
async def list_findings(
    web: WebContext,
    _: NotOfficer,
    wanted: Annotated[Wanted, Depends(_wanted)],
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=128)] = None,
) -> Listing[FindingBody]:
    """Those of a kind whose onset lies in `month` (this one), newest first; drills are left out."""
    rows = await finding_views.found(web.pool, wanted, _key(cursor) if cursor else None, limit)
    more = len(rows) == limit
    return Listing(
        items=[_finding(r) for r in rows],
        next=cursor_of(f"{rows[-1]['onset_at'].isoformat()}|{rows[-1]['id']}") if more else None,
    )


def _finding(r: Record) -> FindingBody:
    named = {
        "station": Named(id=r["station"], name=r["station_name"] or r["station"]) if r["station"] else None,
        "enterprise": Named(id=r["enterprise"], name=r["enterprise_name"] or r["enterprise"])
        if r["enterprise"]
        else None,
        "reason": Reason(key=r["reason_key"], params=r["reason_params"]),
    }
    return FindingBody.model_validate({**dict(r), **named})


def _key(cursor: str) -> Key:
    onset, _, name = position_of(cursor).partition("|")
    try:
        at, finding = datetime.fromisoformat(onset), UUID(name)
    except ValueError:
        raise ApiError(422, "bad_cursor") from None
    if at.tzinfo is None:
        raise ApiError(422, "bad_cursor")
    return at, finding
