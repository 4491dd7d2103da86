"""A channel's readings: its curve, and what was replaced in it."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel

from farwatch.domain.reading import ReadingKind
from farwatch.storage import curves, reading_views, review_views
from farwatch.storage.database import Record
from server.spreadsheet import Cell
from server.web.context import Web, WebContext
from server.web.csv_answer import CSV_TOO, CsvWanted, csv_answer, local
from server.web.errors import ApiError, errors
from server.web.review_shapes import ReviewCell, is_unverified, review_cell
from server.web.shapes import Listing, position_of
from server.web.shapes import cursor as cursor_of
from server.web.station_access import ChannelSeen, Code, StationSeen
from server.web.stations import LimitBody, in_force

router = APIRouter(prefix="/api/v1/stations", tags=["city"])

PAGE = 2000
REVISED_PAGE = 200
# What is shown when nobody says since when: a curve that fits a page.
_USUAL = {
    ReadingKind.RTD: timedelta(hours=1),
    ReadingKind.MIN: timedelta(days=1),
    ReadingKind.HOUR: timedelta(days=7),
    ReadingKind.DAY: timedelta(days=90),
}
_COLUMNS = (
    "ts",
    "value",
    "converted",
    "minimum",
    "maximum",
    "amount",
    "flag",
    "late",
    "received_at",
    "revision",
)


class ReadingBody(BaseModel):
    """`minimum` to `maximum` over the period; `amount` is the mass or volume of the period (HJ 212 Cou)."""

    ts: datetime
    value: float
    converted: float | None
    minimum: float | None
    maximum: float | None
    amount: float | None
    flag: str
    late: bool
    received_at: datetime
    revision: int


class Curve(BaseModel):
    """In order of event time; `limits` are those of this kind that are in force now."""

    items: list[ReadingBody]
    unit: str
    limits: list[LimitBody]
    next: str | None


class RevisedReading(BaseModel):
    """`versions` oldest first, the last is current. `verdicts` of the hour or day, where it was judged anew, likewise."""

    ts: datetime
    versions: list[ReadingBody]
    verdicts: list[ReviewCell]


Since = Annotated[AwareDatetime | None, Query(alias="from")]
Until = Annotated[AwareDatetime | None, Query(alias="to")]
Cursor = Annotated[str | None, Query(max_length=64)]


@router.get("/{mn}/readings", responses={**errors(401, 404), **CSV_TOO}, response_model=Curve)
async def readings(
    web: WebContext,
    csv: CsvWanted,
    mn: StationSeen,
    code: Code,
    channel: ChannelSeen,
    kind: ReadingKind = ReadingKind.RTD,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
) -> Curve | StreamingResponse:
    """[from, to) by event time; a page of it, or all of it as CSV. An officer sees the curves of stations in his open tasks."""
    now = web.deps.clock.now()
    until, since = _span(kind, since, until, cursor, now)
    if csv:
        pages = _csv_pages(web, channel["id"], kind, since, until)
        return await csv_answer(f"readings-{_plain(mn)}-{_plain(code)}-{kind}", _COLUMNS, pages)
    rows = await curves.page(web.pool, channel["id"], kind, since, until, PAGE)
    limits = in_force((await web.registry.current()).limits.get((mn, code), ()), now)
    return Curve(
        items=[ReadingBody.model_validate(dict(r)) for r in rows],
        unit=channel["unit"],
        limits=[x for x in limits if x.kind is kind],
        next=cursor_of(_after(rows[-1]["ts"]).isoformat()) if len(rows) == PAGE else None,
    )


@router.get("/{mn}/readings/revisions", responses=errors(401, 404))
async def reading_revisions(
    web: WebContext,
    mn: StationSeen,
    code: Code,
    channel: ChannelSeen,
    kind: ReadingKind = ReadingKind.HOUR,
    since: Since = None,
    until: Until = None,
    cursor: Cursor = None,
) -> Listing[RevisedReading]:
    """The readings of [from, to) that were replaced, with every content they had."""
    until, since = _span(kind, since, until, cursor, web.deps.clock.now())
    times = await reading_views.replaced_times(web.pool, channel["id"], kind, since, until, REVISED_PAGE)
    found = await reading_views.versions(web.pool, channel["id"], kind, times)
    verdicts = (
        await review_views.replaced(web.pool, channel["id"], kind, times[0], _after(times[-1]))
        if times
        else []
    )
    limits = (await web.registry.current()).limits.get((mn, code), ())
    return Listing(
        items=[
            RevisedReading(
                ts=ts,
                versions=[ReadingBody.model_validate(dict(r)) for r in rows],
                verdicts=[
                    review_cell(r, unverified=is_unverified(limits, r)) for r in verdicts if r["ts"] == ts
                ],
            )
            for ts, rows in groupby(found, key=lambda r: r["ts"])
        ],
        next=cursor_of(_after(times[-1]).isoformat()) if len(times) == REVISED_PAGE else None,
    )


async def _csv_pages(
    web: Web, channel: int, kind: ReadingKind, since: datetime, until: datetime
) -> AsyncIterator[list[list[Cell]]]:
    """Page by page, so that a slow reader holds no connection."""
    while rows := await curves.page(web.pool, channel, kind, since, until, PAGE):
        yield [_csv_row(r) for r in rows]
        since = _after(rows[-1]["ts"])


def _csv_row(r: Record) -> list[Cell]:
    times = {"ts": local(r["ts"]), "received_at": local(r["received_at"]), "late": int(r["late"])}
    return [times.get(name, r[name]) for name in _COLUMNS]


def _plain(name: str) -> str:
    """As a part of a file's name."""
    return "".join(c if c.isascii() and c.isalnum() else "_" for c in name)


def _span(
    kind: ReadingKind, since: datetime | None, until: datetime | None, cursor: str | None, now: datetime
) -> tuple[datetime, datetime]:
    until = until or now
    return until, _instant(cursor) if cursor else since or _before(until, _USUAL[kind])


def _after(at: datetime) -> datetime:
    return at + timedelta(microseconds=1)


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
