"""One logger's TCP connection: bytes into frames, answers and commands out. What frames mean is the server's business."""

import asyncio
import socket
from collections.abc import Sequence
from typing import Protocol, cast

from ingest.hj212.frame import Frame
from ingest.hj212.framer import Framer
from ingest.loggers import metrics
from ingest.loggers.limits import REFUSED_FRAMES, ConnectionAge, LoggerLimits

QUIET_BEFORE_FINISH_S = 15.0
"""A frame whose length says more than comes is taken for what it is after this long without a byte."""
LARGEST_READ_BYTES = 8 * 1024
"""Of one connection, before it is looked at whether it may go on: times the connections, the most that can wait in all."""
WRITE_BUFFER_BYTES = 16 * 1024
SEND_BUFFER_BYTES = 32 * 1024


class Desk(Protocol):
    """What a connection needs of its server."""

    limits: LoggerLimits
    read_buffer: bytearray

    def now_s(self) -> float: ...
    def opened(self, connection: "Connection") -> str | None:
        """Why the connection is not taken, by name; None: it is."""
        ...

    def arrived(self, connection: "Connection", frames: Sequence[Frame]) -> None: ...
    def closed(self, connection: "Connection") -> None: ...


class Connection(asyncio.BufferedProtocol):
    """Every connection reads into the server's one buffer, which is emptied before the loop reads another socket."""

    def __init__(self, desk: Desk, serial: int) -> None:
        self._desk = desk
        self._framer = Framer()
        self._transport: asyncio.Transport | None = None
        self._ended_by = "peer"
        self._heard_at_s = 0.0
        self.serial = serial
        self.address = ""
        self.age = ConnectionAge(desk.now_s())
        self.waiting = 0
        self.is_paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        peer = transport.get_extra_info("peername")
        self.address = peer[0] if peer else ""
        self._transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        # The system would keep megabytes for each logger that does not read.
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if reason := self._desk.opened(self):
            metrics.TURNED_AWAY.labels(reason).inc()
            self._ended_by = ""
            self._transport.abort()

    def get_buffer(self, sizehint: int) -> bytearray:  # noqa: ARG002 - the buffer is of one size
        return self._desk.read_buffer

    def buffer_updated(self, nbytes: int) -> None:
        now_s = self._heard_at_s = self._desk.now_s()
        frames = self._framer.feed(bytes(memoryview(self._desk.read_buffer)[:nbytes]))
        self.age.unfinished(now_s, is_held=self._framer.is_within_frame, went_on=bool(frames))
        self._hand_over(frames)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._ended_by:
            if self._ended_by != REFUSED_FRAMES:
                self._hand_over(self._framer.finish())
            reason = "lost" if exc is not None and self._ended_by == "peer" else self._ended_by
            metrics.ENDED.labels(reason).inc()
            self._desk.closed(self)
        self._transport = None

    def pause_writing(self) -> None:
        self.age.write_stalled_at_s = self._desk.now_s()

    def resume_writing(self) -> None:
        self.age.write_stalled_at_s = None

    def send(self, data: bytes) -> bool:
        if self._transport is None or self._transport.is_closing():
            return False
        self._transport.write(data)
        return True

    def end(self, reason: str) -> None:
        """At once: whoever is ended here has not earned to be waited for."""
        if self._transport is not None and not self._transport.is_closing():
            self._ended_by = reason
            self._transport.abort()

    def waits(self, more: int, *, is_full: bool = False) -> None:
        """So many of its frames more (or fewer) wait for their commit; with too many, or when the server `is_full`, it is
        read no further until they are committed."""
        self.waiting += more
        if self._transport is None or self._transport.is_closing():
            return
        if not self.is_paused and (is_full or self.waiting >= self._desk.limits.frames_waiting):
            self.is_paused = True
            metrics.PAUSES.inc()
            self._transport.pause_reading()
        elif self.is_paused and self.waiting <= self._desk.limits.frames_waiting // 2:
            self.is_paused = False
            self._transport.resume_reading()

    def look(self, now_s: float) -> None:
        """Each second: ends what has had its time."""
        if self.is_paused:
            self.age.paused(now_s)
        elif self._framer.is_within_frame and now_s - self._heard_at_s > QUIET_BEFORE_FINISH_S:
            frames = self._framer.finish()
            self.age.unfinished(now_s, is_held=self._framer.is_within_frame, went_on=bool(frames))
            self._hand_over(frames)
        if reason := self.age.over(self._desk.limits, now_s):
            self.end(reason)

    def _hand_over(self, frames: Sequence[Frame]) -> None:
        if frames:
            self._desk.arrived(self, frames)
