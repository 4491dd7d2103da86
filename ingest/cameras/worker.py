"""Many cameras in one process: this share of the registry's cameras, followed as the registry changes."""

import asyncio
import hashlib
import logging
import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import cv2

from farwatch.domain.finding import Finding, FindingEnded
from farwatch.domain.picture import PictureDetectorFactory
from farwatch.domain.registry import Camera, Registry, Zone
from farwatch.runtime.clock import Clock
from farwatch.runtime.supervision import Service, keep_running
from farwatch.storage import camera_status, evidence, registry
from farwatch.storage.blobs import BlobStore, live_still_path
from farwatch.storage.camera_status import CameraState, CameraStatus
from farwatch.storage.database import CONNECT_TIMEOUT_S, PASSING_ERRORS, Pool, transaction
from ingest.cameras import health, metrics
from ingest.cameras.desk import Desk, Found
from ingest.cameras.gaze import Gaze
from ingest.cameras.health import Outage, Sign
from ingest.cameras.patience import Patience
from ingest.cameras.ring import KEEP_GROUND_S, KEEP_S
from ingest.cameras.watching import Watch, Workshop
from ingest.rtsp.auth import Credential
from ingest.rtsp.session import RtspReader

log = logging.getLogger(__name__)

LOOK_AT_REGISTRY_S = 1.0
JUDGE_EVERY_S = 1.0
SAY_EVERY_S = 5.0
STAGGER_S = 0.05
PENDING_CLIP_TIMEOUT_S = 120.0
DRAIN_TIMEOUT_S = 3.0
UNFINISHED_FILE_AGE = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Share:
    """Part `index` (from 0) of `count`: each camera belongs to exactly one, by a hash of its id that never changes."""

    index: int = 0
    count: int = 1

    def holds(self, camera: str) -> bool:
        digest = hashlib.sha256(camera.encode()).digest()
        return int.from_bytes(digest[:8], "big") % self.count == self.index


WHOLE = Share()
DEFAULT_PATIENCE = Patience()


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a watch depends on: when any of it changes, the watch begins anew."""

    camera: Camera
    zones: tuple[Zone, ...]


@dataclass(frozen=True, slots=True)
class _Running:
    subject: _Subject
    watch: Watch
    task: asyncio.Task[None]


class CameraWorker:
    """`run` watches until it is cancelled. Errors of the database pass and are tried again; others end the process.

    `credentials` are the accounts (user, password) by the name that registry rows give; looked up for each session.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        data_dir: Path,
        clock: Clock,
        detectors: PictureDetectorFactory,
        credentials: Mapping[str, tuple[str, str]],
        share: Share = WHOLE,
        patience: Patience = DEFAULT_PATIENCE,
        decoder_threads: int = 2,
    ) -> None:
        self._pool = pool
        self._data_dir = data_dir
        self._clock = clock
        self._detectors = detectors
        self._credentials = credentials
        self._share = share
        self._patience = patience
        self._threads = ThreadPoolExecutor(decoder_threads, thread_name_prefix="decode")
        self._desk = Desk(pool)
        self._workshop = Workshop(self._threads, BlobStore(data_dir / "evidence"), self._desk, clock)
        self._version: int | None = None
        self._running: dict[str, _Running] = {}
        self._outages: dict[str, Outage] = {}
        self._said: dict[str, CameraStatus] = {}
        self._said_at_s = -math.inf

    async def run(self) -> None:
        cv2.setNumThreads(1)  # the decoder threads are the bound, not OpenCV's own pool
        (self._data_dir / "live").mkdir(parents=True, exist_ok=True)
        self._workshop.blobs.sweep(self._clock.now() - UNFINISHED_FILE_AGE)
        try:
            async with asyncio.TaskGroup() as group:
                for name, run in (
                    ("cameras' desk", self._desk.run),
                    ("cameras' registry", lambda: self._follow_registry(group)),
                    ("cameras' health", self._judge_health),
                ):
                    service = Service(name=name, run=run, passing=PASSING_ERRORS, longest_delay_s=2.0)
                    group.create_task(keep_running(service), name=name)
        finally:
            await self._desk.drain(DRAIN_TIMEOUT_S)
            self._threads.shutdown(cancel_futures=True)

    async def _follow_registry(self, group: asyncio.TaskGroup) -> NoReturn:
        while True:
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                is_new = await registry.version(connection) != self._version
                city = await registry.load(connection) if is_new else None
            if city is not None:
                await self._adopt(city, group)
                self._version = city.version
            await asyncio.sleep(LOOK_AT_REGISTRY_S)

    async def _adopt(self, city: Registry, group: asyncio.TaskGroup) -> None:
        """Starts, ends and renews watches so that they are those of this registry."""
        wanted = {
            id_: _Subject(camera, city.zones.get(id_, ()))
            for id_, camera in city.cameras.items()
            if self._share.holds(id_)
        }
        new = [id_ for id_ in wanted if id_ not in self._running]
        await self._take_over(new)
        gone = [id_ for id_, running in self._running.items() if wanted.get(id_) != running.subject]
        await self._end_watches(gone)
        await self._leave([id_ for id_ in gone if id_ not in wanted])
        for i, id_ in enumerate(id_ for id_ in wanted if id_ not in self._running):
            watch = self._watch(wanted[id_], delay_s=i * STAGGER_S)
            task = group.create_task(watch.run(), name=f"camera {id_}")
            self._running[id_] = _Running(wanted[id_], watch, task)

    async def _take_over(self, cameras: Sequence[str]) -> None:
        """What an earlier process left open: outages go on, clips that it was collecting are lost."""
        async with transaction(self._pool) as connection:
            left = await camera_status.open_outages(connection, health.RULE, cameras)
            await evidence.lose_pending_clips(
                connection, cameras, older_than_s=PENDING_CLIP_TIMEOUT_S, reason="worker_restarted"
            )
        self._outages |= {id_: Outage(*outage) for id_, outage in left.items()}

    async def _end_watches(self, cameras: Sequence[str]) -> None:
        tasks = [self._running.pop(id_).task for id_ in cameras]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _leave(self, cameras: Sequence[str]) -> None:
        """Cameras that are not ours any more: nobody knows how they are, and no outage of theirs goes on."""
        for id_ in cameras:
            metrics.LAST_FRAME_AGE.labels(id_).set(math.nan)
            if (outage := self._outages.pop(id_, None)) is not None:
                self._desk.submit(FindingEnded(outage.finding_id, self._clock.now()))
        await self._say(
            [CameraStatus(camera=id_, state=CameraState.UNKNOWN, reason="not_watched") for id_ in cameras]
        )

    def _watch(self, subject: _Subject, delay_s: float) -> Watch:
        camera, patience = subject.camera, self._patience

        def make_reader() -> RtspReader:
            account = self._credentials.get(camera.credential)
            if camera.credential and account is None:
                log.warning("camera %s: there is no credential named %r", camera.id, camera.credential)
            credential = Credential(*account) if account else None
            return RtspReader(
                camera.url, credential, self._clock, patience.connect_timeout_s, patience.idle_timeout_s
            )

        live = live_still_path(self._data_dir, camera.id)
        gaze = Gaze(camera.id, self._detectors(subject.zones), self._workshop.blobs, live)
        has_ground = any(zone.purpose == "ground" for zone in subject.zones)
        keep_s = KEEP_GROUND_S if has_ground else KEEP_S
        return Watch(camera, make_reader, gaze, self._workshop, patience, keep_s=keep_s, delay_s=delay_s)

    async def _judge_health(self) -> NoReturn:
        while True:
            statuses = []
            for id_, running in self._running.items():
                sign = running.watch.sign()
                metrics.LAST_FRAME_AGE.labels(id_).set(sign.age_s)
                statuses.append(health.status_of(id_, sign))
                self._judge_outage(running.subject.camera, sign)
            await self._say_if_due(statuses)
            await asyncio.sleep(JUDGE_EVERY_S)

    def _judge_outage(self, camera: Camera, sign: Sign) -> None:
        said = health.judge_outage(camera, self._outages.get(camera.id), sign, self._clock.now())
        if isinstance(said, Finding):
            self._outages[camera.id] = Outage(said.id, said.onset_at)
            self._desk.submit(Found(said))
        elif said is not None:
            del self._outages[camera.id]
            self._desk.submit(said)

    async def _say_if_due(self, statuses: Sequence[CameraStatus]) -> None:
        changed = [s for s in statuses if not _is_same(s, self._said.get(s.camera))]
        now_s = self._clock.monotonic()
        if now_s - self._said_at_s >= SAY_EVERY_S:
            await self._say(statuses)
            self._said_at_s = now_s
        else:
            await self._say(changed)

    async def _say(self, statuses: Sequence[CameraStatus]) -> None:
        if statuses:
            async with transaction(self._pool) as connection:
                await camera_status.report(connection, statuses)
            self._said |= {s.camera: s for s in statuses}


def _is_same(status: CameraStatus, said: CameraStatus | None) -> bool:
    return said is not None and (status.state, status.reason) == (said.state, said.reason)
