"""Commands on their way to loggers: rows in, frames out, each second; a kill at any moment leaves rows to go on from."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from farwatch.domain.device import (
    OPEN,
    CommandState,
    DeviceCommand,
    DeviceReply,
    StationSecret,
    StationSecrets,
    Way,
)
from farwatch.domain.registry import Registry
from farwatch.storage import device_commands
from farwatch.storage.database import Connection, Pool, transaction
from farwatch.storage.heartbeats import database_now
from farwatch.storage.leases import Lease
from ingest.loggers import metrics
from ingest.loggers.exchange import Advance, Moment, advance
from ingest.loggers.heard import Heard
from ingest.loggers.lines import Lines
from ingest.loggers.requests import BadParametersError, request, speech_for

LOOK_EVERY_S = 1.0
FORGET_EVERY_ROUNDS = 3600
REPLIES_KEPT_DAYS = 180
NO_SECRET = StationSecret()

Broker = Callable[[str, bytes], bool]
"""Hands a frame for a station to the broker; False while there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """All that leads to stations."""

    lines: Lines
    heard: Heard
    broker: Broker
    registry: Callable[[], Registry]
    secrets: StationSecrets

    def to(self, mn: str, now: datetime) -> Way | None:
        if mn not in self.registry().stations:
            return None
        if self.lines.to(mn) is not None:
            return Way.TCP
        return Way.MQTT if self.heard.listens_to_broker(mn, now) else None

    def send(self, mn: str, way: Way, frame: bytes) -> None:
        """At most once; what is lost is asked again."""
        line = self.lines.to(mn)
        if way is Way.TCP and line is not None:
            line.send(frame)
        elif way is Way.MQTT:
            self.broker(mn, frame)

    def frame(self, command: DeviceCommand, now: datetime) -> bytes:
        """Raises BadParametersError."""
        station = self.registry().stations[command.mn]
        secret = self.secrets.get(station.credential, NO_SECRET)
        heard = self.heard
        speech = speech_for(station, heard.links.get(command.mn), secret, heard.password(command.mn))
        return request(command, speech, now)


class Commands:
    """One outstanding command a station; `run` is the service."""

    def __init__(self, pool: Pool, lease: Lease, ways: Ways, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._pool = pool
        self._lease = lease
        self._ways = ways
        self._look_every_s = look_every_s
        self._up_since: datetime | None = None
        self._rounds = 0

    async def run(self) -> None:
        """For ever. Raises the database's errors and LeaseLostError."""
        while True:
            await self.round()
            if self._rounds % FORGET_EVERY_ROUNDS == 0:
                await device_commands.forget_replies(self._pool, REPLIES_KEPT_DAYS)
            self._rounds += 1
            await asyncio.sleep(self._look_every_s)

    async def round(self) -> None:
        """Each station's oldest open command by one step: first the rows, then the frames."""
        async with transaction(self._pool) as connection:
            await self._lease.check(connection)
            now = await database_now(connection)
            self._up_since = self._up_since or now
            waiting = await device_commands.outstanding(connection)
            replies = await device_commands.replies_to(connection, waiting)
            frames = await self._advance_all(connection, waiting, replies, now)
        for mn, (way, frame) in frames.items():
            self._ways.send(mn, way, frame)

    async def _advance_all(
        self,
        connection: Connection,
        waiting: Sequence[DeviceCommand],
        replies: Mapping[int, Sequence[DeviceReply]],
        now: datetime,
    ) -> dict[str, tuple[Way, bytes]]:
        frames: dict[str, tuple[Way, bytes]] = {}
        for command in waiting:
            step, frame = self._step(command, replies.get(command.id, ()), now)
            if step.command != command:
                await device_commands.save(connection, step.command)
            if frame is not None and step.command.way is not None:
                frames[command.mn] = (step.command.way, frame)
            if step.command.state not in OPEN:
                metrics.COMMANDS.labels(step.command.state).inc()
                self._ways.heard.expect_nothing(command.mn)
        return frames

    def _step(
        self, command: DeviceCommand, replies: Sequence[DeviceReply], now: datetime
    ) -> tuple[Advance, bytes | None]:
        moment = Moment(
            now=now,
            up_since=self._up_since or now,
            line=self._ways.to(command.mn, now),
            replies=replies,
            progress=self._ways.heard.expect(command),
        )
        step = advance(command, moment)
        if not step.send:
            return step, None
        try:
            return step, self._ways.frame(step.command, now)
        except BadParametersError as error:
            refused = replace(
                command,
                state=CommandState.REFUSED,
                reason="bad_parameters",
                ended_at=now,
                answer={"field": str(error)},
            )
            return Advance(refused), None
