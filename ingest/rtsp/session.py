"""One camera read over asyncio: a thin shell around the session without I/O; every wait has a deadline."""

import asyncio

from farwatch.runtime.clock import Clock
from ingest.rtsp.address import Address, parse_address
from ingest.rtsp.auth import Credential
from ingest.rtsp.client import ClientSession
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import CodedFrame, StreamDescription

_READ_BYTES = 128 * 1024
_MAX_UNREAD_BYTES = 8 * 1024 * 1024
"""Received and not taken by `read`: above this the socket is left alone until somebody reads."""
_MAX_UNSENT_BYTES = 256 * 1024
_MAX_REDIRECTS = 3
_CLOSE_TIMEOUT_S = 1.0


class RtspReader:
    """Reads one camera's H.264 stream over RTSP with RTP in the same TCP connection.

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
    ) -> None:
        """Raises RtspError(PROTOCOL) when `url` is no rtsp:// address."""
        self._address, from_url = parse_address(url)
        self._credential = credential or from_url
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._wire: _Wire | None = None

    def __repr__(self) -> str:
        return f"RtspReader({self._address.place})"

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
        session = ClientSession(address, credential)
        wire = _Wire(session, self._clock)
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


class _Wire(asyncio.BufferedProtocol):
    """The TCP connection: large reads into one buffer, frames out."""

    def __init__(self, session: ClientSession, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._unread_bytes = 0
        self._paused = False
        self._error: RtspError | None = None
        self._news = asyncio.Event()
        self._lost = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._keep_alive: asyncio.TimerHandle | None = None

    @property
    def has_frames(self) -> bool:
        return bool(self._session.frames)

    def take_frames(self) -> list[CodedFrame]:
        frames, self._session.frames, self._unread_bytes = self._session.frames, [], 0
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
        return frames

    async def news(self) -> None:
        """Waits for the next bytes; raises the error that ended the connection."""
        if self._error is not None:
            raise RtspError(self._error.reason, self._error.detail)
        self._news.clear()
        await self._news.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._session.start()
        self._send()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._error is not None:
            return
        try:
            self._session.receive(bytes(self._buffer[:nbytes]), self._clock.now())
        except RtspError as error:
            self._fail(error)
            return
        self._send()
        self._unread_bytes += nbytes
        if self._unread_bytes > _MAX_UNREAD_BYTES and self._transport is not None and self.has_frames:
            self._paused = True
            self._transport.pause_reading()
        if self._keep_alive is None and self._session.description is not None:
            self._arm_keep_alive()
        self._news.set()

    def eof_received(self) -> bool:
        self._fail(RtspError(Problem.CLOSED, "the camera closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        self._fail(RtspError(Problem.CLOSED, "the connection broke" if exc else "the connection is closed"))

    def abort(self) -> None:
        self._fail(RtspError(Problem.CLOSED, "the reader let go"))

    async def close(self) -> None:
        self._disarm_keep_alive()
        if self._transport is None:
            return
        if not self._transport.is_closing():
            self._session.tear_down()
            self._send()
            self._transport.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._lost.wait()
        except TimeoutError:
            pass
        finally:
            self._transport.abort()

    def _fail(self, error: RtspError) -> None:
        self._disarm_keep_alive()
        if self._error is None:
            self._error = error
        if self._transport is not None:
            self._transport.abort()
        self._news.set()

    def _send(self) -> None:
        data = self._session.outgoing()
        if data and self._transport is not None:
            self._transport.write(data)
            if self._transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
                self._fail(RtspError(Problem.PROTOCOL, "the camera does not read what it asked for"))

    def _arm_keep_alive(self) -> None:
        loop = asyncio.get_running_loop()
        self._keep_alive = loop.call_later(self._session.keep_alive_s, self._send_keep_alive)

    def _send_keep_alive(self) -> None:
        self._session.keep_alive()
        self._send()
        if self._error is None:
            self._arm_keep_alive()

    def _disarm_keep_alive(self) -> None:
        if self._keep_alive is not None:
            self._keep_alive.cancel()
            self._keep_alive = None
