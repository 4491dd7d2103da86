"""The event stream: what happened since a number, then what happens, until the session ends."""

import logging
import random
from collections.abc import AsyncIterator, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from farwatch.storage.database import PASSING_ERRORS
from farwatch.storage.sessions import Session
from server.web import delivery
from server.web.authentication import SignedIn
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors
from server.web.event_hub import End, Frame, NoStreamFreeError, Subscription

log = logging.getLogger(__name__)
router = APIRouter(prefix="/api/v1/events", tags=["events"])

TICK_S = 2.0
RETRY_MS = 1000

_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {}},
        "description": "Server-sent events, for as long as the session",
    }
}


@router.get("", response_class=StreamingResponse, responses=_STREAM | errors(401, 503))
async def stream_events(
    web: WebContext,
    session: SignedIn,
    after: Annotated[int | None, Query(ge=0, le=2**63 - 1)] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    """`Last-Event-ID`, or `after`, replays what came later; without, the stream begins now. `: tick` at least each 2 s."""
    if last_event_id is not None and last_event_id.isdecimal() and len(last_event_id) <= 18:
        after = int(last_event_id)
    try:
        web.hub.require_free(session)
    except NoStreamFreeError:
        raise ApiError(503, "no_stream_free", retry_after_s=2) from None
    return StreamingResponse(
        _stream(web, session, after),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(web: Web, session: Session, after: int | None) -> AsyncIterator[bytes]:
    """Subscribes only here: a response whose client has gone before its first byte never gets this far, nor back."""
    try:
        subscription = web.hub.subscribe(session)
    except NoStreamFreeError:
        return
    position = subscription.position if after is None else min(after, subscription.position)
    try:
        yield f"retry: {RETRY_MS}\nid: {position}\n: hello\n\n".encode()
        async for told in _told(web, subscription, position):
            if told is None or isinstance(told, End):
                yield b": tick\n\n" if told is None else b"event: bye\ndata: {}\n\n"
                continue
            yield b"".join(frame.sent for frame in told)
            for frame in told:
                await delivery.sent_event(web, session, frame)
    except PASSING_ERRORS as error:
        log.info("an event stream ends, its client will come back: %s", type(error).__name__)
    finally:
        web.hub.unsubscribe(subscription)


async def _told(
    web: Web, subscription: Subscription, position: int
) -> AsyncIterator[Sequence[Frame] | End | None]:
    """The replay, then the live events, several at a time; None is a tick, and End.SESSION_OVER the last word."""
    while position < subscription.position and subscription.ended is None:
        frames, position = await web.hub.replay(subscription.session, position, subscription.position)
        if frames:
            yield frames
        yield None
    # Streams that began together must not tick together: an event would wait behind them all.
    while not isinstance(told := await subscription.next(TICK_S * random.uniform(0.5, 1.0)), End):
        yield told
    if told is End.SESSION_OVER:
        yield told
