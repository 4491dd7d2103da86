"""A case as a ZIP that can be verified offline, for those who take it to court or to the file."""

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Annotated, Any, BinaryIO, cast

from fastapi import APIRouter, Query
from fastapi.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from alerting.sealing import exporting, sealing
from alerting.sealing.exporting import Exported
from alerting.sealing.keys import KeyFileError
from farwatch.storage import case_export
from farwatch.storage.custody import Purpose
from server.web.authentication import Bureau
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.sending import in_time
from server.web.tasks import TaskId

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1/tasks", tags=["cases"])

PIECE_BYTES = 64 * 1024
SEND_WITHIN_S = 20.0
"""For each PIECE_BYTES: whoever is as slow as a poor telephone line gets his case too."""
_ZIP: dict[int | str, dict[str, Any]] = {200: {"content": {"application/zip": {}}, "description": "The ZIP"}}


@router.get("/{id}/evidence.zip", response_class=StreamingResponse, responses=_ZIP | errors(401, 403, 404))
async def evidence_zip(
    web: WebContext, who: Bureau, id: TaskId, purpose: Annotated[Purpose, Query()]
) -> StreamingResponse:
    """For bureau and admin. Says in the log who took it and what for. `X-Farwatch-Unsealed` entries of its log are under no
    seal yet; `X-Farwatch-Broken` pieces are damaged or missing. 503 no_signing_key, disk_short, busy, log_behind (nothing
    numbers its last events). Who takes less than 64 kB in 20 s is sent no more."""
    size = await case_export.size_bytes(web.pool, id)
    spare_bytes = await asyncio.to_thread(web.deps.blobs.spare_bytes)
    with ExitStack() as held:
        held.enter_context(web.exports.entered(size, spare_bytes))
        file = held.enter_context(await asyncio.to_thread(_nameless, web.deps.data_dir))
        done = await _packed(web, who.name, id, purpose, file)
        headers = {
            "Content-Length": str(done.size),
            "Content-Disposition": f'attachment; filename="case-{id}.zip"',
            "X-Farwatch-Unsealed": str(done.unsealed),
            "X-Farwatch-Broken": str(len(done.broken)),
        }
        return _Parcel(file, held.pop_all(), headers)


class _Parcel(StreamingResponse):
    """Holds its file and its place at the gate until the last byte is sent. A reader that stalls loses it."""

    def __init__(self, file: IO[bytes], held: ExitStack, headers: Mapping[str, str]) -> None:
        super().__init__(_chunks(file), media_type="application/zip", headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._held:
            try:
                await super().__call__(scope, receive, in_time(send, SEND_WITHIN_S))
            except TimeoutError:
                log.info("a package was not taken: its reader stalled")


def _nameless(folder: Path) -> IO[bytes]:
    """Whatever ends this process leaves nothing behind."""
    return tempfile.TemporaryFile(dir=folder)


async def _packed(web: Web, by: str, task: int, purpose: Purpose, file: IO[bytes]) -> Exported:
    try:
        key = await sealing.city_key(web.pool, web.deps.data_dir)
        out = cast("BinaryIO", file)
        done = await exporting.take_out(
            web.pool, web.deps.blobs, key, out, task=task, by=by, purpose=purpose, clock=web.deps.clock
        )
    except (sealing.KeyRefusedError, KeyFileError):
        raise ApiError(503, "no_signing_key") from None
    except exporting.LogBehindError:
        raise ApiError(503, "log_behind") from None
    if done is None:
        raise not_found()
    return done


async def _chunks(file: IO[bytes]) -> AsyncIterator[bytes]:
    file.seek(0)
    while chunk := await asyncio.to_thread(file.read, PIECE_BYTES):
        yield chunk
