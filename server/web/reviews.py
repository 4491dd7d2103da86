"""The valid-hour table of a station's day, and the days of its month."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Literal

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Limit, Registry
from farwatch.domain.review import CITY
from farwatch.storage import review_views
from farwatch.storage.database import Record
from server.spreadsheet import Cell
from server.web.context import WebContext
from server.web.csv_answer import CSV_TOO, CsvWanted, csv_answer, local
from server.web.errors import errors
from server.web.review_shapes import ReviewCell, is_unverified, review_cell
from server.web.shapes import Named
from server.web.station_access import Day, Known, KnownStation, midnight, month_of

router = APIRouter(prefix="/api/v1/stations", tags=["reviews"])

_COLUMNS = (
    "ts", "code", "verdict", "reason", "expected", "received", "valid", "device_value", "device_converted", "device_flag",
    "own_value", "own_converted", "judged_value", "limit_value", "lower_value", "limit_source", "unverified", "late",
    "reviewed_at", "revision",
)  # fmt: skip


class ReviewedChannel(BaseModel):
    code: str
    unit: str
    role: str


class ReviewRow(BaseModel):
    """`cells` by code; a channel that was not reviewed for this period is not among them."""

    ts: datetime
    cells: dict[str, ReviewCell]


class ReviewTable(BaseModel):
    """A row for every hour of the day, or every day of the month. `whole`: for a table of hours, the day's own reviews."""

    station: Named
    enterprise: Named | None
    kind: ReadingKind
    since: datetime
    until: datetime
    channels: list[ReviewedChannel]
    rows: list[ReviewRow]
    whole: dict[str, ReviewCell]


@router.get("/{mn}/reviews", responses={**errors(401, 404), **CSV_TOO}, response_model=ReviewTable)
async def reviews(
    web: WebContext,
    csv: CsvWanted,
    known: KnownStation,
    kind: Literal["hour", "day"] = "hour",
    date: Day | None = None,
) -> ReviewTable | StreamingResponse:
    """`date` is a day of the city, today when it is left out; for `kind=day` any day of the month that is wanted."""
    day = date or web.deps.clock.now().astimezone(CITY).date()
    since, until = (midnight(day), midnight(day + timedelta(days=1))) if kind == "hour" else month_of(day)
    mn, registry = known.station.mn, await web.registry.current()
    found = await review_views.table(web.pool, mn, ReadingKind(kind), since, until)
    if csv:
        name = f"reviews-{kind}-{day.isoformat()}"
        return await csv_answer(name, _COLUMNS, _csv_pages(found, mn, registry))
    whole = await review_views.table(web.pool, mn, ReadingKind.DAY, since, until) if kind == "hour" else []
    return ReviewTable(
        station=Named(id=mn, name=known.station.name),
        enterprise=_named(known),
        kind=ReadingKind(kind),
        since=since,
        until=until,
        channels=_channels(registry, mn, {r["code"] for r in found + whole}),
        rows=_rows(found, ReadingKind(kind), since, until, mn, registry),
        whole={r["code"]: _cell(r, mn, registry) for r in whole},
    )


def _named(known: Known) -> Named | None:
    return Named(id=known.enterprise.id, name=known.enterprise.name) if known.enterprise else None


def _channels(registry: Registry, mn: str, reviewed: set[str]) -> list[ReviewedChannel]:
    """Those that have limits or were reviewed; first those that are judged, then what they are converted by."""
    shown = [
        c
        for (of, code), c in registry.channels.items()
        if of == mn and (code in reviewed or (mn, code) in registry.limits)
    ]
    shown.sort(key=lambda c: (not _is_judged(registry.limits.get((mn, c.code), ())), c.role, c.code))
    return [ReviewedChannel(code=c.code, unit=c.unit, role=c.role) for c in shown]


def _is_judged(limits: tuple[Limit, ...]) -> bool:
    return any(x.limit is not None or x.lower is not None for x in limits)


def _rows(
    found: list[Record], kind: ReadingKind, since: datetime, until: datetime, mn: str, registry: Registry
) -> list[ReviewRow]:
    step = timedelta(hours=1) if kind is ReadingKind.HOUR else timedelta(days=1)
    rows = {
        since + n * step: ReviewRow(ts=since + n * step, cells={}) for n in range((until - since) // step)
    }
    for r in found:
        if r["ts"] in rows:
            rows[r["ts"]].cells[r["code"]] = _cell(r, mn, registry)
    return list(rows.values())


def _cell(row: Record, mn: str, registry: Registry) -> ReviewCell:
    return review_cell(row, unverified=is_unverified(registry.limits.get((mn, row["code"]), ()), row))


async def _csv_pages(found: list[Record], mn: str, registry: Registry) -> AsyncIterator[list[list[Cell]]]:
    yield [
        [
            {
                "ts": local(r["ts"]),
                "reviewed_at": local(r["reviewed_at"]),
                "unverified": int(is_unverified(registry.limits.get((mn, r["code"]), ()), r)),
                "late": int(r["late"]),
            }.get(name, r.get(name))
            for name in _COLUMNS
        ]
        for r in found
    ]
