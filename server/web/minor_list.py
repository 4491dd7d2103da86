"""The bureau's list of minor violations (不予处罚清单), edited as a whole, and which recent cases it would have covered."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from alerting.first_time import covering, is_minor
from farwatch.domain.finding import Kind
from farwatch.domain.leniency import MinorRow
from farwatch.storage import audit, minor_list, penalty
from farwatch.storage.database import Record, transaction
from farwatch.storage.minor_list import ListChangedError, MinorList
from server.web.authentication import Bureau, NotOfficer
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors
from server.web.shapes import Named, enterprise_named

router = APIRouter(prefix="/api/v1/minor-list", tags=["leniency"])

MOST_ROWS = 200
LOOKS_BACK = timedelta(days=90)
_Name = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_]*$")]


class RowBody(BaseModel, allow_inf_nan=False):
    """Empty `rule` and `code`: any. `times_at_most` in `months`, this one counted; `basis` is the legal ground in words."""

    kind: Kind
    rule: _Name = ""
    code: _Name = ""
    max_ratio: Annotated[float, Field(ge=1, le=100)] | None = None
    max_severity: Annotated[int, Field(ge=1, le=3)] = 1
    times_at_most: Annotated[int, Field(ge=1, le=100)] = 1
    months: Annotated[int, Field(ge=1, le=120)] = 12
    needs_corrected: bool = True
    basis: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=r"^[^\x00]*\S[^\x00]*$")]

    def row(self, id: int) -> MinorRow:
        return MinorRow(id=id, **self.model_dump())


class RowsBody(BaseModel):
    rows: Annotated[list[RowBody], Field(max_length=MOST_ROWS)]


class NewList(RowsBody):
    """`version` is that of the list which was changed."""

    version: Annotated[int, Field(ge=0, le=2**31 - 2)]


class ShownRow(RowBody):
    id: int


class ListBody(BaseModel):
    """Version 0: empty, as shipped."""

    version: int
    changed_by: str | None
    changed_at: datetime | None
    rows: list[ShownRow]


@router.get("", responses=errors(401, 403))
async def the_minor_list(web: WebContext, _: NotOfficer) -> ListBody:
    return _body(await minor_list.current(web.pool))


@router.put("", responses=errors(401, 403, 409, 413, 415))
async def replace_minor_list(web: WebContext, who: Bureau, body: NewList) -> ListBody:
    """A new version; the old ones stay for the decisions that name them. 409 list_changed when somebody else was first."""
    rows = [row.row(0) for row in body.rows]
    try:
        async with transaction(web.pool) as connection:
            version = await minor_list.replace(
                connection, body.version, rows, by=who.name, now=web.deps.clock.now()
            )
            await audit.write(
                connection, who.name, "minor_list_changed", f"minor_list/{version}", rows=len(rows)
            )
            return _body(await minor_list.of_version(connection, version))
    except ListChangedError:
        raise ApiError(409, "list_changed") from None


class MatchBody(BaseModel):
    """A matter that a row covers; `minor`: within its ratio and severity."""

    task: int
    enterprise: Named
    opened_at: datetime
    kind: Kind
    code: str | None
    ratio: float | None
    severity: int
    place: int
    minor: bool


class PreviewBody(BaseModel):
    """Of the confirmed cases that were closed in the last 90 days, at most the newest 500; `place` is the row's, from 1."""

    cases: int
    matches: list[MatchBody]


@router.post("/preview", responses=errors(401, 403, 413, 415))
async def preview_minor_list(web: WebContext, _: Bureau, body: RowsBody) -> PreviewBody:
    """What these rows would have covered. Nothing is kept."""
    rows = [row.row(place) for place, row in enumerate(body.rows, 1)]
    recent = {r["id"]: r for r in await penalty.recent(web.pool, web.deps.clock.now() - LOOKS_BACK)}
    return PreviewBody(cases=len(recent), matches=await _matches(web, rows, recent))


async def _matches(web: Web, rows: list[MinorRow], recent: dict[int, Record]) -> list[MatchBody]:
    registry = await web.registry.current()
    found = []
    for matter in await penalty.matters(web.pool, list(recent)):
        judged, case = matter.judged, recent[matter.task]
        if row := covering(rows, judged):
            found.append(
                MatchBody(
                    task=matter.task, enterprise=enterprise_named(registry, case["enterprise"]), opened_at=case["opened_at"],
                    kind=judged.kind, code=judged.code, ratio=judged.ratio, severity=judged.severity, place=row.id,
                    minor=is_minor(row, judged),
                )
            )  # fmt: skip
    return found


def _body(found: MinorList) -> ListBody:
    return ListBody.model_validate(found, from_attributes=True)
