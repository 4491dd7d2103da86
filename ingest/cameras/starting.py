"""Asks platforms over HTTP to start streams and to let them go: the only door to httpx."""

import asyncio
import logging
import ssl
from collections.abc import Callable
from typing import Self

import httpx

from ingest.cameras.on_demand import MOST_BYTES, Platform, stream_url
from ingest.cameras.patience import Patience
from ingest.cameras.watching import Reader
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import CodedFrame, StreamDescription

log = logging.getLogger(__name__)

MOST_CONNECTIONS = 32


class Platforms:
    """One HTTP client for all platforms of a process. No redirects, no proxies, no cookies kept; every call has a deadline."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def start(self, platform: Platform) -> str:
        """The RTSP address of a stream that runs now. Raises RtspError."""
        status, body = await self._get(platform, platform.start_url, self._patience.start_timeout_s)
        return stream_url(platform, status, body)

    async def stop(self, platform: Platform) -> None:
        """Lets the stream go, where that is asked for. A platform that fails here ends what nobody reads by itself."""
        if not platform.stop_url:
            return
        try:
            status, _ = await self._get(platform, platform.stop_url, self._patience.stop_timeout_s)
        except RtspError as error:
            log.info("a stream was not let go: %s", error)
            return
        if status != 200:
            log.info("a stream was not let go: %s answers %d", platform.place, status)

    async def _get(self, platform: Platform, url: str, timeout_s: float) -> tuple[int, bytes]:
        headers = dict([platform.header]) if platform.header else {}
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._ready_client().stream("GET", url, headers=headers) as answer,
            ):
                body = b""
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > MOST_BYTES:
                        break
                return answer.status_code, body
        except TimeoutError:
            raise RtspError(Problem.TIMED_OUT, f"{platform.place} does not answer in time") from None
        except (httpx.ConnectError, httpx.UnsupportedProtocol) as error:
            raise RtspError(Problem.UNREACHABLE, f"{platform.place}: {type(error).__name__}") from None
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise RtspError(Problem.PROTOCOL, f"{platform.place}: {type(error).__name__}") from None

    def _ready_client(self) -> httpx.AsyncClient:
        if self._client is None:  # the system's certificates take a while to load, and few cities need them
            self._client = httpx.AsyncClient(
                verify=ssl.create_default_context(),
                trust_env=False,
                follow_redirects=False,
                timeout=self._patience.start_timeout_s,
                limits=httpx.Limits(max_connections=MOST_CONNECTIONS, keepalive_expiry=5),
            )
        self._client.cookies.clear()
        return self._client


class OnDemandReader:
    """Has the stream started, reads it, and lets it go. While it is read, RTSP itself tells the platform that it is wanted."""

    def __init__(
        self, platforms: Platforms, platform: Platform, make_reader: Callable[[str], Reader]
    ) -> None:
        self._platforms = platforms
        self._platform = platform
        self._make_reader = make_reader
        self._reader: Reader | None = None
        self._was_asked = False

    @property
    def clock_offset_s(self) -> float | None:
        return self._reader.clock_offset_s if self._reader is not None else None

    async def open(self) -> StreamDescription:
        self._was_asked = True
        url = await self._platforms.start(self._platform)
        self._reader = self._make_reader(url)
        return await self._reader.open()

    async def read(self) -> list[CodedFrame]:
        assert self._reader is not None
        return await self._reader.read()

    async def close(self) -> None:
        try:
            if self._reader is not None:
                await self._reader.close()
        finally:
            if self._was_asked:
                self._was_asked = False
                await self._platforms.stop(self._platform)
