"""The seals of the log and the key that signs them, for whoever wants to keep them elsewhere; and the page that verifies a case."""

import base64
import hashlib
import re
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel

from alerting.sealing.keys import public_pem
from alerting.verifier import single
from farwatch.storage import seals
from server.web.authentication import NotOfficer, SignedIn
from server.web.context import WebContext
from server.web.errors import ApiError, errors
from server.web.shapes import Listing, cursor, position_of

router = APIRouter(tags=["seals"])


class StampBody(BaseModel):
    authority: str
    stamped_at: datetime


class SealBody(BaseModel):
    """`root` and `prev_root` are SHA-256 in hexadecimal digits, `key` the fingerprint of the key that signed."""

    hour: datetime
    n_first: int
    n_last: int
    root: str
    prev_root: str
    key: str
    signature: str
    stamps: list[StampBody]


class KeyBody(BaseModel):
    """`fingerprint`: the first 128 bits of the key's SHA-256; `public_key`: PEM."""

    fingerprint: str
    public_key: str


@router.get("/api/v1/seals", responses=errors(401, 403))
async def sealed_hours(
    web: WebContext,
    _: NotOfficer,
    cursor_: Annotated[str | None, Query(alias="cursor")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Listing[SealBody]:
    """Newest first. What lies above the first one's `n_last` is under no seal yet."""
    try:
        before = datetime.fromisoformat(position_of(cursor_)) if cursor_ else None
    except ValueError:
        raise ApiError(422, "bad_cursor") from None
    found = await seals.newest_first(web.pool, before, limit)
    stamps = await seals.stamps(web.pool, [signed.seal.hour for signed in found])
    items = [
        SealBody(
            hour=signed.seal.hour,
            n_first=signed.seal.n_first,
            n_last=signed.seal.n_last,
            root=signed.seal.root.hex(),
            prev_root=signed.seal.prev_root.hex(),
            key=signed.key,
            signature=signed.signature.hex(),
            stamps=[
                StampBody(authority=s.authority, stamped_at=s.stamped_at)
                for s in stamps
                if s.hour == signed.seal.hour
            ],
        )
        for signed in found
    ]
    more = len(found) == limit and found[-1].seal.n_first > 1
    return Listing(items=items, next=cursor(found[-1].seal.hour.isoformat()) if more else None)


@router.get("/api/v1/seals/key", responses=errors(401, 404))
async def signing_key(web: WebContext, _: SignedIn) -> KeyBody:
    """What reports print and exports are verified with. 404 no_signing_key before the engine's first start."""
    key = await seals.newest_key(web.pool)
    if key is None:
        raise ApiError(404, "no_signing_key")
    return KeyBody(fingerprint=await seals.current_fingerprint(web.pool), public_key=public_pem(key))


@router.get("/verify", include_in_schema=False)
def verifier_page() -> Response:
    """The verifier, for everybody: it talks to nobody, not even to this server."""
    content = single.page()
    return Response(
        content, media_type="text/html", headers={"Content-Security-Policy": policy_of(content.decode())}
    )


def policy_of(page: str) -> str:
    """Its own script and style by their hashes, and nothing else."""
    script, style = (
        base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
        for tag in ("script", "style")
        for body in re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    )
    return (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; base-uri 'none';"
        " form-action 'none'; frame-ancestors 'none'"
    )
