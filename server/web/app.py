"""The web application: routes, guards and the parts they share, made from its dependencies alone."""

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from server.web import (
    actions,
    cameras,
    cap,
    case_reviews,
    cases,
    choices,
    custody,
    device_commands,
    enterprises,
    errors,
    events,
    evidence,
    exceedances,
    exports,
    features,
    figures,
    findings,
    grids,
    health,
    holds,
    live,
    marks,
    minor_list,
    notices,
    officers,
    osmand,
    pages,
    penalty,
    photos,
    rates,
    readings,
    reports,
    reviews,
    seals,
    session,
    silences,
    stations,
    tasks,
    visit_public,
    visits,
    warning_public,
    warnings,
    workers,
    zones,
)
from server.web.compression import CompressedFiles
from server.web.context import Web, WebDependencies
from server.web.event_hub import EventHub
from server.web.export_gate import ExportGate
from server.web.feed_limits import FeedLimits
from server.web.figures_cache import FiguresCache
from server.web.guard import Guard
from server.web.live_viewers import LiveViewers
from server.web.metrics import Measure
from server.web.passwords import PasswordGate
from server.web.photo_workshop import PhotoWorkshop
from server.web.position_door import PositionDoor
from server.web.rate_limit import SignInLimits
from server.web.recent_views import RecentViews
from server.web.registry_cache import RegistryCache
from server.web.report_desk import ReportDesk
from server.web.visit_door import VisitDoor
from server.web.worker_door import WorkerDoor

# Photos come before actions, whose route takes any name; the pages come last: theirs takes every path.
_ROUTERS: tuple[APIRouter, ...] = (
    session.router,
    tasks.router,
    choices.router,
    penalty.router,
    visits.router,
    exports.router,
    case_reviews.router,
    custody.router,
    holds.router,
    photos.router,
    actions.router,
    evidence.router,
    grids.router,
    readings.router,
    reviews.router,
    marks.router,
    exceedances.router,
    findings.router,
    rates.router,
    reports.router,
    cases.router,
    features.router,
    cap.router,
    stations.router,
    device_commands.router,
    cameras.router,
    live.router,
    zones.router,
    workers.router,
    officers.router,
    osmand.router,
    warnings.router,
    notices.router,
    silences.router,
    visit_public.router,
    warning_public.router,
    minor_list.router,
    enterprises.router,
    figures.router,
    events.router,
    health.router,
    seals.router,
    pages.router,
)

_ALWAYS: dict[int | str, dict[str, Any]] = {
    422: {"model": errors.ErrorBody, "description": "A parameter or the body is not as it must be"},
    503: {
        "model": errors.ErrorBody,
        "description": "The database is away for a moment, or too many ask at once",
    },
}


def create_app(deps: WebDependencies) -> FastAPI:
    """An application on its own; `serve` also runs the hub that feeds its event streams."""
    app = FastAPI(
        title="Farwatch",
        version="1",
        openapi_url="/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        responses=_ALWAYS,
    )
    app.state.web = Web(
        deps=deps,
        hub=EventHub(deps.pool, deps.clock),
        passwords=PasswordGate(),
        limits=SignInLimits(),
        photos=PhotoWorkshop(),
        figures=FiguresCache(deps.pool),
        compressed=CompressedFiles(),
        views=RecentViews(),
        live=LiveViewers(),
        exports=ExportGate(),
        workers=WorkerDoor(),
        visits=VisitDoor(deps.data_dir),
        positions=PositionDoor(),
        registry=RegistryCache(deps.pool, deps.load_registry),
        reports=ReportDesk(),
        feeds=FeedLimits(),
    )
    errors.install(app)
    for router in _ROUTERS:
        app.include_router(router)
    app.add_middleware(Guard, settings=deps.settings)
    app.add_middleware(Measure)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
