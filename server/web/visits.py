"""Visit codes for the officer's phone, what came of them on a task, and how many visits there were in a month."""

import logging
import secrets
from collections import defaultdict
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, StringConstraints

from alerting import visits as codes
from farwatch.domain.registry import Registry
from farwatch.domain.review import CITY
from farwatch.domain.task import TaskState
from farwatch.storage import audit, task_views
from farwatch.storage import visits as store
from farwatch.storage.database import Connection, transaction
from farwatch.storage.visits import MonthCount, VisitCode
from server import visit_key
from server.spreadsheet import Cell
from server.web import peer
from server.web.authentication import NotOfficer, Officer, SignedIn
from server.web.context import Web, WebContext
from server.web.csv_answer import CSV_TOO, CsvWanted, csv_answer
from server.web.errors import ApiError, errors, not_found
from server.web.shapes import Named, Reason, enterprise_named
from server.web.tasks import TaskId

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1", tags=["visits"])

SHOWN_IN = (TaskState.ACCEPTED, TaskState.ARRIVED)
_COLUMNS = (
    "enterprise", "enterprise_name", "visits", "without_code", "never_shown", "matters", "warnings_cleared", "ceased", "saved",
)  # fmt: skip


class VisitCodeBody(BaseModel):
    """`svg` is the QR code of `url`, which belongs to this officer's visit alone."""

    url: str
    svg: str
    expires_at: datetime
    first_scanned_at: datetime | None
    scans: int


@router.get("/tasks/{id}/visit-code", responses=errors(401, 403, 404, 409))
async def visit_code(web: WebContext, session: Officer, request: Request, id: TaskId) -> VisitCodeBody:
    """The same code until it ends, made at the first wish for it. 409 wrong_state before the task is accepted and after the visit,
    no_enterprise_visited where nothing but a camera of no enterprise needs somebody; 404 also when another officer has it."""
    assert session.officer is not None
    async with transaction(web.pool) as connection:
        row = await store.lock_visit(connection, id)
        if row is None or row["officer"] != session.officer:
            raise not_found()
        if row["state"] not in SHOWN_IN:
            raise ApiError(409, "wrong_state", {"state": row["state"]})
        if not row["calls_for_code"]:
            raise ApiError(409, "no_enterprise_visited")
        code = await _code_of(web, connection, id, session.officer)
    token = codes.code(web.visits.key(), id, session.officer, code.nonce)
    url = f"{_base(web, request)}/visit/{token}"
    return VisitCodeBody(
        url=url, svg=codes.qr_svg(url), expires_at=code.expires_at, first_scanned_at=code.first_scanned_at,
        scans=code.scans,
    )  # fmt: skip


async def ensure(web: Web, task: int, officer: str) -> None:
    """No code, no visit: whoever arrived has one, whether his page asked for it or not. That none can be made fails no deed."""
    try:
        web.visits.key()
    except (visit_key.VisitKeyError, OSError):
        log.exception("no visit code can be made for task %d", task)
        return
    async with transaction(web.pool) as connection:
        row = await store.lock_visit(connection, task)
        if row and row["officer"] == officer and row["state"] in SHOWN_IN and row["calls_for_code"]:
            await _code_of(web, connection, task, officer)


async def _code_of(web: Web, connection: Connection, task: int, officer: str) -> VisitCode:
    now, key = web.deps.clock.now(), web.visits.key()
    living = await store.living(connection, task, officer, now)
    if living is not None:
        if codes.digest(codes.code(key, task, officer, living.nonce)) == living.token_sha256:
            return living
        log.error(
            "the visit code of task %d was made with another %s: all machines need the same",
            task,
            visit_key.FILE,
        )
    nonce = secrets.token_bytes(16)
    token = codes.code(key, task, officer, nonce)
    return await store.make(
        connection, task, officer, nonce=nonce, token_sha256=codes.digest(token), now=now, lasts=codes.LASTS
    )


def _base(web: Web, request: Request) -> str:
    settings = web.deps.settings
    return settings.public_url or peer.origin(request.scope, settings)


class CommentBody(BaseModel):
    id: int
    text: str
    at: datetime
    answer: str | None
    answered_by: str | None
    answered_at: datetime | None


class VisitBody(BaseModel):
    """One officer's code; `ended_by`: `over` with the visit, `passed_on` to another officer, `renewed` after its time."""

    id: int
    officer: str
    made_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    first_scanned_at: datetime | None
    scans: int
    comments: list[CommentBody]


class TaskVisits(BaseModel):
    """`standing`: no_visit_yet, visit_without_enterprise, visit_without_code, visit_code_never_shown or visit_code_shown."""

    standing: Reason
    visits: list[VisitBody]


@router.get("/tasks/{id}/visits", responses=errors(401, 404))
async def task_visits(web: WebContext, session: SignedIn, id: TaskId) -> TaskVisits:
    """Its visit codes, and what the enterprise wrote under them: that is not for officers, whom it may be about."""
    if await task_views.holder(web.pool, id, session.officer) is None:
        raise not_found()
    found = await store.of_task(web.pool, id)
    comments = defaultdict(list)
    for row in found.comments if session.officer is None else ():
        comments[row["code_id"]].append(CommentBody.model_validate(dict(row)))
    scans = sum(row["scans"] for row in found.codes)
    standing = codes.standing(found.arrived_at, len(found.codes), scans, calls_for_code=found.calls_for_code)
    return TaskVisits(
        standing=Reason(key=standing.key, params=dict(standing.params)),
        visits=[
            VisitBody.model_validate({**dict(row), "comments": comments[row["id"]]}) for row in found.codes
        ],
    )


class Answer(BaseModel):
    answer: Annotated[str, StringConstraints(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]


@router.post(
    "/tasks/{id}/visit-comments/{comment}", status_code=204, responses=errors(401, 403, 404, 413, 415)
)
async def answer_comment(
    web: WebContext, who: NotOfficer, id: TaskId, comment: Annotated[int, Path(ge=1, le=2**63 - 1)], body: Answer
) -> None:  # fmt: skip
    """Once; the enterprise sees it on the visit's page while that is open. 404 also when it was answered before."""
    async with transaction(web.pool) as connection:
        now = web.deps.clock.now()
        if not await store.answer(connection, id, comment, by=who.name, text=body.answer.strip(), now=now):
            raise not_found()
        await audit.write(connection, who.name, "visit_comment_answered", f"task/{id}", comment=comment)


class MonthRow(BaseModel):
    """See docs/reference/enterprise.md; `saved` = matters - visits + warnings_cleared."""

    enterprise: Named
    visits: int
    without_code: int
    never_shown: int
    matters: int
    warnings_cleared: int
    ceased: int
    saved: int


class MonthReport(BaseModel):
    month: str
    rows: list[MonthRow]
    total: MonthRow


@router.get("/visits", responses={**errors(401, 403), **CSV_TOO}, response_model=MonthReport)
async def visits_of_month(
    web: WebContext,
    _: NotOfficer,
    csv: CsvWanted,
    month: Annotated[str | None, Query(pattern=r"^20\d\d-(0[1-9]|1[0-2])$")] = None,
) -> MonthReport | StreamingResponse:
    """How often each enterprise was visited in a month of the city (this one, when left out), and how often not. No drills."""
    day = date.fromisoformat(f"{month}-01") if month else web.deps.clock.now().astimezone(CITY).date()
    counts, registry = await store.month_counts(web.pool, day), await web.registry.current()
    rows = [month_row(c, enterprise_named(registry, c.enterprise)) for c in counts]
    if csv:
        return await csv_answer(f"visits-{day:%Y-%m}", _COLUMNS, _csv_pages(rows))
    return MonthReport(month=f"{day:%Y-%m}", rows=rows, total=_total(rows))


def month_row(count: MonthCount, enterprise: Named) -> MonthRow:
    fields: dict[str, Any] = {name: getattr(count, name) for name in _COLUMNS[2:]}
    return MonthRow(enterprise=enterprise, **fields)


def _total(rows: list[MonthRow]) -> MonthRow:
    sums: dict[str, Any] = {name: sum(getattr(row, name) for row in rows) for name in _COLUMNS[2:]}
    return MonthRow(enterprise=Named(id="", name=""), **sums)


async def _csv_pages(rows: list[MonthRow]) -> AsyncIterator[list[list[Cell]]]:
    yield [[r.enterprise.id, r.enterprise.name, *(getattr(r, name) for name in _COLUMNS[2:])] for r in rows]


def whose(registry: Registry, officer: str) -> tuple[str, str]:
    """The officer's badge number and his team's name: all that the enterprise is told of him."""
    known = registry.officers.get(officer)
    team = registry.teams.get(known.team) if known else None
    return (known.badge if known else ""), (team.name if team else "")
