"""Cameras, whether they show pictures, the latest picture of each, and what was found by one."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from farwatch.domain.finding import Kind, Tier
from farwatch.domain.registry import Camera, Registry
from farwatch.domain.share import Share
from farwatch.storage import audit, camera_status, drawn_zones, finding_views, leases, task_views
from farwatch.storage.blobs import live_still_path
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.database import Record
from server.web.authentication import NotOfficer, SignedIn
from server.web.camera_access import CameraSeen, KnownCamera
from server.web.context import WebContext
from server.web.errors import ApiError, errors
from server.web.evidence import SANDBOX
from server.web.shapes import Listing, Named, Point, Reason, enterprise_named
from server.web.task_shapes import EvidenceBody, evidence_body
from server.web.zone_shapes import ZoneBody, ZonesBody, zone_bodies, zones_body

router = APIRouter(prefix="/api/v1", tags=["city"])


class CameraBody(BaseModel):
    id: str
    name: str
    enterprise: Named | None
    place: Point
    heading_deg: float | None
    drill: bool
    state: CameraState
    reason: str
    last_frame_at: datetime | None
    still_url: str
    zones: list[ZoneBody]


class CameraFinding(BaseModel):
    """`ended_at` null: it holds on, as far as is known."""

    id: UUID
    rule: str
    kind: Kind
    tier: Tier
    zone: str | None
    onset_at: datetime
    found_at: datetime
    ended_at: datetime | None
    severity: int
    reason: Reason
    disposition: str | None
    drill_id: str | None
    task_id: int | None
    evidence: list[EvidenceBody]


class StreamBody(BaseModel):
    """What its worker knows of the stream that it reads; `clock_offset_s` is our clock less the camera's."""

    codec: str | None = None
    width: int | None = None
    height: int | None = None
    clock_offset_s: float | None = None


class WatchedBy(BaseModel):
    """`share`: of the cameras, as they are divided now; null: nobody watches any. `holder`: machine and process that has it."""

    share: str | None = None
    holder: str | None = None


class CameraPage(CameraBody):
    """`picture_at` is the age of what `still_url` shows, `changed_at` since when state and reason are so. `player_url` is the
    city's own video gateway, where there is one."""

    changed_at: datetime | None
    picture_at: datetime | None
    live_url: str
    player_url: str | None
    watched_by: WatchedBy
    stream: StreamBody
    drawing: ZonesBody
    findings: list[CameraFinding]


@router.get("/cameras", responses=errors(401))
async def cameras(web: WebContext, session: SignedIn) -> Listing[CameraBody]:
    """All; for an officer those of his open tasks: where the others stand, and what they look at, is none of his business."""
    registry = await web.registry.current()
    his = None if session.officer is None else await task_views.cameras_of(web.pool, session.officer)
    shown = [c for c in registry.cameras.values() if his is None or c.id in his]
    states = await camera_status.fetch_all(web.pool)
    return Listing(items=[CameraBody(**_camera(c, registry, states.get(c.id))) for c in shown])


@router.get("/cameras/{id}", responses=errors(401, 403, 404))
async def camera(
    web: WebContext,
    _: NotOfficer,
    known: KnownCamera,
    findings: Annotated[int, Query(ge=0, le=100)] = 20,
) -> CameraPage:
    """One camera with its `findings` latest findings, drills too."""
    registry = await web.registry.current()
    status = (await camera_status.fetch_all(web.pool, known.id)).get(known.id)
    found, pictures = await finding_views.of_camera(web.pool, known.id, findings)
    player = web.deps.settings.camera_player_url
    return CameraPage(
        **_camera(known, registry, status),
        changed_at=status.changed_at if status else None,
        picture_at=await asyncio.to_thread(_changed_at, live_still_path(web.deps.data_dir, known.id)),
        live_url=f"/api/v1/cameras/{quote(known.id, safe='')}/live",
        player_url=player and player.replace("{camera}", quote(known.id, safe="")),
        watched_by=_watched_by(known.id, await leases.share_holders(web.pool)),
        stream=StreamBody.model_validate(dict(status.stream) if status else {}),
        drawing=zones_body(registry.zones.get(known.id, ()), await drawn_zones.of(web.pool, known.id)),
        findings=[_finding(r, [e for e in pictures if e["finding_id"] == r["id"]]) for r in found],
    )


_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}, "description": "A small JPEG"}}


@router.get("/cameras/{id}/still", response_class=Response, responses=_JPEG | errors(401, 404))
async def camera_still(web: WebContext, session: SignedIn, id: CameraSeen) -> FileResponse:
    """The latest small picture. An officer sees it while he has a task of that camera; 404 no_picture when none came yet."""
    file = live_still_path(web.deps.data_dir, id)
    if not file.is_file():
        raise ApiError(404, "no_picture")
    if web.views.is_new(f"{session.token_sha256.hex()}/{id}", web.deps.clock.monotonic()):
        await audit.write(web.pool, session.name, "live_still_viewed", f"camera/{id}")
    headers = {"Content-Security-Policy": SANDBOX, "Cache-Control": "private, no-cache"}
    return FileResponse(file, media_type="image/jpeg", headers=headers)


def _camera(camera: Camera, registry: Registry, status: CameraStatus | None) -> dict[str, Any]:
    return {
        "id": camera.id,
        "name": camera.name,
        "enterprise": enterprise_named(registry, camera.enterprise) if camera.enterprise else None,
        "place": Point(lat=camera.place.lat, lon=camera.place.lon),
        "heading_deg": camera.heading_deg,
        "drill": camera.drill,
        "state": status.state if status else CameraState.UNKNOWN,
        "reason": status.reason if status else "never_seen",
        "last_frame_at": status.last_frame_at if status else None,
        "still_url": f"/api/v1/cameras/{quote(camera.id, safe='')}/still",
        "zones": zone_bodies(registry.zones.get(camera.id, ())),
    }


def _watched_by(camera: str, holders: Mapping[Share, str]) -> WatchedBy:
    for held in holders:
        share = Share.of(camera, held.count)
        return WatchedBy(share=str(share), holder=holders.get(share))
    return WatchedBy()


def _finding(row: Record, pictures: list[Record]) -> CameraFinding:
    parts = {
        "reason": Reason(key=row["reason_key"], params=row["reason_params"]),
        "evidence": [evidence_body(e) for e in pictures],
    }
    return CameraFinding.model_validate({**dict(row), **parts})


def _changed_at(file: Path) -> datetime | None:
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC)
    except FileNotFoundError:
        return None
