"""A camera worker at work on simulated cameras, and a detector that says what a test wants."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path

from farwatch.domain.finding import Kind, Reason, Severity
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from farwatch.domain.registry import Zone
from farwatch.runtime.clock import SystemClock
from farwatch.storage.database import Connection, Pool, transaction
from ingest.cameras.patience import Patience
from ingest.cameras.worker import CameraWorker
from simulators.coded_loop import CodedLoop
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.support.cameras import squares

QUICK = Patience(
    connect_timeout_s=1,
    idle_timeout_s=1,
    first_retry_s=0.1,
    longest_retry_s=0.2,
    refused_retry_s=30,
    steady_after_s=5,
)


class SkippingClock(SystemClock):
    """Real time, and what a test skips."""

    def __init__(self) -> None:
        self.skipped_s = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.skipped_s)

    def monotonic(self) -> float:
        return super().monotonic() + self.skipped_s


@dataclass
class Script:
    """What the detectors do from the next picture on; `seen` are the pictures' times by camera."""

    sights: bool = False
    raises: bool = False
    wants_every_frame: bool = False
    seen: dict[str, list[datetime]] = field(default_factory=dict)
    made: int = 0

    def detectors(self, zones: Sequence[Zone]) -> "list[ScriptedDetector]":
        self.made += 1
        return [ScriptedDetector(self, zone) for zone in zones]


@dataclass
class Drawn(Script):
    """The purposes and names of the zones of each time that a camera's detectors were made."""

    zones: list[list[tuple[str, str]]] = field(default_factory=list)

    def detectors(self, zones: Sequence[Zone]) -> "list[ScriptedDetector]":
        self.zones.append([(zone.purpose, zone.name) for zone in zones])
        return super().detectors(zones)

    async def latest(self) -> list[tuple[str, str]]:
        return self.zones[-1]


class ScriptedDetector:
    rule, version = "smoke", "test"

    def __init__(self, script: Script, zone: Zone) -> None:
        self._script, self._zone = script, zone
        self._onset_at: datetime | None = None

    @property
    def wants_every_frame(self) -> bool:
        return self._script.wants_every_frame

    def observe(self, picture: Picture) -> list[Sighting | SightingEnded]:
        self._script.seen.setdefault(picture.camera, []).append(picture.at)
        if self._script.raises:
            raise ZeroDivisionError("a detector's mistake")
        if self._script.sights and self._onset_at is None:
            self._onset_at = picture.at
            return [
                Sighting(
                    rule=self.rule, kind=Kind.SMOKE, zone=self._zone.name, onset_at=picture.at, severity=Severity.MAJOR,
                    reason=Reason("smoke_seen", {"share": 0.2}), box=(0.1, 0.1, 0.5, 0.5),
                )
            ]  # fmt: skip
        if not self._script.sights and self._onset_at is not None:
            onset_at, self._onset_at = self._onset_at, None
            return [
                SightingEnded(rule=self.rule, zone=self._zone.name, onset_at=onset_at, ended_at=picture.at)
            ]
        return []


@cache
def small_loop() -> CodedLoop:
    """Four seconds, ten pictures a second, a key frame each second."""
    return encode_pictures(squares(40), rate=10)


@asynccontextmanager
async def on_air(server: RtspServer) -> AsyncIterator[int]:
    """Serves on a free port of this machine and gives its number."""
    stop, bound = asyncio.Event(), asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve("127.0.0.1", 0, stop, bound.set_result))
        try:
            yield await bound
        finally:
            stop.set()


@asynccontextmanager
async def at_work(worker: CameraWorker) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(worker.run())
        try:
            yield
        finally:
            task.cancel()


async def register(
    pool: Pool, id_: str, url: str, *, credential: str = "", drill: bool = False, zone: str | None = "stack"
) -> None:
    async with transaction(pool) as connection:
        await connection.execute(
            "INSERT INTO cameras (id, name, lat, lon, url, credential, drill) VALUES ($1, $1, 30.5, 120.5, $2, $3, $4)",
            id_, url, credential, drill,
        )  # fmt: skip
        if zone:
            await connection.execute(
                "INSERT INTO zones (camera, name, purpose, polygon) VALUES ($1, $2, 'stack', $3)",
                id_, zone, [[0, 0], [1, 0], [1, 1]],
            )  # fmt: skip
        await announce(connection)


async def announce(pool: Pool | Connection) -> None:
    await pool.execute("UPDATE registry_version SET version = version + 1, changed_at = now()")


def worker_of(pool: Pool, data_dir: Path, script: Script, **more: object) -> CameraWorker:
    settings = {"clock": SystemClock(), "credentials": {}, "patience": QUICK}
    return CameraWorker(pool=pool, data_dir=data_dir, detectors=script.detectors, **(settings | more))
