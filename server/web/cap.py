"""Cases as CAP 1.2: an index (Atom) of the last day's, and each message."""

import re
from datetime import timedelta
from typing import Annotated, Any
from xml.etree import ElementTree as ET

from fastapi import APIRouter, Path, Request, Response

from alerting import cap
from alerting.cap import AlertedCase, Matter, Message
from farwatch.domain.place import Position
from farwatch.domain.task import TaskState
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
    """Messages about cases of severity 2 and 3 that were opened in the last 24 hours, newest first; drills by `drills=true`."""
    only(request.query_params, ("drills",))
    now = web.deps.clock.now()
    rows = await store.recent(
        web.pool, now - SINCE, LEAST_SEVERITY, MOST_CASES, drills=truth_of(request.query_params, "drills")
    )
    sent = [m for r in rows if r["found_at"] for m in cap.messages(_case(r))]
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
    if name is None or row is None or not row["found_at"]:  # a task without a matter says nothing
        raise not_found()
    sent = cap.messages(_case(row))
    number = int(name[2]) if name[2] else len(sent)
    if not 1 <= number <= len(sent):
        raise not_found()
    base = _base(web, request)
    content = cap.render(
        sent[number - 1], sent[: number - 1], sender=_sender(base), web=f"{base}/centre/tasks/{row['id']}"
    )
    return Response(content, media_type=CAP_TYPE)


def _case(r: Record) -> AlertedCase:
    each = zip(r["found_at"] or (), r["severities"] or (), r["matter_kinds"] or (), strict=True)
    ended_at = r["handled_at"] or (r["closed_at"] if r["state"] == TaskState.CLOSED else None)
    return AlertedCase(
        id=r["id"], place=Position(r["lat"], r["lon"]), area=r["grid_name"] or f"{r['lat']:.5f}, {r['lon']:.5f}",
        opened_at=r["opened_at"], event_at=r["event_at"] or r["opened_at"],
        matters=tuple(Matter(*one) for one in each), drill=r["drill"], enterprise=r["enterprise_name"] or "",
        accepted_at=r["accepted_at"],
        ended_at=ended_at, outcome=r["outcome"],
    )  # fmt: skip


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
