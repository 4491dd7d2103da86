"""Cases as CAP 1.2: an index (Atom) of the last day's, and each message."""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated, Any
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Path, Request, Response

from alerting import cap
from alerting.cap import AlertedCase, Entry, Message
from farwatch.domain.place import Position
from farwatch.storage import features as store
from farwatch.storage.database import Record
from server.web import peer
from server.web.context import Web, WebContext
from server.web.errors import errors, not_found
from server.web.feature_questions import only, truth_of
from server.web.feed_door import FeedReader

router = APIRouter(prefix="/cap", tags=["feeds"])

SINCE = timedelta(hours=24)
LEAST_SEVERITY = 2
MOST_CASES = 500
ATOM = "http://www.w3.org/2005/Atom"
CAP_TYPE, ATOM_TYPE = "application/cap+xml", "application/atom+xml"
_NAME = re.compile(r"(?:FW-)?(\d{1,18})(?:-(\d{1,6}))?")


def _content(media_type: str) -> dict[int | str, dict[str, Any]]:
    return {200: {"content": {media_type: {"schema": {"type": "string"}}}}}


@router.get("", responses={**errors(400, 401, 403, 429), **_content(ATOM_TYPE)}, response_model=None)
async def cap_index(web: WebContext, _: FeedReader, request: Request) -> Response:
    """All messages about cases of severity 2 and 3 of which the log told something in the last 24 hours, newest first; drills by
    `drills=true`."""
    only(request.query_params, ("drills",))
    now = web.deps.clock.now()
    rows = await store.recent(
        web.pool,
        now - SINCE,
        LEAST_SEVERITY,
        MOST_CASES,
        cap.TOLD_BY,
        drills=truth_of(request.query_params, "drills"),
    )
    cases = await _cases(web, rows)
    sent = [m for case in cases for m in cap.messages(case)]
    sent.sort(key=lambda m: (m.sent_at, m.case.id, m.number), reverse=True)
    feed = ET.Element("feed", {"xmlns": ATOM})
    base = _base(web, request)
    _add(feed, "id", f"{base}/cap")
    _add(feed, "title", "Farwatch CAP 1.2")
    _add(feed, "updated", cap.stamp(max((m.sent_at for m in sent), default=now)))
    ET.SubElement(feed, "link", {"rel": "self", "type": ATOM_TYPE, "href": f"{base}/cap"})
    author = ET.SubElement(feed, "author")
    _add(author, "name", "Farwatch")
    for message in sent:
        _entry(feed, message, base)
    return _xml(feed, ATOM_TYPE)


def _entry(feed: ET.Element, message: Message, base: str) -> None:
    at = f"{base}/cap/{message.identifier}"
    entry = ET.SubElement(feed, "entry")
    _add(entry, "id", at)
    _add(entry, "title", f"{message.identifier} {message.kind} {'/'.join(message.kinds)}")
    _add(entry, "updated", cap.stamp(message.sent_at))
    ET.SubElement(entry, "link", {"rel": "alternate", "type": CAP_TYPE, "href": at})


@router.get("/{id}", responses={**errors(400, 401, 403, 404, 429), **_content(CAP_TYPE)}, response_model=None)
async def cap_message(
    web: WebContext, _: FeedReader, request: Request, id: Annotated[str, Path(max_length=64)]
) -> Response:
    """A message by its identifier, `FW-12-2`; by a task's number, `12`, the newest about it."""
    only(request.query_params, ())
    name = _NAME.fullmatch(id) if id.isascii() else None
    row = await store.task(web.pool, int(name[1])) if name else None
    if name is None or row is None:
        raise not_found()
    (case,) = await _cases(web, [row])
    sent = cap.messages(case)  # none of a case of which the log says nothing yet
    number = int(name[2]) if name[2] else len(sent)
    if not 1 <= number <= len(sent):
        raise not_found()
    base = _base(web, request)
    content = cap.render(
        sent[number - 1], sent[: number - 1], sender=_sender(base), web=f"{base}/centre/tasks/{row['id']}"
    )
    return Response(content, media_type=CAP_TYPE)


async def _cases(web: Web, rows: Sequence[Record]) -> list[AlertedCase]:
    log: dict[int, list[Entry]] = defaultdict(list)
    for told in await store.told(web.pool, [r["id"] for r in rows], cap.TOLD_BY):
        log[told["task_id"]].append(Entry(told["at"], told["event"]))
    return [
        AlertedCase(
            id=r["id"], place=Position(r["lat"], r["lon"]), area=r["grid_name"] or f"{r['lat']:.5f}, {r['lon']:.5f}",
            event_at=r["first_event_at"] or r["opened_at"], log=log[r["id"]], drill=r["drill"],
            enterprise=r["enterprise_name"] or "",
        )
        for r in rows
    ]  # fmt: skip


def _sender(base: str) -> str:
    """The host that these messages are fetched from: a name that is this service's alone."""
    return f"farwatch@{base.partition('://')[2].partition(':')[0]}"


def _base(web: Web, request: Request) -> str:
    return web.deps.settings.public_url or peer.origin(request.scope, web.deps.settings)


def _add(to: ET.Element, name: str, text: str) -> None:
    ET.SubElement(to, name).text = text


def _xml(root: ET.Element, media_type: str) -> Response:
    content = b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="utf-8")
    return Response(content, media_type=media_type)
