"""The TCP server with a real intake in this process, and bare loggers that say exactly what a test wants."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime

from detectors.sensors.judge import LimitJudge
from farwatch.domain.device import StationSecrets
from farwatch.runtime.clock import Clock, SystemClock
from farwatch.runtime.supervision import Service, keep_running
from farwatch.storage import leases
from farwatch.storage.database import Pool
from ingest.hj212.content import time_text
from ingest.hj212.encode import encode
from ingest.hj212.frame import FrameVerdict
from ingest.hj212.framer import Framer
from ingest.hj212.packet import Packet, parse
from ingest.intake import Intake
from ingest.loggers.commands import Commands, Ways
from ingest.loggers.heard import Heard
from ingest.loggers.limits import LoggerLimits
from ingest.loggers.lines import Lines
from ingest.loggers.records import Records
from ingest.loggers.server import LoggerParts, LoggerServer
from tests.support.waiting import until

NO_SECRETS: StationSecrets = {}
FLAGS = {2005: 1, 2017: 5, 2025: 9}


class House:
    """What runs: the server and the services beside it."""

    def __init__(
        self, pool: Pool, lease: leases.Lease, secrets: StationSecrets, limits: LoggerLimits, clock: Clock
    ) -> None:
        self.intake = Intake(pool, lease, LimitJudge(), clock, secrets)
        self.heard, self.lines = Heard(), Lines()
        self.records = Records(pool, lease, self.heard)
        self.broker_frames: list[tuple[str, bytes]] = []
        self.server = LoggerServer(
            LoggerParts(
                take=self.intake.take,
                keep=self.records.keep,
                registry=lambda: self.intake.registry,
                secrets=secrets,
                lines=self.lines,
                heard=self.heard,
                clock=clock,
            ),
            limits,
        )
        ways = Ways(
            lines=self.lines,
            heard=self.heard,
            broker=self._to_broker,
            registry=lambda: self.intake.registry,
            secrets=secrets,
        )
        self.commands = Commands(pool, lease, ways, look_every_s=0.05)
        self.loggers: list[BareLogger] = []

    def _to_broker(self, mn: str, frame: bytes) -> bool:
        self.broker_frames.append((mn, frame))
        return True

    @property
    def port(self) -> int:
        return self.server.port

    async def logger(self, *, source: str = "127.0.0.1", receive_bytes: int | None = None) -> "BareLogger":
        """Connected; gone when the house ends, however its body does."""
        self.loggers.append(await BareLogger.connect(self.port, source=source, receive_bytes=receive_bytes))
        return self.loggers[-1]


@asynccontextmanager
async def logger_house(
    pool: Pool,
    url: str,
    *,
    secrets: StationSecrets = NO_SECRETS,
    limits: LoggerLimits | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[House]:
    """A house that listens on loopback until the body ends."""
    async with leases.hold(url, "intake", "test") as lease:
        house = House(pool, lease, secrets, limits or LoggerLimits(), clock or SystemClock())
        await house.intake.resume()
        async with asyncio.TaskGroup() as group:
            services = [
                Service(name="server", run=lambda: house.server.run_once("127.0.0.1", 0)),
                Service(name="records", run=house.records.run),
                Service(name="commands", run=house.commands.run),
            ]
            running = [group.create_task(keep_running(s)) for s in services]
            await until(_port_of(house), lambda port: port != 0)
            try:
                yield house
            finally:
                for logger in house.loggers:
                    await logger.drop()
            for task in running:
                task.cancel()


def _port_of(house: House) -> Callable[[], Awaitable[int]]:
    async def port() -> int:
        return house.port

    return port


class BareLogger:
    """One TCP connection; frames go out as they are given, what comes back is read as packets."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._framer = Framer()
        self._packets: list[Packet] = []

    @classmethod
    async def connect(
        cls, port: int, *, source: str = "127.0.0.1", receive_bytes: int | None = None
    ) -> "BareLogger":
        """`receive_bytes`: how much the system keeps that this side has not read; it reads nothing by itself then."""
        plug = socket.socket()
        plug.setblocking(False)
        plug.bind((source, 0))
        if receive_bytes is not None:
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        await asyncio.get_running_loop().sock_connect(plug, ("127.0.0.1", port))
        reader, writer = await asyncio.open_connection(sock=plug, limit=receive_bytes or 2**16)
        return cls(reader, writer)

    async def send(self, *data: bytes) -> None:
        for part in data:
            self._writer.write(part)
            await self._writer.drain()

    async def packet(self, within_s: float = 10) -> Packet:
        """The next that comes. Raises EOFError when the connection has ended."""
        async with asyncio.timeout(within_s):
            while not self._packets:
                data = await self._reader.read(4096)
                if not data:
                    raise EOFError
                for frame in self._framer.feed(data):
                    packet = parse(frame.segment)
                    assert isinstance(packet, Packet), frame
                    self._packets.append(packet)
            return self._packets.pop(0)

    async def ended(self, within_s: float = 10) -> bool:
        """Waits until the other side has ended the connection."""
        async with asyncio.timeout(within_s):
            try:
                while await self._reader.read(4096):
                    pass
            except ConnectionError:
                pass
            return True

    async def close(self) -> None:
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()

    async def drop(self) -> None:
        """At once: what was not sent yet is not."""
        self._writer.transport.abort()
        await self.close()


def upload(
    mn: str,
    at: datetime,
    value: float,
    *,
    dialect: int = 2017,
    cn: str = "2011",
    pw: str = "123456",
    crc: FrameVerdict = FrameVerdict.PASS,
) -> bytes:
    """A frame with one value that asks for an answer."""
    suffix = "Rtd" if cn == "2011" else "Avg"
    code = "011" if dialect == 2005 else "a21026"
    content = f"DataTime={time_text(at)};{code}-{suffix}={value:g},{code}-Flag=N"
    return encode(
        mn=mn,
        cn=cn,
        st="31",
        pw=pw,
        qn=time_text(at, milliseconds=True),
        flag=FLAGS[dialect],
        content=content,
        crc=crc,
    )
