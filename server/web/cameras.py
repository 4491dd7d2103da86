"""Cameras, whether they show pictures, and the latest picture of each."""

from datetime import datetime
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Response
from fastapi.responses import FileResponse
from pydantic import BaseModel

from farwatch.domain.registry import Camera, Registry
from farwatch.storage import audit, camera_status, task_views
from farwatch.storage.blobs import live_still_path
from farwatch.storage.camera_status import CameraState, CameraStatus
from server.web.authentication import SignedIn
from server.web.context import WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.evidence import SANDBOX
from server.web.shapes import Listing, Named, Point, enterprise_named

router = APIRouter(prefix="/api/v1", tags=["city"])


class ZoneBody(BaseModel):
    """`polygon` in shares of the picture's width and height."""

    name: str
    purpose: str
    polygon: list[tuple[float, float]]


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


@router.get("/cameras", responses=errors(401))
async def cameras(web: WebContext, _: SignedIn) -> Listing[CameraBody]:
    registry = await web.registry.current()
    states = await camera_status.fetch_all(web.pool)
    return Listing(items=[_camera(c, registry, states.get(c.id)) for c in registry.cameras.values()])


_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}, "description": "A small JPEG"}}


@router.get("/cameras/{id}/still", response_class=Response, responses=_JPEG | errors(401, 404))
async def camera_still(
    web: WebContext, session: SignedIn, id: Annotated[str, Path(max_length=200)]
) -> FileResponse:
    """The latest small picture. An officer sees it while he has a task of that camera; 404 no_picture when none came yet."""
    known = id in (await web.registry.current()).cameras
    if not known or (
        session.officer and not await task_views.sees_subject(web.pool, session.officer, camera=id)
    ):
        raise not_found()
    file = live_still_path(web.deps.data_dir, id)
    if not file.is_file():
        raise ApiError(404, "no_picture")
    if web.views.is_new(f"{session.token_sha256.hex()}/{id}", web.deps.clock.monotonic()):
        await audit.write(web.pool, session.name, "live_still_viewed", f"camera/{id}")
    headers = {"Content-Security-Policy": SANDBOX, "Cache-Control": "private, no-cache"}
    return FileResponse(file, media_type="image/jpeg", headers=headers)


def _camera(camera: Camera, registry: Registry, status: CameraStatus | None) -> CameraBody:
    return CameraBody(
        id=camera.id,
        name=camera.name,
        enterprise=enterprise_named(registry, camera.enterprise) if camera.enterprise else None,
        place=Point(lat=camera.place.lat, lon=camera.place.lon),
        heading_deg=camera.heading_deg,
        drill=camera.drill,
        state=status.state if status else CameraState.UNKNOWN,
        reason=status.reason if status else "never_seen",
        last_frame_at=status.last_frame_at if status else None,
        still_url=f"/api/v1/cameras/{quote(camera.id, safe='')}/still",
        zones=[
            ZoneBody(name=z.name, purpose=z.purpose, polygon=list(z.polygon))
            for z in registry.zones.get(camera.id, ())
        ],
    )
