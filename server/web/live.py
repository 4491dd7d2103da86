"""A camera's live picture as a stream of JPEGs, as long as its viewer's session."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from farwatch.storage import audit, sessions
from farwatch.storage.blobs import live_still_path, live_wish_path
from farwatch.storage.database import PASSING_ERRORS
from farwatch.storage.sessions import Session
from server.web.authentication import SignedIn
from server.web.camera_access import CameraSeen, may_see
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors
from server.web.evidence import SANDBOX
from server.web.live_viewers import TooManyViewersError
from server.web.sending import in_time

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1", tags=["city"])

LOOK_EVERY_S = 0.1
WISH_EVERY_S = 2.0
SEND_WITHIN_S = 10.0
BOUNDARY = b"--farwatch-picture\r\n"
MEDIA_TYPE = "multipart/x-mixed-replace; boundary=farwatch-picture"
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"multipart/x-mixed-replace": {}}, "description": "JPEGs, for as long as the session"}
}


@router.get("/cameras/{id}/live", response_class=StreamingResponse, responses=_STREAM | errors(401, 404, 503))
async def camera_live(web: WebContext, session: SignedIn, camera: CameraSeen) -> StreamingResponse:
    """Up to five pictures a second where the camera's worker runs on this machine, else as they are sent here, one in two
    seconds. 404 no_picture when none came yet, 503 no_stream_free. Each view is written to the audit."""
    try:
        web.live.require_free(session.name)
    except TooManyViewersError:
        raise ApiError(503, "no_stream_free", retry_after_s=5) from None
    watched = Watched(web.deps.data_dir, camera)
    await asyncio.to_thread(watched.wish)
    if not watched.still.is_file():
        raise ApiError(404, "no_picture")
    if web.views.is_new(f"{session.token_sha256.hex()}/{camera}/live", web.deps.clock.monotonic()):
        await audit.write(web.pool, session.name, "live_viewed", f"camera/{camera}")
    return _Live(web, session, watched)


@dataclass(slots=True)
class Watched:
    """A camera's live still, which its worker replaces, and the wish that tells the worker to hurry."""

    data_dir: Path
    camera: str
    _shown_ns: int = 0

    @property
    def shown_at_s(self) -> float:
        """When the picture that `newer` gave last was written, seconds since 1970."""
        return self._shown_ns / 1e9

    @property
    def still(self) -> Path:
        return live_still_path(self.data_dir, self.camera)

    def wish(self) -> None:
        path = live_wish_path(self.data_dir, self.camera)
        path.parent.mkdir(exist_ok=True)
        path.touch()

    def newer(self) -> bytes | None:
        """The picture, unless it is the one that this gave last. What came between was not worth keeping."""
        try:
            changed_ns = self.still.stat().st_mtime_ns
            if changed_ns == self._shown_ns:
                return None
            self._shown_ns = changed_ns
            return self.still.read_bytes()
        except FileNotFoundError:
            return None


class _Live(StreamingResponse):
    """Holds a viewer's place while it is sent. A reader that takes nothing for SEND_WITHIN_S loses it."""

    def __init__(self, web: Web, session: Session, watched: Watched) -> None:
        headers = {
            "Cache-Control": "no-store",
            "X-Accel-Buffering": "no",
            "Content-Security-Policy": SANDBOX,
        }
        super().__init__(pictures(web, session, watched), media_type=MEDIA_TYPE, headers=headers)
        self._web, self._account = web, session.name

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            with self._web.live.viewing(self._account):
                await super().__call__(scope, receive, in_time(send, SEND_WITHIN_S))
        except (TooManyViewersError, TimeoutError) as error:
            log.info("a live stream ends: %s", type(error).__name__)


async def pictures(web: Web, session: Session, watched: Watched) -> AsyncIterator[bytes]:
    """Each new picture with the boundary that ends it: a browser shows a picture once it sees where it ends."""
    loop = asyncio.get_running_loop()
    checked_s = loop.time()
    yield BOUNDARY
    while not web.live.closed:
        if loop.time() - checked_s >= WISH_EVERY_S:
            checked_s = loop.time()
            if not await _may_go_on(web, session, watched.camera):
                return
            await asyncio.to_thread(watched.wish)
        if (picture := await asyncio.to_thread(watched.newer)) is not None:
            yield _part(picture, watched.shown_at_s)
        await asyncio.sleep(LOOK_EVERY_S)


def _part(picture: bytes, at_s: float) -> bytes:
    when = formatdate(at_s, usegmt=True)
    head = f"Content-Type: image/jpeg\r\nLast-Modified: {when}\r\nContent-Length: {len(picture)}\r\n\r\n"
    return head.encode() + picture + b"\r\n" + BOUNDARY


async def _may_go_on(web: Web, session: Session, camera: str) -> bool:
    """Asked every WISH_EVERY_S. While the database is away nobody can tell, so the stream ends."""
    try:
        living = await sessions.living(web.pool, {session.token_sha256}, web.deps.clock.now())
        return bool(living) and await may_see(web, session, camera)
    except PASSING_ERRORS as error:
        log.info("a live stream ends, its viewer will come back: %s", type(error).__name__)
        return False
