"""Officers: who is on shift, where, and how busy; the secrets of their tracking apps. Their own pages report their positions."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel

from alerting.dispatch import on_shift
from farwatch.storage import audit, officer_devices, positions, task_views, tasks
from farwatch.storage.database import transaction
from farwatch.storage.positions import OfficerPosition
from farwatch.storage.sessions import Session
from farwatch.storage.users import Role
from server.web import metrics
from server.web.actions import At
from server.web.authentication import Acting, NotOfficer, Officer
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.shapes import Listing

router = APIRouter(prefix="/api/v1", tags=["officers"])

OfficerId = Annotated[str, Path(max_length=64)]


class Whereabouts(BaseModel):
    """`at`: when he was there, `age_s` how long ago that is; `source` is page or osmand."""

    lat: float
    lon: float
    accuracy_m: float | None
    at: datetime
    age_s: float
    source: str


class OfficerBody(BaseModel):
    """`place` is null for who is neither on shift nor on a task, and for the bureau, whose business names are. `device`: his
    phone's tracking app has a secret."""

    id: str
    name: str
    team: str
    skills: list[str]
    on_shift: bool
    place: Whereabouts | None
    open_tasks: int
    device: bool


class Colleague(BaseModel):
    id: str
    name: str
    open_tasks: int


class PositionReport(At):
    at: AwareDatetime


class DeviceBody(BaseModel):
    """The secret is shown this once; `path` is where the app sends to, on this server."""

    token: str
    path: str


@router.get("/officers", responses=errors(401, 403))
async def officers(web: WebContext, who: NotOfficer) -> Listing[OfficerBody]:
    registry, now = await web.registry.current(), web.deps.clock.now()
    places = {} if who.role is Role.BUREAU else await positions.latest(web.pool)
    counts = await tasks.open_counts(web.pool)
    devices = await officer_devices.holders(web.pool)
    items = []
    for officer in registry.officers.values():
        busy, working = counts.get(officer.id, 0), on_shift(officer, now)
        known = places.get(officer.id) if working or busy else None
        items.append(
            OfficerBody(
                id=officer.id,
                name=officer.name,
                team=officer.team,
                skills=sorted(officer.skills),
                on_shift=working,
                place=_whereabouts(known, now) if known else None,
                open_tasks=busy,
                device=officer.id in devices,
            )
        )
    return Listing(items=items)


def _whereabouts(known: OfficerPosition, now: datetime) -> Whereabouts:
    at, age_s = known.place, max(0.0, (now - known.taken_at).total_seconds())
    return Whereabouts(
        lat=at.lat, lon=at.lon, accuracy_m=at.accuracy_m, at=known.taken_at, age_s=age_s, source=known.source
    )


@router.get("/colleagues", responses=errors(401, 403))
async def colleagues(web: WebContext, session: Officer) -> Listing[Colleague]:
    """To whom the signed-in officer may hand a task over: his own team on shift, and nothing of where they are."""
    registry, now = await web.registry.current(), web.deps.clock.now()
    me = registry.officers.get(session.officer or "")
    counts = await tasks.open_counts(web.pool)
    return Listing(
        items=[
            Colleague(id=o.id, name=o.name, open_tasks=counts.get(o.id, 0))
            for o in registry.officers.values()
            if me and o.team == me.team and o.id != me.id and on_shift(o, now)
        ]
    )


@router.post("/position", status_code=204, responses=errors(401, 403, 409, 413, 415))
async def report_position(web: WebContext, session: Officer, report: PositionReport) -> None:
    """Kept on shift or with an open task only; else 409 not_on_shift, and nothing is stored."""
    assert session.officer is not None
    officer = (await web.registry.current()).officers.get(session.officer)
    working = officer is not None and on_shift(officer, web.deps.clock.now())
    if not working and not await task_views.has_open(web.pool, session.officer):
        metrics.POSITIONS.labels(positions.PAGE, "not_on_shift").inc()
        raise ApiError(409, "not_on_shift")
    await positions.put(web.pool, session.officer, report.position, report.at)
    await positions.track(web.pool, session.officer, report.position, web.deps.clock.now())
    metrics.POSITIONS.labels(positions.PAGE, "stored").inc()


@router.post("/officers/{id}/device", status_code=201, responses=errors(401, 403, 404, 413, 415))
async def make_device(web: WebContext, session: Acting, id: OfficerId) -> DeviceBody:
    """A new secret for his phone's tracking app; the one before ends. Written to the audit. An officer makes his own only."""
    await _his(web, session, id)
    async with transaction(web.pool) as connection:
        token = await officer_devices.make(connection, id, session.name)
        await audit.write(connection, session.name, "device_made", f"officer/{id}")
    return DeviceBody(token=token, path="/osmand")


@router.delete("/officers/{id}/device", status_code=204, responses=errors(401, 403, 404))
async def end_device(web: WebContext, session: Acting, id: OfficerId) -> None:
    """His tracking app is heard no more. 404 when it has no secret. Written to the audit. An officer ends his own only."""
    await _his(web, session, id)
    async with transaction(web.pool) as connection:
        if not await officer_devices.revoke(connection, id):
            raise not_found()
        await audit.write(connection, session.name, "device_ended", f"officer/{id}")


async def _his(web: Web, session: Session, id: str) -> None:
    if session.role == Role.OFFICER and session.officer != id:
        raise ApiError(403, "not_your_role")
    if id not in (await web.registry.current()).officers:
        raise not_found()
