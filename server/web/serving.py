"""uvicorn inside our own loop: our socket, our signals, our end."""

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import uvicorn
from fastapi import FastAPI

from farwatch.runtime.supervision import Service, keep_running
from farwatch.storage.database import PASSING_ERRORS
from server.web.connection import Connection
from server.web.context import Web

GOODBYE_S = 3
HUB_READY_S = 2.0
BACKLOG = 512
CONNECTIONS_MAX = 5000  # more than there may be event streams; beyond it the answer is 503


class PortBusyError(Exception):
    """Somebody else listens there; the message is for the operator."""


class TlsFilesError(Exception):
    """The certificate or its key cannot be used; the message is for the operator."""


async def serve(
    app: FastAPI,
    host: str,
    port: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    stop: asyncio.Event,
    announce: Callable[[str], None],
) -> None:
    """Serves until `stop` is set; answers under way get GOODBYE_S to end. Port 0 takes a free one.

    `announce` is called once, with the URL, when requests are taken. Raises PortBusyError or TlsFilesError before that.
    """
    web: Web = app.state.web
    config = _config(app, tls_cert, tls_key)
    with _listening(host, port) as listener:
        server = _Server(config, lambda: announce(_url(config, host, listener)))
        hub = Service(name="event hub", run=web.hub.run, passing=PASSING_ERRORS, longest_delay_s=2.0)
        async with asyncio.TaskGroup() as group:
            feeding = group.create_task(keep_running(hub), name="event hub")
            with contextlib.suppress(TimeoutError):  # a database that is away is no reason to be silent
                async with asyncio.timeout(HUB_READY_S):
                    await web.hub.ready.wait()
            serving = group.create_task(server.serve([listener]), name="http")
            await stop.wait()
            web.hub.close()
            web.live.close()
            server.should_exit = True
            await serving
            feeding.cancel()


class _Server(uvicorn.Server):
    """Leaves the process's signals to those who own them, and says when it has begun."""

    def __init__(self, config: uvicorn.Config, began: Callable[[], None]) -> None:
        super().__init__(config)
        self._began = began

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._began()


def _config(app: FastAPI, tls_cert: Path | None, tls_key: Path | None) -> uvicorn.Config:
    config = uvicorn.Config(
        app,
        loop="none",
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=GOODBYE_S,
        limit_concurrency=CONNECTIONS_MAX,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    try:
        config.load()
    except (OSError, ssl.SSLError) as error:
        raise TlsFilesError(f"the TLS certificate or key cannot be used: {error}") from error
    return config


@contextlib.contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(BACKLOG)
        except OSError as error:
            busy = (
                "is in use" if error.errno == errno.EADDRINUSE else f"cannot be listened on: {error.strerror}"
            )
            raise PortBusyError(f"{host}:{port} {busy}") from error
        listener.setblocking(False)
        yield listener


def _url(config: uvicorn.Config, host: str, listener: socket.socket) -> str:
    name = f"[{host}]" if ":" in host else host
    return f"{'https' if config.is_ssl else 'http'}://{name}:{listener.getsockname()[1]}"
