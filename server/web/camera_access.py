"""Who may look at a camera: everybody but officers; an officer while he has a task of it."""

from typing import Annotated

from fastapi import Depends, Path

from farwatch.domain.registry import Camera
from farwatch.storage import task_views
from farwatch.storage.sessions import Session
from server.web.authentication import SignedIn
from server.web.context import Web, WebContext
from server.web.errors import not_found

CameraId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]


async def may_see(web: Web, session: Session, camera: str) -> bool:
    """Is the camera in the registry, and this session's to look at?"""
    if camera not in (await web.registry.current()).cameras:
        return False
    return session.officer is None or await task_views.sees_subject(web.pool, session.officer, camera=camera)


async def _seen(web: WebContext, session: SignedIn, id: CameraId) -> str:
    if not await may_see(web, session, id):
        raise not_found()
    return id


CameraSeen = Annotated[str, Depends(_seen)]
"""The id of a registered camera that this session may look at."""


async def _known(web: WebContext, id: CameraId) -> Camera:
    camera = (await web.registry.current()).cameras.get(id)
    if camera is None:
        raise not_found()
    return camera


KnownCamera = Annotated[Camera, Depends(_known)]
