"""The exceedance register (超标台账): every hour and day whose mean was over or below its limit."""

from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from fastapi.responses import StreamingResponse

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Registry
from farwatch.domain.review import CITY
from farwatch.storage import review_views
from farwatch.storage.database import Record
from farwatch.storage.review_views import Key, Wanted
from server.spreadsheet import Cell
from server.web.authentication import NotOfficer
from server.web.context import Web, WebContext
from server.web.csv_answer import CSV_TOO, CsvWanted, csv_answer, local
from server.web.errors import ApiError, errors
from server.web.review_shapes import ReviewCell, is_unverified
from server.web.shapes import Listing, Named, position_of
from server.web.shapes import cursor as cursor_of
from server.web.station_access import month_of

router = APIRouter(prefix="/api/v1/exceedances", tags=["reviews"])

CSV_PAGE = 1000
_COLUMNS = (
    "ts", "kind", "enterprise", "enterprise_name", "mn", "station_name", "code", "unit", "verdict", "judged_value",
    "limit_value", "lower_value", "ratio", "limit_source", "unverified", "expected", "received", "valid", "device_value",
    "device_converted", "own_value", "own_converted", "late", "reviewed_at", "revision", "finding_id", "disposition", "task_id",
)  # fmt: skip


class Exceedance(ReviewCell):
    """`ratio` is the judged value over the limit it broke. `finding_id` and `task_id` are null where nothing followed."""

    station: Named
    enterprise: Named
    code: str
    unit: str
    ratio: float | None
    finding_id: UUID | None
    disposition: str | None
    task_id: int | None


def _wanted(
    web: WebContext,
    month: Annotated[str | None, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")] = None,
    kind: Literal["hour", "day"] | None = None,
    late: bool | None = None,
    station: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]+$")] = None,
    enterprise: Annotated[str | None, Query(max_length=64, pattern=r"^[^\x00]+$")] = None,
) -> Wanted:
    day = date.fromisoformat(f"{month}-01") if month else web.deps.clock.now().astimezone(CITY).date()
    since, until = month_of(day)
    chosen = ReadingKind(kind) if kind else None
    return Wanted(since=since, until=until, kind=chosen, late=late, mn=station, enterprise=enterprise)


@router.get("", responses={**errors(401, 403), **CSV_TOO}, response_model=Listing[Exceedance])
async def exceedances(
    web: WebContext,
    _: NotOfficer,
    csv: CsvWanted,
    wanted: Annotated[Wanted, Depends(_wanted)],
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=128)] = None,
) -> Listing[Exceedance] | StreamingResponse:
    """Periods that began in `month` (this one, when left out), newest first; drills are left out. All of it as CSV."""
    if csv:
        return await csv_answer(f"exceedances-{wanted.since:%Y-%m}", _COLUMNS, _csv_pages(web, wanted))
    rows = await review_views.over(web.pool, wanted, _key(cursor) if cursor else None, limit)
    registry = await web.registry.current()
    return Listing(
        items=[_exceedance(r, registry) for r in rows],
        next=cursor_of("|".join(map(str, _place(rows[-1])))) if len(rows) == limit else None,
    )


def _exceedance(r: Record, registry: Registry) -> Exceedance:
    return Exceedance.model_validate(
        {
            **dict(r),
            "limit": r["limit_value"],
            "lower": r["lower_value"],
            "unverified": is_unverified(registry.limits.get((r["mn"], r["code"]), ()), r),
            "station": Named(id=r["mn"], name=r["station_name"]),
            "enterprise": Named(id=r["enterprise"], name=r["enterprise_name"]),
            "ratio": _ratio(r),
        }
    )


def _ratio(r: Record) -> float | None:
    line = r["limit_value"] if r["verdict"] == "over" else r["lower_value"]
    return r["judged_value"] / line if line and r["judged_value"] is not None else None


async def _csv_pages(web: Web, wanted: Wanted) -> AsyncIterator[list[list[Cell]]]:
    """Page by page, so that a slow reader holds no connection."""
    registry, before = await web.registry.current(), None
    while rows := await review_views.over(web.pool, wanted, before, CSV_PAGE):
        yield [_csv_row(r, registry) for r in rows]
        before = _place(rows[-1])


def _csv_row(r: Record, registry: Registry) -> list[Cell]:
    special: dict[str, Cell] = {
        "ts": local(r["ts"]),
        "reviewed_at": local(r["reviewed_at"]),
        "ratio": _ratio(r),
        "unverified": int(is_unverified(registry.limits.get((r["mn"], r["code"]), ()), r)),
        "late": int(r["late"]),
        "finding_id": str(r["finding_id"]) if r["finding_id"] else None,
    }
    return [special[name] if name in special else r[name] for name in _COLUMNS]


def _place(r: Record) -> Key:
    return r["ts"], r["kind"], r["channel_id"]


def _key(cursor: str) -> Key:
    ts, _, rest = position_of(cursor).partition("|")
    kind, _, channel = rest.partition("|")
    try:
        at = datetime.fromisoformat(ts)
    except ValueError:
        raise ApiError(422, "bad_cursor") from None
    if at.tzinfo is None or kind not in ("hour", "day") or not channel.isdecimal() or len(channel) > 9:
        raise ApiError(422, "bad_cursor")
    return at, kind, int(channel)
