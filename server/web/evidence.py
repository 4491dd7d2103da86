"""The bytes of evidence, for those who may see its task. Who saw or took out what is in the log's chain of custody."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response
from fastapi.responses import FileResponse

from farwatch.storage import custody, task_views
from farwatch.storage.custody import Purpose
from farwatch.storage.database import Record, transaction
from farwatch.storage.evidence import EvidenceKind, EvidenceState
from farwatch.storage.sessions import Session
from farwatch.storage.users import Role
from server.web.authentication import SignedIn
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.recent_views import EVIDENCE_VIEW_S, VIEW_S

router = APIRouter(prefix="/api/v1/evidence", tags=["evidence"])

VIEWABLE = frozenset({"image/jpeg", "image/png", "image/webp", "video/mp4", "application/json"})
SANDBOX = "sandbox; default-src 'none'"
_ONE_RANGE = re.compile(r"bytes=(?:(\d{1,18})-(\d{0,18})|-0*[1-9]\d{0,17})")
_BYTES: dict[int | str, dict[str, Any]] = {
    status: {"content": {"application/octet-stream": {}}, "description": text}
    for status, text in (
        (200, "The bytes, as `media_type`"),
        (206, "One range of them"),
        (304, "Not changed"),
    )
}


@router.get("/{id}", response_class=Response, responses=_BYTES | errors(401, 403, 404, 416))
async def evidence_bytes(
    web: WebContext,
    session: SignedIn,
    id: UUID,
    range: Annotated[str | None, Header()] = None,
    if_none_match: Annotated[str | None, Header()] = None,
    purpose: Annotated[Purpose | None, Query()] = None,
    x_purpose: Annotated[Purpose | None, Header()] = None,
) -> Response:
    """Takes one range, so that a clip can be searched. With a `purpose` (or X-Purpose) it is a download and counts as
    exported; originals of photos are nothing else. 404 evidence_pending, _lost, _purged; 422 purpose_needed."""
    wanted = purpose or x_purpose
    row = await task_views.evidence_row(web.pool, id, session.officer)
    if row is None:
        raise not_found()
    if row["state"] != EvidenceState.STORED:
        raise ApiError(404, f"evidence_{row['state']}", {"reason": row["reason"]})
    original_photo = row["kind"] == EvidenceKind.PHOTO and row["derived_from"] is None
    _require_right(session, original_photo=original_photo, purpose=wanted)
    file = web.deps.blobs.path(row["sha256"])
    if not file.is_file():
        raise ApiError(404, "evidence_missing")
    headers = _headers(row, inline=row["media_type"] in VIEWABLE and wanted is None)
    if wanted is None and if_none_match == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    await _note(web, session, id, wanted)
    _require_satisfiable(range, row["size_bytes"])
    response = FileResponse(file, headers=headers, media_type=headers["Content-Type"])
    response.set_stat_headers(file.stat())
    return response


def _require_right(session: Session, *, original_photo: bool, purpose: Purpose | None) -> None:
    """An original photo holds what its EXIF says of its maker: officers get the copy, and take nothing out."""
    if session.role == Role.OFFICER and (original_photo or purpose is not None):
        raise ApiError(403, "not_your_role")
    if original_photo and purpose is None:
        raise ApiError(422, "purpose_needed")


async def _note(web: Web, session: Session, id: UUID, purpose: Purpose | None) -> None:
    """Before the bytes go out; once for each session and piece in half a day, however often a clip is searched or a wall
    begins anew. What is taken out is noted again after VIEW_S."""
    now_s = web.deps.clock.monotonic()
    view = f"{session.token_sha256.hex()}/evidence/{id}/{purpose or ''}"
    if web.views.was_told(view, now_s, EVIDENCE_VIEW_S if purpose is None else VIEW_S):
        return
    async with transaction(web.pool) as connection:
        await custody.note(
            connection, actor=session.name, action="viewed" if purpose is None else "exported",
            task=await custody.task_of(connection, id), evidence=id, purpose=purpose or "",
        )  # fmt: skip
    web.views.tell(view, now_s)


def _headers(row: Record, *, inline: bool) -> dict[str, str]:
    """Kept by the browser, but asked for each time: a view after the session's end is refused."""
    return {
        "Content-Type": row["media_type"] if inline else "application/octet-stream",
        "Content-Disposition": f'{"inline" if inline else "attachment"}; filename="{row["id"]}"',
        "Content-Security-Policy": SANDBOX,
        "Cache-Control": "private, no-cache",
        "ETag": f'"{row["sha256"]}"',
    }


def _require_satisfiable(range: str | None, size: int | None) -> None:
    """Raises ApiError 416 as JSON, where the file answer would speak plain text."""
    if range is None or size is None:
        return
    one = _ONE_RANGE.fullmatch(range.strip())
    first, last = (int(one[1] or 0), int(one[2] or size)) if one else (size, size)
    if first >= size or last < first:
        raise ApiError(416, "range_not_satisfiable", {"size_bytes": size})
