"""Many cameras in one process: this share of the registry's cameras, followed as the registry changes."""

import asyncio
import hashlib
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import cv2

from farwatch.domain.picture import PictureDetectorFactory
from farwatch.domain.registry import Camera, Registry, Zone
from farwatch.runtime.clock import Clock
from farwatch.runtime.supervision import Service, keep_running
from farwatch.storage import evidence, registry
from farwatch.storage.blobs import BlobStore, live_still_path
from farwatch.storage.database import CONNECT_TIMEOUT_S, PASSING_ERRORS, Connection, Pool, transaction
from ingest.cameras.desk import Desk
from ingest.cameras.gaze import Gaze
from ingest.cameras.patience import Patience
from ingest.cameras.ring import KEEP_GROUND_S, KEEP_S
from ingest.cameras.vigil import Vigil
from ingest.cameras.watching import Watch, Workshop
from ingest.rtsp.auth import Credential
from ingest.rtsp.session import RtspReader

log = logging.getLogger(__name__)

LOOK_AT_REGISTRY_S = 1.0
STAGGER_S = 0.05
PENDING_CLIP_TIMEOUT_S = 120.0
LOOK_FOR_OLD_CLIPS_S = 30.0
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
        self._vigil = Vigil(pool, self._desk, clock)
        self._version: int | None = None
        self._running: dict[str, _Running] = {}

    async def run(self) -> None:
        cv2.setNumThreads(1)  # the decoder threads are the bound, not OpenCV's own pool
        (self._data_dir / "live").mkdir(parents=True, exist_ok=True)
        self._workshop.blobs.sweep(self._clock.now() - UNFINISHED_FILE_AGE)
        try:
            async with asyncio.TaskGroup() as group:
                for name, run in (
                    ("cameras' desk", self._desk.run),
                    ("cameras' registry", lambda: self._follow_registry(group)),
                    ("cameras' health", self._vigil.judge),
                    ("cameras' status", self._vigil.say),
                    ("cameras' old clips", self._give_up_old_clips),
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
        await self._vigil.expect([id_ for id_ in wanted if id_ not in self._running])
        changed = [id_ for id_, running in self._running.items() if wanted.get(id_) != running.subject]
        await self._end_watches(changed)
        for i, id_ in enumerate(id_ for id_ in wanted if id_ not in self._running):
            watch = self._watch(wanted[id_], delay_s=i * STAGGER_S)
            task = group.create_task(watch.run(), name=f"camera {id_}")
            self._running[id_] = _Running(wanted[id_], watch, task)
        self._vigil.attend({id_: running.watch for id_, running in self._running.items()})
        gone = [id_ for id_ in changed if id_ not in wanted]
        await self._vigil.leave(gone)
        for id_ in gone:
            live_still_path(self._data_dir, id_).unlink(missing_ok=True)

    async def _give_up_old_clips(self) -> NoReturn:
        """Who collected them was killed; their cameras may be gone from the registry. Clips of ours that wait to be written
        come first."""
        while True:
            if self._desk.is_empty:
                async with transaction(self._pool) as connection:
                    await self._lose_old_clips(connection)
            await asyncio.sleep(LOOK_FOR_OLD_CLIPS_S)

    async def _lose_old_clips(self, connection: Connection) -> None:
        old = await evidence.cameras_with_old_pending_clips(connection, older_than_s=PENDING_CLIP_TIMEOUT_S)
        await evidence.lose_pending_clips(
            connection,
            [camera for camera in old if self._share.holds(camera)],
            older_than_s=PENDING_CLIP_TIMEOUT_S,
            reason="worker_restarted",
        )

    async def _end_watches(self, cameras: Sequence[str]) -> None:
        tasks = [self._running.pop(id_).task for id_ in cameras]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

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
