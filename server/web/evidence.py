"""The bytes of evidence, for those who may see its task. Each view is written to the audit."""

import re
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Response
from fastapi.responses import FileResponse

from farwatch.storage import audit, task_views
from farwatch.storage.database import Record
from farwatch.storage.evidence import EvidenceKind, EvidenceState
from farwatch.storage.sessions import Session
from farwatch.storage.users import Role
from server.web.authentication import SignedIn
from server.web.context import WebContext
from server.web.errors import ApiError, errors, not_found

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
) -> Response:
    """Takes one range, so that a clip can be searched. 404 when there are no bytes: evidence_pending, _lost, _purged."""
    row = await task_views.evidence_row(web.pool, id, session.officer)
    if row is None:
        raise not_found()
    if row["state"] != EvidenceState.STORED:
        raise ApiError(404, f"evidence_{row['state']}", {"reason": row["reason"]})
    original_photo = row["kind"] == EvidenceKind.PHOTO and row["derived_from"] is None
    _require_right(session, original_photo=original_photo)
    file = web.deps.blobs.path(row["sha256"])
    if not file.is_file():
        raise ApiError(404, "evidence_missing")
    await audit.write(web.pool, session.name, "evidence_viewed", f"evidence/{id}", range=range and range[:40])
    headers = _headers(row, inline=row["media_type"] in VIEWABLE and not original_photo)
    if if_none_match == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    _require_satisfiable(range, row["size_bytes"])
    response = FileResponse(file, headers=headers, media_type=headers["Content-Type"])
    response.set_stat_headers(file.stat())
    return response


def _require_right(session: Session, *, original_photo: bool) -> None:
    """An original photo holds what its EXIF says of its maker: officers get the copy."""
    if original_photo and session.role == Role.OFFICER:
        raise ApiError(403, "not_your_role")


def _headers(row: Record, *, inline: bool) -> dict[str, str]:
    """Kept by the browser, but asked for each time: a view after the session's end is refused, and each is counted."""
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
