"""Declared conditions of the works (工况标记): who declared what, when; never changed, only withdrawn."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, Field

from farwatch.domain.review import Mark, MarkLabel
from farwatch.storage import audit, marks
from farwatch.storage.database import transaction
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.shapes import Listing, position_of
from server.web.shapes import cursor as cursor_of
from server.web.station_access import KnownStation, StationSeen

router = APIRouter(prefix="/api/v1/stations", tags=["reviews"])

LONGEST = timedelta(days=366)
AHEAD = timedelta(days=366)


class MarkBody(BaseModel):
    """`code` null: all channels of the station. Over [from_at, to_at) data do not count against the works."""

    id: int
    code: str | None
    label: str
    from_at: datetime
    to_at: datetime
    note: str
    declared_by: str
    declared_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None


class NewMark(BaseModel):
    label: MarkLabel
    from_at: AwareDatetime
    to_at: AwareDatetime
    code: Annotated[str | None, Field(max_length=32, pattern=r"^[^\x00]+$")] = None
    note: Annotated[str, Field(max_length=1000, pattern=r"^[^\x00]*$")] = ""


@router.get("/{mn}/marks", responses=errors(401, 404))
async def list_marks(
    web: WebContext,
    mn: StationSeen,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Listing[MarkBody]:
    """Newest declaration first, with those that were withdrawn."""
    rows = await marks.listed(web.pool, mn, _before(cursor) if cursor else None, limit)
    return Listing(
        items=[MarkBody.model_validate(dict(r)) for r in rows],
        next=cursor_of(rows[-1]["id"]) if len(rows) == limit else None,
    )


@router.post("/{mn}/marks", status_code=201, responses=errors(401, 403, 404))
async def add_mark(web: WebContext, who: NotOfficer, known: KnownStation, body: NewMark) -> MarkBody:
    """Declares a condition; the hours and days that it touches are reviewed anew. Written to the audit."""
    now, mn = web.deps.clock.now(), known.station.mn
    _check_span(body, now)
    if body.code is not None and (mn, body.code) not in (await web.registry.current()).channels:
        raise ApiError(422, "unknown_channel", {"code": body.code})
    mark = Mark(label=body.label, from_at=body.from_at, to_at=body.to_at, declared_at=now, code=body.code)
    async with transaction(web.pool) as connection:
        added = await marks.add(connection, mn, mark, by=who.name, note=body.note, now=now)
        await audit.write(connection, who.name, "mark_added", f"mark/{added}", mn=mn, label=body.label)
    return MarkBody(
        id=added, code=body.code, label=body.label, from_at=body.from_at, to_at=body.to_at, note=body.note,
        declared_by=who.name, declared_at=now, withdrawn_at=None, withdrawn_by=None,
    )  # fmt: skip


@router.delete("/{mn}/marks/{id}", responses=errors(401, 403, 404))
async def withdraw_mark(
    web: WebContext, who: NotOfficer, mn: StationSeen, id: Annotated[int, Path(ge=1, le=2**63 - 1)]
) -> MarkBody:
    """Takes a declaration back: the row stays, what it touched is reviewed anew. Written to the audit; a repeat changes nothing."""
    async with transaction(web.pool) as connection:
        row = await marks.withdraw(connection, mn, id, by=who.name, now=web.deps.clock.now())
        if row is not None:
            await audit.write(connection, who.name, "mark_withdrawn", f"mark/{id}", mn=mn, label=row["label"])
        row = row or await marks.one(connection, mn, id)
    if row is None:
        raise not_found()
    return MarkBody.model_validate(dict(row))


def _check_span(body: NewMark, now: datetime) -> None:
    if body.to_at <= body.from_at:
        raise ApiError(422, "ends_before_it_begins")
    if body.to_at - body.from_at > LONGEST or abs(body.from_at - now) > AHEAD:
        raise ApiError(422, "span_too_long", {"most_days": LONGEST.days})


def _before(text: str) -> int:
    position = position_of(text)
    if not position.isdecimal() or len(position) > 18:
        raise ApiError(422, "bad_cursor")
    return int(position)
