"""Role web: the HTTP API and the pages."""

import asyncio
import logging
from contextlib import AsyncExitStack
from pathlib import Path

from farwatch.runtime.clock import SystemClock
from farwatch.storage import registry
from server.roles.shared import blob_store, checked_pool
from server.settings import Settings
from server.web.app import create_app
from server.web.context import WebDependencies
from server.web.serving import serve
from server.web.settings import WebSettings

log = logging.getLogger(__name__)

CONSOLE_DIST = Path(__file__).parents[2] / "console" / "dist"


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """The HTTP API and the pages."""
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
                ),
            )
        )
        await serve(
            app, settings.http_host, settings.http_port, settings.tls_cert, settings.tls_key, stop,
            lambda url: log.info("pages and API at %s", url, extra={"event": "web_ready", "url": url}),
        )  # fmt: skip
