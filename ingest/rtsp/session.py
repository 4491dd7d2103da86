"""One camera read over asyncio: a thin shell around the session without I/O; every wait has a deadline."""

import asyncio
from contextlib import AbstractContextManager, nullcontext

from farwatch.domain.registry import Transport
from farwatch.runtime.clock import Clock
from ingest.rtsp.address import Address, parse_address
from ingest.rtsp.auth import Credential
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import CodedFrame, StreamDescription
from ingest.rtsp.receiving import Counts
from ingest.rtsp.wire import Wire

_MAX_REDIRECTS = 3
NOBODY_ASKS = nullcontext()
"""Whom the loop serves."""


class RtspReader:
    """Reads one camera's video over RTSP, with RTP in the same TCP connection or in datagrams.

    reader = RtspReader(url, credential, clock)
    try:
        description = await reader.open()
        while True:
            for frame in await reader.read(): ...
    finally:
        await reader.close()

    One `open` per reader. An account inside the URL serves when `credential` is None. All failures are RtspError
    with a named reason and no secret in the text; after one, only `close` is left to call.
    """

    def __init__(
        self,
        url: str,
        credential: Credential | None,
        clock: Clock,
        connect_timeout_s: float = 5,
        idle_timeout_s: float = 10,
        transport: Transport = Transport.AUTO,
        serving: AbstractContextManager[None] = NOBODY_ASKS,
    ) -> None:
        """`serving` is entered while the loop works on what the camera sent, again and again. Raises RtspError(PROTOCOL)
        when `url` is no rtsp:// address."""
        self._serving = serving
        self._transport = transport
        self._address, from_url = parse_address(url)
        self._credential = credential or from_url
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._wire: Wire | None = None

    def __repr__(self) -> str:
        return f"RtspReader({self._address.place})"

    @property
    def clock_offset_s(self) -> float | None:
        """Our clock minus the camera's, in seconds, smoothed; None while the camera has told no time."""
        return self._wire.clock_offset_s if self._wire is not None else None

    @property
    def counts(self) -> Counts:
        """What went wrong on the way since `open`."""
        return self._wire.counts if self._wire is not None else Counts()

    async def open(self) -> StreamDescription:
        """Connects, signs in, starts the stream; all within `connect_timeout_s`, redirects included."""
        is_open = False
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                description = await self._open_following_redirects()
            is_open = True
        except TimeoutError:
            raise RtspError(Problem.TIMED_OUT, f"{self._address.place} does not answer in time") from None
        finally:
            if not is_open:
                self._abort()
        return description

    async def _open_following_redirects(self) -> StreamDescription:
        address, credential = self._address, self._credential
        for _ in range(_MAX_REDIRECTS + 1):
            outcome = await self._open_at(address, credential)
            if isinstance(outcome, StreamDescription):
                return outcome
            self._abort()
            if (outcome.host, outcome.port) != (address.host, address.port):
                credential = None
            address = outcome
        raise RtspError(Problem.PROTOCOL, f"{self._address.place} redirects more than {_MAX_REDIRECTS} times")

    async def _open_at(self, address: Address, credential: Credential | None) -> StreamDescription | Address:
        wire = Wire(address, credential, self._transport, self._clock, self._serving)
        session = wire.session
        try:
            await asyncio.get_running_loop().create_connection(lambda: wire, address.host, address.port)
        except (OSError, UnicodeError) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            raise RtspError(Problem.UNREACHABLE, f"{address.place}: {why}") from None
        self._wire = wire
        while session.description is None:
            if session.redirect is not None:
                return session.redirect
            await wire.news()
        return session.description

    async def read(self) -> list[CodedFrame]:
        """The frames that came since the last call, at least one, oldest first.

        Raises RtspError(TIMED_OUT) when no frame is complete within `idle_timeout_s`, RtspError(CLOSED) when the
        camera is gone, RtspError(PROTOCOL) when the stream makes no sense. What came before is given out first.
        """
        wire = self._wire
        if wire is None:
            raise RtspError(Problem.CLOSED, "the reader is not open")
        if not wire.has_frames:
            try:
                async with asyncio.timeout(self._idle_timeout_s):
                    while not wire.has_frames:
                        await wire.news()
            except TimeoutError:
                self._abort()
                wait = f"no picture for {self._idle_timeout_s:g} s"
                raise RtspError(Problem.TIMED_OUT, f"{self._address.place}: {wait}") from None
        return wire.take_frames()

    async def close(self) -> None:
        """Says good-bye when there is still a connection, and lets go of it within a second. May be called again."""
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    def _abort(self) -> None:
        if self._wire is not None:
            self._wire.abort()
