"""What an enterprise sees behind a visit's code: who visits by badge, why, and where to write. Nobody signs in here.

Whatever is unknown, expired, passed on or long over is the same 404. What is shown heeds no session, no address is kept but as a
salted hash.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, StringConstraints

from alerting import visits as codes
from farwatch.domain.commitment import SALT_BYTES, commitment
from farwatch.domain.finding import Kind
from farwatch.domain.registry import Registry
from farwatch.storage import visits as store
from farwatch.storage.database import Connection, transaction
from farwatch.storage.visits import OpenVisit
from server.web import peer
from server.web.authentication import MaybeSession
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.visits import whose

router = APIRouter(prefix="/api/v1/visit", tags=["visits"])

Mine = Annotated[list[UUID] | None, Query(max_length=10)]


class MatterShown(BaseModel):
    """`since` is the event's own time; `limit` and `unit` where something was measured."""

    kind: Kind
    since: datetime
    code: str | None
    limit: float | None
    unit: str | None


class CommentShown(BaseModel):
    text: str
    at: datetime
    answer: str | None
    answered_at: datetime | None


class VisitShown(BaseModel):
    """`badge` is the number of the officer's certificate (执法证号). `over`: he has gone, comments are still taken for a while.
    `comments` are those that were asked for by `mine`; `comments_left` counts everybody's."""

    bureau: str
    badge: str
    team: str
    drill: bool
    over: bool
    expires_at: datetime
    matters: list[MatterShown]
    comments: list[CommentShown]
    comments_left: int


class NewComment(BaseModel):
    """`client_id` makes a repeat harmless."""

    client_id: UUID
    text: Annotated[
        str,
        StringConstraints(min_length=1, max_length=codes.LONGEST_COMMENT, pattern=r"^[^\x00]*\S[^\x00]*$"),
    ]


@router.get("/{token}", responses=errors(404, 429))
async def visit(web: WebContext, request: Request, token: str, mine: Mine = None) -> VisitShown:
    """`mine` are ids of comments that this phone wrote: the officer has the code too, but not those.
    404 for whatever does not open, 429 too_many_attempts with Retry-After."""
    digest, now = _admit(web, request, token), web.deps.clock.now()
    registry = await web.registry.current()
    async with transaction(web.pool) as connection:
        found = await _opened(connection, digest, now)
        return await _shown(web, registry, connection, found, mine or [])


@router.post("/{token}/looks", status_code=204, responses=errors(403, 404, 413, 415, 429))
async def count_look(web: WebContext, request: Request, token: str, session: MaybeSession) -> None:
    """The page says that somebody has it before him; a link's preview does not. Who is signed in is none of the enterprise's
    people, and is answered the same, uncounted: the officer tries his own code."""
    digest, now = _admit(web, request, token), web.deps.clock.now()
    async with transaction(web.pool) as connection:
        found = await _opened(connection, digest, now)
        if session is None:
            await store.scanned(connection, found, now)


@router.post("/{token}/comments", status_code=201, responses=errors(403, 404, 409, 413, 415, 429))
async def add_comment(
    web: WebContext, request: Request, token: str, body: NewComment, mine: Mine = None
) -> VisitShown:
    """At most five a code (409 too_many_comments), a thousand characters each; the case's people read them."""
    digest, now = _admit(web, request, token), web.deps.clock.now()
    text, salt = body.text.strip(), secrets.token_bytes(SALT_BYTES)
    address = codes.address_hash(web.visits.key(), peer.address(request.scope, web.deps.settings))
    registry = await web.registry.current()
    async with transaction(web.pool) as connection:
        found = await _opened(connection, digest, now)
        if not await store.comment(
            connection, found, client_id=body.client_id, text=text, salt=salt, commitment=commitment(salt, text, None),
            address_hash=address, now=now, most=codes.MOST_COMMENTS,
        ):  # fmt: skip
            raise ApiError(409, "too_many_comments", {"most": codes.MOST_COMMENTS})
        return await _shown(web, registry, connection, found, [*(mine or []), body.client_id])


def _admit(web: Web, request: Request, token: str) -> bytes:
    digest = codes.digest(token)
    web.visits.admit(peer.address(request.scope, web.deps.settings), digest.hex(), web.deps.clock.monotonic())
    return digest


async def _opened(connection: Connection, digest: bytes, now: datetime) -> OpenVisit:
    found = await store.open_visit(connection, digest, now, codes.COMMENTS_AFTER)
    if found is None:
        raise not_found()
    return found


async def _shown(
    web: Web, registry: Registry, connection: Connection, found: OpenVisit, mine: Sequence[UUID]
) -> VisitShown:
    badge, team = whose(registry, found.officer)
    said = await store.comments(connection, found.id, mine)
    return VisitShown(
        bureau=web.deps.settings.bureau_name,
        badge=badge,
        team=team,
        drill=found.drill,
        over=found.over,
        expires_at=found.expires_at,
        matters=[MatterShown.model_validate(dict(r)) for r in await store.matters(connection, found.task)],
        comments=[CommentShown.model_validate(dict(r)) for r in said],
        comments_left=max(0, codes.MOST_COMMENTS - await store.comment_count(connection, found.id)),
    )
