"""Who is at the other end, and under which origin this server is reached. Forwarded headers count only behind our proxy."""

from starlette.datastructures import Headers
from starlette.types import Scope

from server.web.settings import WebSettings


def scheme(scope: Scope, settings: WebSettings) -> str:
    if settings.proxied and (forwarded := _last(scope, "x-forwarded-proto")) in ("http", "https"):
        return forwarded
    return "https" if settings.tls else str(scope["scheme"])


def address(scope: Scope, settings: WebSettings) -> str:
    """The peer's address; `unknown` when there is none, e.g. on a Unix socket."""
    if settings.proxied and (forwarded := _last(scope, "x-forwarded-for")):
        return forwarded
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def origin(scope: Scope, settings: WebSettings) -> str:
    """As a browser writes it in `Origin`: scheme and host, and the port when it is not the scheme's own."""
    return f"{scheme(scope, settings)}://{Headers(scope=scope).get('host', '').lower()}"


def _last(scope: Scope, header: str) -> str:
    """Earlier entries come from the client and may say anything; the last one is what our proxy added."""
    values = Headers(scope=scope).getlist(header)
    return values[-1].rsplit(",", 1)[-1].strip() if values else ""
