"""Cases with the fields of a 案卷 (GB/T 30428 practice), as CSV for other systems and as JSON."""

from collections.abc import AsyncIterator, Sequence
from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from farwatch.domain.review import CITY
from farwatch.storage import features as store
from farwatch.storage.database import Record
from server.spreadsheet import Cell
from server.web.case_numbers import case_number
from server.web.context import Web, WebContext
from server.web.csv_answer import CSV_TOO, CsvWanted, csv_answer, local
from server.web.errors import ApiError, errors
from server.web.feed_door import FeedReader
from server.web.shapes import Listing, Point, position_of
from server.web.shapes import cursor as cursor_of
from server.web.station_access import month_of

router = APIRouter(prefix="/api/v1/cases", tags=["feeds"])

CSV_PAGE = 500
BIG, SMALL = (
    "环境污染",
    {
        "exceedance": "污染物超标排放",
        "smoke": "烟囱冒黑烟",
        "burning": "露天焚烧",
        "dumping": "乱倒乱卸",
        "camera_fault": "设备故障",
        "data_fault": "监测数据异常",
    },
)
"""大类 and 小类 by name: the codes are each city's own."""
STATES = {
    "open": "待派遣", "offered": "待接收", "accepted": "处置中", "arrived": "处置中", "handled": "待核查", "verified": "待结案",
    "closed": "已结案",
}  # fmt: skip
OUTCOMES = {"handled": "已处置", "false_alarm": "误报", "ceased": "自行消除"}
COLUMNS = (
    "案卷编号", "任务号", "问题来源", "大类", "小类", "问题描述", "企业", "责任网格", "街道", "责任班组", "经度", "纬度", "状态",
    "严重程度", "事项数", "发生时间", "上报时间", "受理时间", "立案时间", "派遣时间", "接收时间", "到场时间", "反馈时间",
    "核查时间", "结案时间", "处置时限", "超期标志", "超时环节", "延期标志", "返工标志", "原案卷", "结论",
)  # fmt: skip


class CaseBody(BaseModel):
    """`opened_at` is 上报, 受理 and 立案 alike: the finding's commit opens the case."""

    case: str
    task: int
    source: str
    big: str
    small: str
    enterprise: str | None
    grid: str | None
    street: str | None
    team: str | None
    place: Point
    state: str
    severity: int
    matters: int
    event_at: datetime | None
    opened_at: datetime
    dispatched_at: datetime | None
    accepted_at: datetime | None
    arrived_at: datetime | None
    handled_at: datetime | None
    verified_at: datetime | None
    closed_at: datetime | None
    handle_due_at: datetime | None
    overdue: bool
    breaches: list[str]
    excused: bool
    reopened_from: int | None
    outcome: str | None


@router.get("", responses={**errors(401, 403, 429), **CSV_TOO}, response_model=Listing[CaseBody])
async def cases(
    web: WebContext,
    _: FeedReader,
    csv: CsvWanted,
    month: Annotated[str | None, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Listing[CaseBody] | StreamingResponse:
    """Those opened in `month` (this one, when left out), newest first; drills are left out. All of it as CSV."""
    now = web.deps.clock.now()
    since, until = month_of(date.fromisoformat(f"{month}-01") if month else now.astimezone(CITY).date())
    if csv:
        return await csv_answer(f"cases-{since:%Y-%m}", COLUMNS, _csv_pages(web, since, until, now))
    rows = await store.opened(web.pool, since, until, _before(cursor), limit)
    return Listing(
        items=[_body(r, now) for r in rows], next=cursor_of(rows[-1]["id"]) if len(rows) == limit else None
    )


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    position = position_of(cursor)
    if not position.isdecimal() or len(position) > 18:
        raise ApiError(422, "bad_cursor")
    return int(position)


def overdue(r: Record, now: datetime) -> bool:
    """Handled after the limit, or not yet and the limit is over."""
    due: datetime | None = r["handle_due_at"]
    return due is not None and (r["handled_at"] or r["closed_at"] or now) > due


def _source(r: Record) -> str:
    parts = [("自动监控", r["by_station"]), ("视频监控", r["by_camera"])]
    return "、".join(name for name, there in parts if there)


def _small(r: Record) -> str:
    return "、".join(SMALL.get(kind, kind) for kind in r["kinds"] or ())


_AS_THEY_ARE = (
    "enterprise", "grid", "street", "team", "state", "severity", "event_at", "opened_at", "dispatched_at", "accepted_at",
    "arrived_at", "handled_at", "verified_at", "closed_at", "handle_due_at", "reopened_from", "outcome",
)  # fmt: skip


def _body(r: Record, now: datetime) -> CaseBody:
    return CaseBody(
        **{name: r[name] for name in _AS_THEY_ARE},
        case=case_number(r["opened_at"], r["id"]), task=r["id"], source=_source(r), big=BIG, small=_small(r),
        place=Point(lat=r["lat"], lon=r["lon"]), matters=len(r["found_at"] or ()), overdue=overdue(r, now),
        breaches=r["breaches"] or [], excused=bool(r["excused"]),
    )  # fmt: skip


async def _csv_pages(
    web: Web, since: datetime, until: datetime, now: datetime
) -> AsyncIterator[Sequence[Sequence[Cell]]]:
    """Page by page, so that a slow reader holds no connection."""
    before: int | None = None
    while rows := await store.opened(web.pool, since, until, before, CSV_PAGE):
        yield [_csv_row(r, now) for r in rows]
        before = rows[-1]["id"]


def _csv_row(r: Record, now: datetime) -> list[Cell]:
    found = local(r["opened_at"])
    described = f"{r['enterprise_name'] or r['grid_name'] or ''}{_small(r)}"
    return [
        case_number(r["opened_at"], r["id"]), r["id"], _source(r), BIG, _small(r), described,
        r["enterprise_name"] or r["enterprise"], r["grid_name"] or r["grid"], r["street"], r["team"], r["lon"], r["lat"],
        STATES.get(r["state"], r["state"]), r["severity"], len(r["found_at"] or ()), local(r["event_at"]), found, found, found,
        local(r["dispatched_at"]), local(r["accepted_at"]), local(r["arrived_at"]), local(r["handled_at"]),
        local(r["verified_at"]), local(r["closed_at"]), local(r["handle_due_at"]), int(overdue(r, now)),
        " ".join(r["breaches"] or ()), int(bool(r["excused"])), int(r["reopened_from"] is not None), r["reopened_from"],
        OUTCOMES.get(r["outcome"], r["outcome"]),
    ]  # fmt: skip
