"""Silences and maintenance windows: who holds what back, why, and until when. And storms: what came together."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel, Field

from farwatch.domain.finding import Kind
from farwatch.domain.registry import Registry
from farwatch.domain.silence import LONGEST, Scope, SilenceKind
from farwatch.storage import audit, silences, storms
from farwatch.storage.database import Connection, Record, transaction
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.shapes import Listing, Named, position_of
from server.web.shapes import cursor as cursor_of

router = APIRouter(prefix="/api/v1", tags=["silences"])

AHEAD = timedelta(days=366)
STORMS_LISTED = 20
_Id = Annotated[str | None, Field(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]
SilenceId = Annotated[int, Path(ge=1, le=2**63 - 1)]


class ScopeBody(BaseModel):
    """All that is not null must be true of a finding; `grid` holds its place. At least one is set."""

    enterprise: _Id = None
    station: _Id = None
    camera: _Id = None
    grid: _Id = None
    finding_kind: Kind | None = None
    rule: Annotated[str | None, Field(max_length=64, pattern=r"^[a-z][a-z0-9_]*$")] = None


class NewSilence(BaseModel):
    """Holds back new findings of its scope over [from_at, to_at); `from_at` null: from now on."""

    kind: SilenceKind = SilenceKind.SILENCE
    scope: ScopeBody
    reason: Annotated[str, Field(min_length=1, max_length=1000, pattern=r"^[^\x00]*\S[^\x00]*$")]
    from_at: AwareDatetime | None = None
    to_at: AwareDatetime


class SilenceBody(BaseModel):
    """`over_at`: when it ends or ended; `over`: it has. `held`: findings that wait for it; at its end those that still stand are
    judged at once."""

    id: int
    kind: SilenceKind
    enterprise: Named | None
    station: Named | None
    camera: Named | None
    grid: Named | None
    finding_kind: Kind | None
    rule: str | None
    reason: str
    made_by: str
    made_at: datetime
    from_at: datetime
    to_at: datetime
    ended_at: datetime | None
    ended_by: str | None
    over: bool
    held: int


class StormBody(BaseModel):
    """`ended_at` null: it runs. `last_at`: when as much last came together as begins a storm; `open`: tasks not closed."""

    id: int
    began_at: datetime
    last_at: datetime
    ended_at: datetime | None
    tasks: int
    matters: int
    open: int


@router.get("/silences", responses=errors(401, 403))
async def list_silences(
    web: WebContext,
    _: NotOfficer,
    state: Literal["current", "all"] = "current",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(max_length=64)] = None,
) -> Listing[SilenceBody]:
    """Newest first. `current`: those that run, or will."""
    now, before = web.deps.clock.now(), _before(cursor) if cursor else None
    rows = await silences.listed(web.pool, now, current=state == "current", before=before, limit=limit)
    return Listing(
        items=[_body(r) for r in rows], next=cursor_of(rows[-1]["id"]) if len(rows) == limit else None
    )


@router.post("/silences", status_code=201, responses=errors(401, 403))
async def set_silence(web: WebContext, who: NotOfficer, body: NewSilence) -> SilenceBody:
    """Written to the audit and the log. Open tasks and their clocks go on; it has an end, at most 30 days after its begin."""
    now = web.deps.clock.now()
    from_at = max(body.from_at or now, now)
    _check_span(from_at, body.to_at, now)
    scope = _scope(body.scope, await web.registry.current())
    async with transaction(web.pool) as connection:
        added = await silences.add(
            connection, kind=body.kind, scope=scope, reason=body.reason.strip(), by=who.name, now=now, from_at=from_at,
            to_at=body.to_at,
        )  # fmt: skip
        await audit.write(connection, who.name, "silence_set", f"silence/{added}", kind=body.kind.value)
        return await _read(connection, added, now)


@router.delete("/silences/{id}", responses=errors(401, 403, 404))
async def end_silence(web: WebContext, who: NotOfficer, id: SilenceId) -> SilenceBody:
    """Ends it now: what it holds back and still stands is judged at once. The row stays; a repeat changes nothing."""
    now = web.deps.clock.now()
    async with transaction(web.pool) as connection:
        if await silences.end(connection, id, by=who.name, now=now):
            await audit.write(connection, who.name, "silence_ended", f"silence/{id}")
        return await _read(connection, id, now)


@router.get("/storms", responses=errors(401, 403))
async def list_storms(web: WebContext, _: NotOfficer) -> Listing[StormBody]:
    """The last 20, newest first; one that runs is the first."""
    rows = await storms.listed(web.pool, STORMS_LISTED)
    return Listing(items=[StormBody.model_validate(dict(r)) for r in rows])


def _check_span(from_at: datetime, to_at: datetime, now: datetime) -> None:
    if to_at <= from_at:
        raise ApiError(422, "ends_before_it_begins")
    if to_at - from_at > LONGEST or from_at - now > AHEAD:
        raise ApiError(422, "silence_too_long", {"most_days": LONGEST.days})


def _scope(body: ScopeBody, registry: Registry) -> Scope:
    """Names that the registry does not know would silence nothing, and nobody would notice."""
    scope = Scope(**body.model_dump(mode="json"))
    if scope.empty:
        raise ApiError(422, "scope_needed")
    known = {
        "enterprise": registry.enterprises, "station": registry.stations, "camera": registry.cameras, "grid": registry.grids,
    }  # fmt: skip
    for what, ids in known.items():
        if (named := getattr(scope, what)) is not None and named not in ids:
            raise ApiError(422, "unknown_scope", {"what": what, "id": named})
    return scope


async def _read(connection: Connection, id: int, now: datetime) -> SilenceBody:
    row = await silences.one(connection, id, now)
    if row is None:
        raise not_found()
    return _body(row)


def _body(row: Record) -> SilenceBody:
    named = {
        what: row[what] and {"id": row[what], "name": row[f"{what}_name"] or row[what]}
        for what in ("enterprise", "station", "camera", "grid")
    }
    return SilenceBody.model_validate({**dict(row), **named})


def _before(text: str) -> int:
    position = position_of(text)
    if not position.isdecimal() or len(position) > 18:
        raise ApiError(422, "bad_cursor")
    return int(position)
