"""What shares of the cameras on other machines send: the bytes of evidence, and the latest picture of each camera."""

import asyncio
import hashlib
from contextlib import AsyncExitStack
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.requests import ClientDisconnect

from farwatch.storage import audit, worker_tokens
from farwatch.storage.blobs import (
    CHUNK_BYTES,
    BlobStore,
    Digests,
    live_still_path,
    why_not_kept,
    write_atomically,
)
from farwatch.storage.worker_tokens import WorkerToken
from server.web import metrics
from server.web.camera_access import KnownCamera
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors
from server.web.guard import CLIP_TYPE, STILL_TYPE

router = APIRouter(prefix="/api/v1/worker", tags=["workers"])

UPLOAD_MAX_S = 100.0
LARGE_BYTES = 1 << 20
"""Clips, which are not taken any more when the disk is short; stills still are."""
_JPEG = b"\xff\xd8\xff"
_bearer = HTTPBearer(auto_error=False)


async def _worker(
    web: WebContext, sent: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> WorkerToken:
    token = await worker_tokens.find(web.pool, sent.credentials) if sent else None
    if token is None:
        raise ApiError(401, "bad_worker_token")
    return token


Worker = Annotated[WorkerToken, Depends(_worker)]
Sha256 = Annotated[str, Path(pattern="^[0-9a-f]{64}$")]


class WorkerBody(BaseModel):
    shares: list[str]


def _content(media_type: str) -> dict[str, Any]:
    return {
        "requestBody": {
            "required": True,
            "content": {media_type: {"schema": {"type": "string", "format": "binary"}}},
        }
    }


@router.get("", responses=errors(401))
async def worker_shares(worker: Worker) -> WorkerBody:
    """Of which shares the token is."""
    return WorkerBody(shares=[str(share) for share in worker.shares])


@router.put(
    "/evidence/{sha256}",
    status_code=204,
    responses=errors(401, 408, 413, 415, 429, 507),
    openapi_extra=_content(CLIP_TYPE),
)
async def put_evidence(web: WebContext, worker: Worker, sha256: Sha256, request: Request) -> None:
    """The bytes are durable when this answers; the same again changes nothing. 422 hash_differs, and then nothing is kept."""
    web.workers.take_piece(worker.id, web.deps.clock.monotonic())
    async with web.workers.uploads:
        try:
            size_bytes, kept = await _receive(web.deps.blobs, sha256, request)
        except OSError as error:
            metrics.WORKER_UPLOADS.labels(why_not_kept(error)).inc()
            raise ApiError(507, why_not_kept(error)) from error
    metrics.WORKER_UPLOADS.labels("stored").inc()
    subject = f"sha256/{sha256}"
    await audit.write(
        web.pool, f"worker/{worker.id}", "evidence_received", subject, size_bytes=size_bytes, sm3=kept.sm3
    )


async def _receive(blobs: BlobStore, sha256: str, request: Request) -> tuple[int, Digests]:
    """How many bytes were kept, and their hashes as made here. Raises OSError, ApiError."""
    size = request.headers.get("content-length")
    _, is_short = await asyncio.to_thread(blobs.room)
    if is_short and (size is None or int(size) > LARGE_BYTES):
        raise ApiError(507, "disk_full")
    digest, size_bytes, waiting = hashlib.sha256(), 0, bytearray()
    async with AsyncExitStack() as stack:
        path = stack.enter_context(blobs.scratch(""))
        file = stack.enter_context(path.open("xb"))
        try:
            async with asyncio.timeout(UPLOAD_MAX_S):
                async for chunk in request.stream():
                    waiting += chunk
                    if len(waiting) >= CHUNK_BYTES:
                        await asyncio.to_thread(file.write, waiting)
                        digest.update(waiting)
                        size_bytes += len(waiting)
                        waiting = bytearray()
        except (TimeoutError, ClientDisconnect):
            raise ApiError(408, "upload_too_slow", {"most_s": UPLOAD_MAX_S}) from None
        digest.update(waiting)
        if digest.hexdigest() != sha256:
            metrics.WORKER_UPLOADS.labels("hash_differs").inc()
            raise ApiError(422, "hash_differs")
        await asyncio.to_thread(file.write, waiting)
        file.close()
        return size_bytes + len(waiting), await asyncio.to_thread(blobs.put_file, path)


@router.put(
    "/live/{id}",
    status_code=204,
    responses=errors(401, 403, 404, 413, 415, 429),
    openapi_extra=_content(STILL_TYPE),
)
async def put_live_still(web: WebContext, worker: Worker, camera: KnownCamera, request: Request) -> None:
    """The latest small picture of a camera of its share. 403 not_your_share, 415 not_an_image."""
    if not worker.holds(camera.id):
        raise ApiError(403, "not_your_share")
    web.workers.take_still(worker.id, web.deps.clock.monotonic())
    try:
        content = await request.body()
    except ClientDisconnect:
        raise ApiError(408, "upload_too_slow", {"most_s": UPLOAD_MAX_S}) from None
    if not content.startswith(_JPEG):
        raise ApiError(415, "not_an_image")
    await asyncio.to_thread(_show, web, camera.id, content)


def _show(web: Web, camera: str, content: bytes) -> None:
    path = live_still_path(web.deps.data_dir, camera)
    path.parent.mkdir(exist_ok=True)
    write_atomically(path, content)
