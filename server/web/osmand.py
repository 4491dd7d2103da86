"""Positions from phones' tracking apps that speak the OsmAnd protocol. The secret of the phone is its device id.

Traccar Client (up to 8 by query, 9 by JSON, 10 by form), OsmAnd, GPSLogger.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request, Response

from alerting.dispatch import on_shift
from farwatch.domain.place import Position
from farwatch.storage import officer_devices, positions, task_views
from server.web import metrics, peer
from server.web.context import Web, WebContext
from server.web.errors import ApiError, errors
from server.web.guard import FORM_TYPE

router = APIRouter(tags=["officers"])

PATH = "/osmand"
KNOT_M_S = 0.514444
OLDEST, FUTURE = timedelta(minutes=10), timedelta(minutes=5)
"""What is older, or lies further in the future, is set aside: it says nothing about where he is now."""
MOST_FIXES = 100
"""An app that was without signal sends what it kept, each in a request of its own or some together."""
_SECONDS_MAX = 2**31


class UnreadableError(Exception):
    """The message is not of this protocol."""


@dataclass(frozen=True, slots=True)
class Fix:
    """One position; `at` None: the app does not say when. `valid` False: the phone had no fix."""

    place: Position
    at: datetime | None
    speed_m_s: float | None
    valid: bool


@dataclass(frozen=True, slots=True)
class Message:
    token: str
    fixes: tuple[Fix, ...]


def read_message(query: str, media_type: str, body: bytes) -> Message:
    """Raises UnreadableError. What the URL says goes first, as in the protocol's own server."""
    if query:
        return _form(dict(parse_qsl(query)))
    if media_type == "application/json":
        return _json(body)
    return _form(dict(parse_qsl(body.decode("utf-8", "replace"))))


def _form(fields: Mapping[str, str]) -> Message:
    lat, _, lon = fields.get("location", "").partition(",")
    speed = _number(fields.get("speed"))
    return Message(
        _token(fields.get("id") or fields.get("deviceid")),
        _fixes([
            (
                fields.get("lat", lat), fields.get("lon", lon), fields.get("accuracy"), fields.get("timestamp"),
                None if speed is None else speed * KNOT_M_S, fields.get("valid", "1"),
            )
        ]),
    )  # fmt: skip


def _json(body: bytes) -> Message:
    """`location` is one or a list; the text in `_` is the app's own draft and may name another device."""
    try:
        told = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise UnreadableError("no JSON") from None
    locations = told.get("location") if isinstance(told, dict) else None
    listed: list[Any] = locations if isinstance(locations, list) else [locations]
    if not isinstance(told, dict) or not all(isinstance(one, dict) for one in listed):
        raise UnreadableError("no location")
    return Message(_token(told.get("device_id")), _fixes([_of_location(one) for one in listed[-MOST_FIXES:]]))


def _of_location(location: Mapping[str, Any]) -> Sequence[object]:
    coords = location.get("coords")
    if not isinstance(coords, dict):
        raise UnreadableError("no coords")
    speed = _number(coords.get("speed"))
    return (
        coords.get("latitude"), coords.get("longitude"), coords.get("accuracy"), location.get("timestamp"), speed, "1",
    )  # fmt: skip


def _token(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise UnreadableError("no device id")
    return value


def _fixes(rows: Sequence[Sequence[object]]) -> tuple[Fix, ...]:
    return tuple(_fix(*row) for row in rows)


def _fix(lat: object, lon: object, accuracy: object, at: object, speed_m_s: object, valid: object) -> Fix:
    y, x, accuracy_m, speed = _number(lat), _number(lon), _number(accuracy), _number(speed_m_s)
    if y is None or x is None or not (-90 <= y <= 90 and -180 <= x <= 180):
        raise UnreadableError("no position")
    known = accuracy_m is not None and accuracy_m >= 0
    return Fix(
        Position(y, x, accuracy_m if known else None),
        _instant(at),
        speed if speed is not None and speed >= 0 else None,
        valid=str(valid).lower() in ("1", "true") and (y, x) != (0, 0),
    )


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float | str) else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _instant(value: object) -> datetime | None:
    """Seconds or milliseconds since 1970, or ISO 8601; UTC where it names no zone."""
    if value in (None, ""):
        return None
    number = _number(value)
    try:
        if number is not None:
            return datetime.fromtimestamp(number if number < _SECONDS_MAX else number / 1000, UTC)
        at = datetime.fromisoformat(str(value))
    except (ValueError, OverflowError, OSError):
        raise UnreadableError("no time") from None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


_TAKEN: dict[int | str, dict[str, Any]] = {200: {"description": "Taken, or set aside"}}
_SPEC: dict[str, Any] = {
    "requestBody": {
        "content": {
            FORM_TYPE: {"schema": {"type": "object"}},
            "application/json": {
                "schema": {"type": "object", "properties": {"device_id": {"type": "string"}, "location": {}}}
            },
        }
    }
}


@router.get(PATH, operation_id="osmand_by_query", responses=_TAKEN | errors(401, 422, 429))
async def osmand_by_query(web: WebContext, request: Request) -> Response:
    """As `osmand`, with all in the query."""
    return await _take(web, request, b"")


@router.post(PATH, responses=_TAKEN | errors(401, 403, 413, 415, 422, 429), openapi_extra=_SPEC)
async def osmand(web: WebContext, request: Request) -> Response:
    """200 also for what is set aside, because an app sends again what was not taken: too old, in the future, without a fix, or
    while the officer is neither on shift nor on a task, when nothing is kept. 401 unknown_device, 422 unreadable_position, 429."""
    return await _take(web, request, await request.body())


async def _take(web: Web, request: Request, body: bytes) -> Response:
    now_s = web.deps.clock.monotonic()
    media_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    try:
        message = read_message(request.url.query, media_type, body)
    except UnreadableError:
        _count("unreadable")
        raise ApiError(422, "unreadable_position") from None
    officer = await officer_devices.find(web.pool, message.token)
    if officer is None:
        _count("unknown_device")
        web.positions.take_guess(peer.address(request.scope, web.deps.settings), now_s)
        raise ApiError(401, "unknown_device")
    web.positions.take(officer, now_s)
    working = await _is_working(web, officer)
    for fix in sorted(message.fixes, key=lambda f: f.at or datetime.max.replace(tzinfo=UTC)):
        _count(await _keep(web, officer, fix, working=working))
    return Response(status_code=200)


async def _is_working(web: Web, officer: str) -> bool:
    known = (await web.registry.current()).officers.get(officer)
    if known is None:
        return False
    return on_shift(known, web.deps.clock.now()) or await task_views.has_open(web.pool, officer)


async def _keep(web: Web, officer: str, fix: Fix, *, working: bool) -> str:
    """What became of it."""
    now = web.deps.clock.now()
    at = fix.at or now
    if not working:
        return "not_on_shift"
    if not fix.valid:
        return "no_fix"
    if at > now + FUTURE:
        return "future"
    if at < now - OLDEST:
        return "too_old"
    await positions.track(web.pool, officer, fix.place, min(at, now))
    newer = await positions.put_sent(web.pool, officer, fix.place, fix.at, now, speed_m_s=fix.speed_m_s)
    return "stored" if newer else "older"


def _count(result: str) -> None:
    metrics.POSITIONS.labels(positions.OSMAND, result).inc()
