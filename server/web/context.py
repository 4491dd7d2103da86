"""What the routes are given: nothing here is global, every part is passed in."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request

from farwatch.domain.registry import Registry
from farwatch.runtime.clock import Clock
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Connection, Pool
from server.web.compression import CompressedFiles
from server.web.event_hub import EventHub
from server.web.export_gate import ExportGate
from server.web.feed_limits import FeedLimits
from server.web.figures_cache import FiguresCache
from server.web.live_viewers import LiveViewers
from server.web.passwords import PasswordGate
from server.web.photo_workshop import PhotoWorkshop
from server.web.position_door import PositionDoor
from server.web.rate_limit import SignInLimits
from server.web.recent_views import RecentViews
from server.web.registry_cache import RegistryCache
from server.web.report_desk import ReportDesk
from server.web.settings import WebSettings
from server.web.visit_door import VisitDoor
from server.web.worker_door import WorkerDoor


@dataclass(frozen=True, slots=True, kw_only=True)
class WebDependencies:
    """`load_registry` is farwatch.storage.registry.load; `console_dist` is the folder that `make console` fills."""

    pool: Pool
    clock: Clock
    data_dir: Path
    blobs: BlobStore
    load_registry: Callable[[Connection], Awaitable[Registry]]
    console_dist: Path
    settings: WebSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The dependencies, and the parts of this process that are made from them."""

    deps: WebDependencies
    hub: EventHub
    passwords: PasswordGate
    limits: SignInLimits
    photos: PhotoWorkshop
    figures: FiguresCache
    compressed: CompressedFiles
    views: RecentViews
    live: LiveViewers
    exports: ExportGate
    workers: WorkerDoor
    visits: VisitDoor
    positions: PositionDoor
    registry: RegistryCache
    reports: ReportDesk
    feeds: FeedLimits

    @property
    def pool(self) -> Pool:
        return self.deps.pool


def web_of(request: Request) -> Web:
    web: Web = request.app.state.web
    return web


WebContext = Annotated[Web, Depends(web_of)]
