"""What holds for every request before any route sees it: no writes from other origins, bounded bodies, safe headers."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.web import peer
from server.web.errors import ApiError, answer
from server.web.settings import WebSettings

JSON_MAX_BYTES = 64 * 1024
LIST_MAX_BYTES = 1024 * 1024
"""Two hundred rows of the minor list, each with its basis in words."""
PUBLIC_MAX_BYTES = 8 * 1024
"""From whom nobody knows: a thousand characters and what goes with them."""
PHOTO_MAX_BYTES = 15 * 1024 * 1024
PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp")
CLIP_MAX_BYTES = 256 * 1024 * 1024
CLIP_TYPE = "application/octet-stream"
STILL_MAX_BYTES = 512 * 1024
STILL_TYPE = "image/jpeg"
FORM_TYPE = "application/x-www-form-urlencoded"
_SAFE = ("GET", "HEAD", "OPTIONS")
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "geolocation=(self), camera=(self), microphone=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow",
}


class Guard:
    """Headers that a route has set itself stay as they are."""

    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._settings = settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
                if peer.scheme(scope, self._settings) == "https":
                    headers.setdefault("Strict-Transport-Security", "max-age=31536000")
            await send(message)

        if refusal := refused(scope, self._settings):
            await answer(refusal.status_code, refusal.key, refusal.params)(scope, receive, with_headers)
        else:
            await self._app(scope, _bounded(receive, _body(scope)[1]), with_headers)


def refused(scope: Scope, settings: WebSettings) -> ApiError | None:
    """Why a write must not go on: another origin (CSRF), a form's content type, or a body that says it is too long."""
    if scope["method"] in _SAFE:
        return None
    headers = Headers(scope=scope)
    origin = headers.get("origin")
    if (origin is not None and origin.lower() != peer.origin(scope, settings)) or headers.get(
        "sec-fetch-site", "same-origin"
    ) not in ("same-origin", "none"):
        return ApiError(403, "other_origin")
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    types, most_bytes = _body(scope)
    if scope["method"] != "DELETE" and kind not in types:
        return ApiError(415, "unsupported_media_type")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length) > most_bytes:
        return ApiError(413, "too_large", {"most_bytes": most_bytes})
    return None


def _body(scope: Scope) -> tuple[tuple[str, ...], int]:
    """Content types that are taken at this path, and bytes at most."""
    path = str(scope["path"])
    if path.startswith("/api/v1/tasks/") and path.endswith("/photos"):
        return PHOTO_TYPES, PHOTO_MAX_BYTES
    if path.startswith("/api/v1/worker/evidence/"):
        return (CLIP_TYPE,), CLIP_MAX_BYTES
    if path.startswith("/api/v1/worker/live/"):
        return (STILL_TYPE,), STILL_MAX_BYTES
    if path == "/osmand":
        return ("application/json", FORM_TYPE, ""), JSON_MAX_BYTES
    if path in ("/api/v1/minor-list", "/api/v1/minor-list/preview"):
        return ("application/json",), LIST_MAX_BYTES
    if path.startswith(("/api/v1/visit/", "/api/v1/warned/")):
        return ("application/json",), PUBLIC_MAX_BYTES
    return ("application/json",), JSON_MAX_BYTES


def _bounded(receive: Receive, most: int) -> Receive:
    """A body sent in chunks has no length to believe: it is counted as it comes."""
    taken = 0

    async def counted() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken > most:
            raise ApiError(413, "too_large", {"most_bytes": most})
        return message

    return counted
