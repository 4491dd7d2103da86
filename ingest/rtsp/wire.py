"""The sockets of one camera's session: one TCP connection, and two for datagrams if need be; a thin shell."""

import asyncio
import socket
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime

from farwatch.domain.registry import Transport
from farwatch.runtime.clock import Clock
from ingest.rtsp.address import Address
from ingest.rtsp.auth import Credential
from ingest.rtsp.client import ClientSession
from ingest.rtsp.datagrams import Datagrams
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.flood import MOST_PACKETS_AT_ONCE, MOST_PACKETS_S, Flood
from ingest.rtsp.frames import CodedFrame, spread
from ingest.rtsp.receiving import Counts
from ingest.rtsp.transports import Pair

_READ_BYTES = 256 * 1024
_MAX_UNREAD_BYTES = 8 * 1024 * 1024
"""Received and not taken by `take_frames`: above this the sockets are left alone until somebody does."""
_MAX_UNSENT_BYTES = 256 * 1024
_CLOSE_TIMEOUT_S = 1.0
_TICK_S = 1.0
_GATHER_S = 0.2
"""Waking for each packet costs more than the packets: the kernel waits for so much of the stream."""


class Wire(asyncio.BufferedProtocol):
    """The TCP connection, and the datagrams that belong to it: large reads into one buffer, frames out."""

    def __init__(
        self,
        address: Address,
        credential: Credential | None,
        transport: Transport,
        clock: Clock,
        serving: AbstractContextManager[None],
    ) -> None:
        """`serving` is entered while something of the camera's is worked on."""
        self.session = ClientSession(address, credential, transport, self._open_ports)
        self._clock = clock
        self._serving = serving
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._unread_bytes = 0
        self._sizes: list[int] = []
        self._read_at: datetime | None = None
        self._flood = Flood("packets", MOST_PACKETS_S, MOST_PACKETS_AT_ONCE)
        self._paused = False
        self._error: RtspError | None = None
        self._news = asyncio.Event()
        self._lost = asyncio.Event()
        self._transport: asyncio.Transport | None = None
        self._datagrams: Datagrams | None = None
        self._tick: asyncio.TimerHandle | None = None

    @property
    def has_frames(self) -> bool:
        return bool(self.session.frames)

    @property
    def clock_offset_s(self) -> float | None:
        return self.session.clock_offset_s

    @property
    def counts(self) -> Counts:
        ways = self._datagrams
        counts = self.session.counts
        return replace(counts, dropped=ways.dropped, foreign=ways.foreign) if ways is not None else counts

    def take_frames(self) -> list[CodedFrame]:
        frames, self.session.frames, self._unread_bytes = self.session.frames, [], 0
        self._sizes += [sum(map(len, frame.packets)) for frame in frames]
        if self._paused and self._transport is not None and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()
            if self._datagrams is not None:
                self._datagrams.resume()
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
        self.session.start()
        self._send()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        if self._error is not None:
            return
        try:
            with self._serving:
                self._read(self._buffer[:nbytes], self._clock.now())
        except RtspError as error:
            self._fail(error)
            return
        self._send()
        if self._tick is None and self.session.description is not None:
            self._arm_tick()
        self._received(nbytes)

    def _read(self, data: memoryview, now: datetime) -> None:
        waiting, heard = len(self.session.frames), self.session.heard
        self.session.receive(data, now)
        self._flood.add(self.session.heard - heard, self._clock.monotonic())
        if self._read_at is not None and len(self.session.frames) > waiting + 1:
            self.session.frames[waiting:] = spread(self.session.frames[waiting:], min(self._read_at, now))
        self._read_at = now

    def eof_received(self) -> bool:
        self._fail(RtspError(Problem.CLOSED, "the camera closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        self._fail(RtspError(Problem.CLOSED, "the connection broke" if exc else "the connection is closed"))

    def abort(self) -> None:
        self._fail(RtspError(Problem.CLOSED, "the reader let go"))

    async def close(self) -> None:
        self._let_go()
        if self._transport is None:
            return
        if not self._transport.is_closing():
            self.session.tear_down()
            self._send()
            self._transport.close()
        try:
            async with asyncio.timeout(_CLOSE_TIMEOUT_S):
                await self._lost.wait()
        except TimeoutError:
            pass
        finally:
            self._transport.abort()

    def _open_ports(self) -> Pair:
        assert self._transport is not None
        here, there = (self._transport.get_extra_info(name)[0] for name in ("sockname", "peername"))
        if self._datagrams is None:
            self._datagrams = Datagrams(here, there, self._receive_datagrams, self._receive_report)
        return self._datagrams.ports

    def _receive_datagrams(self, datagrams: list[bytes]) -> None:
        try:
            with self._serving:
                self._flood.add(len(datagrams), self._clock.monotonic())
                self.session.receive_datagrams(datagrams, self._clock.now())
        except RtspError as error:
            self._fail(error)
            return
        self._received(sum(map(len, datagrams)))

    def _receive_report(self, report: bytes) -> None:
        try:
            with self._serving:
                self._flood.add(1, self._clock.monotonic())
                self.session.receive_report(report, self._clock.now())
        except RtspError as error:
            self._fail(error)

    def _received(self, size: int) -> None:
        """Wakes who reads, and leaves the sockets alone when nobody does."""
        self._unread_bytes += size
        if self._unread_bytes > _MAX_UNREAD_BYTES and self._transport is not None and self.has_frames:
            self._paused = True
            self._transport.pause_reading()
            if self._datagrams is not None:
                self._datagrams.pause()
        self._news.set()

    def _fail(self, error: RtspError) -> None:
        self._let_go()
        if self._error is None:
            self._error = error
        if self._transport is not None:
            self._transport.abort()
        self._news.set()

    def _let_go(self) -> None:
        if self._tick is not None:
            self._tick.cancel()
            self._tick = None
        if self._datagrams is not None:
            self._datagrams.close()

    def _send(self) -> None:
        data = self.session.outgoing()
        if data and self._transport is not None:
            self._transport.write(data)
            if self._transport.get_write_buffer_size() > _MAX_UNSENT_BYTES:
                self._fail(RtspError(Problem.PROTOCOL, "the camera does not read what it asked for"))

    def _send_datagrams(self) -> None:
        ways, ports = self._datagrams, self.session.server_ports
        if ways is None or ports is None or not self.session.is_udp:
            return
        ways.punch(ports)
        for report in self.session.outgoing_reports():
            ways.send_report(report, ports)

    def _gather(self) -> None:
        """Lets the next frames wait for each other, as many as come in `_GATHER_S`; the end of a stream never waits.

        The middle one of the last second's sizes counts: a key frame would have the small frames behind it wait for long.
        """
        sizes, self._sizes = sorted(self._sizes), []
        if self._transport is not None and not self._transport.is_closing():
            least = int(sizes[len(sizes) // 2] * len(sizes) / _TICK_S * _GATHER_S) if sizes else 1
            least = max(1, min(least, _READ_BYTES // 2))
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, least)

    def _arm_tick(self) -> None:
        self._send_datagrams()
        wait_s = min(_TICK_S, self.session.keep_alive_s)
        self._tick = asyncio.get_running_loop().call_later(wait_s, self._on_tick)

    def _on_tick(self) -> None:
        try:
            with self._serving:
                self.session.tick(self._clock.now())
        except RtspError as error:
            self._fail(error)
            return
        self._send()
        self._gather()
        if self.has_frames:
            self._news.set()
        if self._error is None:
            self._arm_tick()
