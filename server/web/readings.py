"""A channel's curve."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel

from farwatch.domain.reading import ReadingKind
from farwatch.storage import curves, task_views
from server.web.authentication import SignedIn
from server.web.context import WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.shapes import cursor as cursor_of
from server.web.shapes import position_of
from server.web.stations import LimitBody, in_force

router = APIRouter(prefix="/api/v1/stations", tags=["city"])

PAGE = 2000
# What is shown when nobody says since when: a curve that fits a page.
_USUAL = {
    ReadingKind.RTD: timedelta(hours=1),
    ReadingKind.MIN: timedelta(days=1),
    ReadingKind.HOUR: timedelta(days=7),
    ReadingKind.DAY: timedelta(days=90),
}


class ReadingBody(BaseModel):
    ts: datetime
    value: float
    converted: float | None
    flag: str
    late: bool
    revision: int


class Curve(BaseModel):
    """In order of event time; `limits` are those of this kind that are in force now."""

    items: list[ReadingBody]
    unit: str
    limits: list[LimitBody]
    next: str | None


@router.get("/{mn}/readings", responses=errors(401, 404))
async def readings(
    web: WebContext,
    session: SignedIn,
    mn: Annotated[str, Path(max_length=64, pattern=r"^[^\x00]+$")],
    code: Annotated[str, Query(max_length=32, pattern=r"^[^\x00]+$")],
    kind: ReadingKind = ReadingKind.RTD,
    since: Annotated[AwareDatetime | None, Query(alias="from")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to")] = None,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Curve:
    """[from, to) by event time. An officer sees the curves of stations in his open tasks."""
    if session.officer and not await task_views.sees_subject(web.pool, session.officer, station=mn):
        raise not_found()
    channel = await curves.channel(web.pool, mn, code)
    if channel is None:
        raise not_found()
    now = web.deps.clock.now()
    until = until or now
    since = _instant(cursor) if cursor else since or _before(until, _USUAL[kind])
    rows = await curves.page(web.pool, channel["id"], kind, since, until, PAGE)
    more = len(rows) == PAGE
    limits = in_force((await web.registry.current()).limits.get((mn, code), ()), now)
    return Curve(
        items=[ReadingBody.model_validate(dict(r)) for r in rows],
        unit=channel["unit"],
        limits=[x for x in limits if x.kind is kind],
        next=cursor_of((rows[-1]["ts"] + timedelta(microseconds=1)).isoformat()) if more else None,
    )


def _before(until: datetime, span: timedelta) -> datetime:
    try:
        return until - span
    except OverflowError:  # nothing is that old
        return until


def _instant(cursor: str) -> datetime:
    try:
        at = datetime.fromisoformat(position_of(cursor))
    except ValueError:
        raise ApiError(422, "bad_cursor") from None
    if at.tzinfo is None:
        raise ApiError(422, "bad_cursor")
    return at
