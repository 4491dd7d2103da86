"""Simulated data loggers on real sockets: each its own TCP connection to the platform, as in the field."""

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from farwatch.runtime.clock import Clock
from ingest.payloads import Measurement
from simulators.logger_device import LoggerDevice

CONNECT_WITHIN_S = 10.0
READ_BYTES = 4096
PASSING_ERRORS: tuple[type[Exception], ...] = (OSError, EOFError, TimeoutError)

Measure = Callable[[datetime], Sequence[Measurement]]
"""What the logger's analysers say now; called each period."""


@dataclass(frozen=True, slots=True)
class Wire:
    """How bytes reach the platform: `glue` frames leave together without line ends, `cut` into pieces of a few bytes."""

    glue: bool = False
    cut: bool = False

    def pieces(self, frames: Sequence[bytes], rng: random.Random) -> list[bytes]:
        whole = (
            [b"".join(frame.rstrip() for frame in frames) + b"\r\n"] if self.glue and frames else list(frames)
        )
        return [piece for text in whole for piece in _cut(text, rng)] if self.cut else whole


STRAIGHT = Wire()


def _cut(text: bytes, rng: random.Random) -> list[bytes]:
    at, pieces = 0, []
    while at < len(text):
        size = rng.randrange(1, 60)
        pieces.append(text[at : at + size])
        at += size
    return pieces


class Logger:
    """A device on its connection. `run_once` ends by one of PASSING_ERRORS when the connection does."""

    def __init__(
        self, device: LoggerDevice, measure: Measure, clock: Clock, *, period_s: float, wire: Wire = STRAIGHT
    ) -> None:
        self.device = device
        self._measure = measure
        self._clock = clock
        self._period_s = period_s
        self._wire = wire
        self._rng = random.Random(device.identity.mn)

    async def run_once(self, host: str, port: int) -> None:
        async with asyncio.timeout(CONNECT_WITHIN_S):
            reader, writer = await asyncio.open_connection(host, port)
        try:
            await self._send(writer, self.device.connected())
            async with asyncio.TaskGroup() as group:
                group.create_task(self._obey(reader, writer))
                group.create_task(self._upload(writer))
        except BaseExceptionGroup as ended:
            raise _first(ended) from None
        finally:
            writer.transport.abort()

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(READ_BYTES):
            await self._send(writer, self.device.heard(data, self._clock.now()))
        raise EOFError("the platform has ended the connection")

    async def _upload(self, writer: asyncio.StreamWriter) -> None:
        while True:
            now = self._clock.now()
            frames = [f for m in self._measure(now) for f in self.device.measured(m, now)]
            await self._send(writer, [*frames, *self.device.due(now)])
            await asyncio.sleep(self._period_s)

    async def _send(self, writer: asyncio.StreamWriter, frames: Sequence[bytes]) -> None:
        for piece in self._wire.pieces(frames, self._rng):
            writer.write(piece)
            await writer.drain()


def _first(group: BaseException) -> BaseException:
    while isinstance(group, BaseExceptionGroup):
        group = group.exceptions[0]
    return group
