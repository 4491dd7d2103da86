"""Officers: who is on shift, where, and how busy. Their own pages report their positions."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from alerting.dispatch import on_shift
from farwatch.storage import positions, task_views, tasks
from farwatch.storage.positions import OfficerPosition
from server.web.actions import At
from server.web.authentication import Centre, Officer
from server.web.context import WebContext
from server.web.errors import ApiError, errors
from server.web.shapes import Listing

router = APIRouter(prefix="/api/v1", tags=["officers"])


class Whereabouts(BaseModel):
    lat: float
    lon: float
    accuracy_m: float | None
    at: datetime


class OfficerBody(BaseModel):
    """`place` is null for who is neither on shift nor on a task."""

    id: str
    name: str
    team: str
    on_shift: bool
    place: Whereabouts | None
    open_tasks: int


class PositionReport(At):
    at: AwareDatetime


@router.get("/officers", responses=errors(401, 403))
async def officers(web: WebContext, _: Centre) -> Listing[OfficerBody]:
    registry, now = await web.registry.current(), web.deps.clock.now()
    places, counts = await positions.latest(web.pool), await tasks.open_counts(web.pool)
    items = []
    for officer in registry.officers.values():
        busy, working = counts.get(officer.id, 0), on_shift(officer, now)
        known = places.get(officer.id) if busy or working else None
        items.append(
            OfficerBody(
                id=officer.id,
                name=officer.name,
                team=officer.team,
                on_shift=working,
                place=_whereabouts(known) if known else None,
                open_tasks=busy,
            )
        )
    return Listing(items=items)


def _whereabouts(known: OfficerPosition) -> Whereabouts:
    at = known.place
    return Whereabouts(lat=at.lat, lon=at.lon, accuracy_m=at.accuracy_m, at=known.received_at)


@router.post("/position", status_code=204, responses=errors(401, 403, 409, 413, 415))
async def report_position(web: WebContext, session: Officer, report: PositionReport) -> None:
    """Kept on shift or with an open task only; else 409 not_on_shift, and nothing is stored."""
    assert session.officer is not None
    officer = (await web.registry.current()).officers.get(session.officer)
    working = officer is not None and on_shift(officer, web.deps.clock.now())
    if not working and not await task_views.has_open(web.pool, session.officer):
        raise ApiError(409, "not_on_shift")
    await positions.put(web.pool, session.officer, report.position, report.at)
