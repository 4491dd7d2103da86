"""Role web: the HTTP API and the pages."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from fastapi import FastAPI

from alerting.reports import fonts
from farwatch.runtime.clock import SystemClock
from farwatch.storage import registry
from server.roles.shared import blob_store, checked_pool
from server.settings import Settings, SettingsError
from server.web.app import create_app
from server.web.context import WebDependencies
from server.web.serving import PortBusyError, TlsFilesError, serve
from server.web.settings import WebSettings

log = logging.getLogger(__name__)

PORT_WITHIN_S = 10.0
"""After a kill -9 of all its roles need a moment to end, and the next start waits for their port."""
CONSOLE_DIST = Path(__file__).parents[2] / "console" / "dist"


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """The HTTP API and the pages."""
    _require_font(settings.report_font)
    async with AsyncExitStack() as stack:
        pool = await checked_pool(stack, settings, size=10)
        app = create_app(
            WebDependencies(
                pool=pool,
                clock=SystemClock(),
                data_dir=settings.data_dir,
                blobs=blob_store(settings),
                load_registry=registry.load,
                console_dist=CONSOLE_DIST,
                settings=WebSettings(
                    tls=settings.tls_cert is not None,
                    proxied=settings.behind_proxy,
                    session_hours=settings.session_hours,
                    metrics_token=settings.metrics_token,
                    camera_player_url=settings.camera_player_url,
                    public_url=settings.public_url,
                    bureau_name=settings.bureau_name,
                    report_font=settings.report_font,
                ),
            )
        )
        await _serve(app, settings, stop)


def _require_font(chosen: Path | None) -> None:
    """Raises SettingsError for a font that cannot be embedded, before somebody wants a report."""
    try:
        if chosen is not None:
            fonts.font(chosen)
    except fonts.FontError as error:
        raise SettingsError(f"FARWATCH_REPORT_FONT: {error}") from None


async def _serve(app: FastAPI, settings: Settings, stop: asyncio.Event) -> None:
    """Raises SettingsError when the port stays busy or the certificate cannot be used."""
    loop = asyncio.get_running_loop()
    give_up_at = loop.time() + PORT_WITHIN_S
    while not stop.is_set():
        try:
            await serve(
                app, settings.http_host, settings.http_port, settings.tls_cert, settings.tls_key, stop,
                lambda url: log.info("pages and API at %s", url, extra={"event": "web_ready", "url": url}),
            )  # fmt: skip
        except PortBusyError as error:
            if loop.time() >= give_up_at:
                raise SettingsError(str(error)) from None
            await asyncio.sleep(0.2)
        except TlsFilesError as error:
            raise SettingsError(str(error)) from None
