"""The TCP server for data loggers: frames of all connections in common batches, answers after the commit.

A connection whose frames wait for their commit is read no further, so TCP itself slows its logger down; what was not
answered is sent again, and is the same row.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from farwatch.domain.device import StationSecrets, Way
from farwatch.domain.registry import Registry
from farwatch.runtime.clock import Clock
from farwatch.storage.dead_letters import DeadLetter
from ingest.delivery import Delivery, next_turn
from ingest.hj212.frame import Frame
from ingest.loggers import metrics
from ingest.loggers.admission import Admitted, Turned, admit
from ingest.loggers.connection import LARGEST_READ_BYTES, Connection
from ingest.loggers.guesses import Guesses
from ingest.loggers.heard import Heard
from ingest.loggers.limits import REFUSED_FRAMES, LoggerLimits, Resting
from ingest.loggers.lines import Lines

log = logging.getLogger(__name__)

LARGEST_BATCH = 1000
LOOK_EVERY_S = 1.0
BACKLOG = 1024

Take = Callable[[Sequence[Delivery]], Awaitable[Sequence[bytes | None]]]
KeepLetter = Callable[[DeadLetter], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggerParts:
    """`take` returns once its batch is committed, with what to send back for each; `keep` has a refused frame written
    down soon."""

    take: Take
    keep: KeepLetter
    registry: Callable[[], Registry]
    secrets: StationSecrets
    lines: Lines
    heard: Heard
    clock: Clock


@dataclass(slots=True)
class LoggerServer:
    """`run_once` serves on one address until it is cancelled."""

    parts: LoggerParts
    limits: LoggerLimits
    read_buffer: bytearray = field(default_factory=lambda: bytearray(LARGEST_READ_BYTES))
    _connections: set[Connection] = field(default_factory=set)
    _by_address: Counter[str] = field(default_factory=Counter)
    _waiting_pause_reading: deque[tuple[Connection, Delivery]] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _guesses: Guesses = field(default_factory=Guesses)
    _resting: Resting = field(default_factory=Resting)
    _serial: int = 0
    port: int = 0
    """What is listened on, once it is."""

    @property
    def is_listening(self) -> bool:
        return self.port != 0

    async def run_once(self, host: str, port: int) -> None:
        """Raises OSError when the address cannot be listened on, and whatever `take` raises."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(self._connection, host, port, backlog=BACKLOG)
        try:
            self.port = server.sockets[0].getsockname()[1]
            log.info(
                "data loggers may connect to port %d",
                self.port,
                extra={"event": "hj212_listening", "port": self.port},
            )
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pump())
                group.create_task(self._look_after())
        finally:
            self.port = 0
            server.close()
            for connection in list(self._connections):
                connection.end("stopping")

    def now_s(self) -> float:
        return self.parts.clock.monotonic()

    def opened(self, connection: Connection) -> str | None:
        if self._resting.lasts(connection.address, self.now_s()):
            return "resting"
        if len(self._connections) >= self.limits.connections:
            return "too_many"
        if self._by_address[connection.address] >= self.limits.connections_per_address:
            return "too_many_from_address"
        self._connections.add(connection)
        self._by_address[connection.address] += 1
        return None

    def closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if self._resting.ended(connection.address, connection.age, self.limits, self.now_s()):
            # Those that have shown who they are go on.
            for other in list(self._connections):
                if other.address == connection.address and other.age.taken_at_s is None:
                    other.end(REFUSED_FRAMES)
        self.parts.lines.drop(connection)
        self._by_address[connection.address] -= 1
        if not self._by_address[connection.address]:
            del self._by_address[connection.address]

    def arrived(self, connection: Connection, frames: Sequence[Frame]) -> None:
        """Frames for the intake join the next batch; the others become letters here."""
        registry, now = self.parts.registry(), self.parts.clock.now()
        queued = 0
        for frame in frames:
            metrics.FRAMES.labels(frame.verdict).inc()
            admission = self._admit(frame, connection, registry)
            if isinstance(admission, Turned):
                self._turn_away(connection, frame, admission)
            else:
                self._take_in(connection, frame, admission, now)
                queued += 1
            if connection.age.is_refused(self.limits):
                connection.end(REFUSED_FRAMES)
                break
        if queued:
            connection.waits(
                queued, is_full=len(self._waiting_pause_reading) >= self.limits.frames_waiting_in_all
            )
            self._arrived.set()

    def _take_in(self, connection: Connection, frame: Frame, admission: Admitted, now: datetime) -> None:
        if admission.packet is None:
            connection.age.refused(len(frame.raw))
        else:
            connection.age.took(self.now_s())
            self.parts.lines.add(admission.mn, connection)
            self.parts.heard.note(admission.packet, admission.checksum, Way.TCP, connection.address, now)
        delivery = Delivery(f"hj212/{admission.mn}/up", frame.raw, 1, 0, connection.serial)
        self._waiting_pause_reading.append((connection, delivery))

    def _admit(self, frame: Frame, connection: Connection, registry: Registry) -> Admitted | Turned:
        """As `admit` says, but for who tries passwords: nobody learns from us whether the next one is right."""
        admission = admit(frame, connection.address, registry, self.parts.secrets)
        if isinstance(admission, Turned) or self.parts.lines.carries(admission.mn, connection):
            return admission
        if self._guesses.are_too_many(connection.address, admission.mn, self.now_s()):
            return Turned(admission.mn, "too_many_guesses")
        if admission.is_guess:
            self._guesses.wrong(connection.address, admission.mn, self.now_s())
        return admission

    def _connection(self) -> Connection:
        self._serial += 1
        return Connection(self, self._serial)

    def _turn_away(self, connection: Connection, frame: Frame, turned: Turned) -> None:
        connection.age.refused(len(frame.raw))
        metrics.TURNED_FRAMES.labels(turned.reason).inc()
        # What it says of itself proves nothing: all such frames share one source's quota.
        detail = f"{turned.mn} from {connection.address}".strip()
        now = self.parts.clock.now()
        self.parts.keep(DeadLetter("unknown", "hj212/tcp", frame.raw, turned.reason, detail, now))

    async def _pump(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting_pause_reading:
                began_s = asyncio.get_running_loop().time()
                await self._commit_next()
                await next_turn(began_s)

    async def _commit_next(self) -> None:
        """One batch over all connections, in the order of arrival; then each one's answers in one write."""
        waiting = self._waiting_pause_reading
        batch = [waiting.popleft() for _ in range(min(LARGEST_BATCH, len(waiting)))]
        answers = await self.parts.take([delivery for _, delivery in batch])
        said: dict[Connection, list[bytes]] = {}
        for (connection, _), answer in zip(batch, answers, strict=True):
            said.setdefault(connection, []).extend([answer] if answer else [])
        taken = Counter(connection for connection, _ in batch)
        for connection, parts in said.items():
            if parts:
                connection.send(b"".join(parts))
            connection.waits(-taken[connection])

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now_s = self.now_s()
            for connection in list(self._connections):
                connection.look(now_s)
            metrics.CONNECTIONS.set(len(self._connections))
            metrics.STATIONS.set(len(self.parts.lines))
