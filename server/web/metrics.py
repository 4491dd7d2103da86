"""Metrics of the web process."""

import asyncio

from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

REQUESTS = Counter("farwatch_http_requests_total", "Requests answered", ["route", "method", "status"])
REQUEST_SECONDS = Histogram(
    "farwatch_http_request_seconds", "From a request to the first byte of its answer", ["route"]
)
SIGN_INS = Counter("farwatch_sign_ins_total", "Sign-ins by result", ["result"])
STREAMS = Gauge("farwatch_event_streams", "Event streams that are open", multiprocess_mode="livesum")
STREAMS_DROPPED = Counter(
    "farwatch_event_streams_dropped_total", "Event streams ended because their client was too slow"
)
LIVE_VIEWERS = Gauge("farwatch_live_viewers", "Live pictures that are looked at", multiprocess_mode="livesum")
WORKER_UPLOADS = Counter(
    "farwatch_worker_uploads_total",
    "Pieces of evidence sent by camera workers on other machines, by result",
    ["result"],
)
POSITIONS = Counter(
    "farwatch_positions_total",
    "Positions of officers by where they come from and by result",
    ["source", "result"],
)
PHOTOS = Counter("farwatch_photos_total", "Photos sent by officers, by result", ["result"])


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Measure:
    """Counts requests by the route's template, never by its path: a path would be a label without bound, and so would the
    method, which a client may invent."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        began_s = loop.time()

        async def measured(message: Message) -> None:
            if message["type"] == "http.response.start":
                route = getattr(scope.get("route"), "path", "none")
                known = route != "none" and scope["method"] in _METHODS
                REQUESTS.labels(route, scope["method"] if known else "any", message["status"]).inc()
                REQUEST_SECONDS.labels(route).observe(loop.time() - began_s)
            await send(message)

        await self._app(scope, receive, measured)
