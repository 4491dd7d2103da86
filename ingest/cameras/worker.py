"""Many cameras in one process: this share of the registry's cameras, followed as the registry changes."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import cv2

from farwatch.domain.finding import Kind
from farwatch.domain.picture import PictureDetector, PictureDetectorFactory
from farwatch.domain.registry import Attendance, Camera, Zone
from farwatch.domain.share import WHOLE, Share
from farwatch.runtime.clock import Clock
from farwatch.runtime.supervision import Service, keep_running
from farwatch.runtime.vitals import Vitals
from farwatch.storage import evidence, registry
from farwatch.storage.blobs import BlobStore, live_still_path, live_wish_path
from farwatch.storage.database import CONNECT_TIMEOUT_S, PASSING_ERRORS, Connection, Pool, transaction
from ingest.cameras import readers
from ingest.cameras.budget import BudgetSettings, DecodeBudget
from ingest.cameras.decoding import Decoders
from ingest.cameras.faults import Faults
from ingest.cameras.focus import Focus
from ingest.cameras.gaze import Gaze
from ingest.cameras.live import LiveWish
from ingest.cameras.memory import forget, remembering
from ingest.cameras.on_demand import platform_of
from ingest.cameras.pace import Pace, PacedReader
from ingest.cameras.patience import Patience
from ingest.cameras.patrol import Patrol, PatrolSettings, Turn
from ingest.cameras.place import away, here
from ingest.cameras.ring import KEEP_GROUND_S, KEEP_S
from ingest.cameras.server_line import ServerAddress
from ingest.cameras.starting import OnDemandReader, Platforms
from ingest.cameras.threads import CameraThreads
from ingest.cameras.vigil import Vigil
from ingest.cameras.watching import Reader, Watch
from ingest.cameras.workshop import Workshop
from ingest.rtsp.auth import Credential

log = logging.getLogger(__name__)

LOOK_AT_REGISTRY_S = 1.0
CONNECTS_PER_S = 20.0
PENDING_CLIP_TIMEOUT_S = 120.0
LOOK_FOR_OLD_CLIPS_S = 30.0
DRAIN_TIMEOUT_S = 3.0

Accounts = Mapping[str, tuple[str, str]]
DEFAULT_PATIENCE = Patience()
DEFAULT_BUDGET = BudgetSettings()
DEFAULT_PATROL = PatrolSettings()


@dataclass(frozen=True, slots=True)
class _Subject:
    """What a watch depends on: when other than the zones changes, the watch begins anew."""

    camera: Camera
    zones: tuple[Zone, ...]
    accounts: tuple[tuple[str, str] | None, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Running:
    subject: _Subject
    watch: Watch
    task: asyncio.Task[None]


class CameraWorker:
    """`run` watches until it is cancelled. Errors of the database pass and are tried again; others end the process.

    `credentials` are the accounts (user, password) by the name that registry rows give; looked up again every second.
    `blobs`: where evidence is kept, the folder `evidence` of `data_dir` if not told; `server`: where it is sent instead.
    `decoder_threads`: for key frames, and as many for cameras that are decoded as a whole. `decode_share`: cores that all cameras
    together may spend on more than key frames. `hwaccel`: the hardware that decodes.
    `patrol`: how the cameras that are watched in turns share their time.
    `rests`: cameras that are left alone for so many seconds, because earlier workers could not get on with them.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        data_dir: Path,
        clock: Clock,
        detectors: PictureDetectorFactory,
        credentials: Accounts,
        share: Share = WHOLE,
        patience: Patience = DEFAULT_PATIENCE,
        decoder_threads: int = 2,
        decode_share: float = DEFAULT_BUDGET.share,
        hwaccel: str | None = None,
        connects_per_s: float = CONNECTS_PER_S,
        vitals: Vitals | None = None,
        rests: Mapping[str, float] | None = None,
        blobs: BlobStore | None = None,
        server: ServerAddress | None = None,
        patrol: PatrolSettings = DEFAULT_PATROL,
    ) -> None:
        self._pool = pool
        self._data_dir = data_dir
        self._clock = clock
        self._detectors = detectors
        self._credentials = credentials
        self._share = share
        self._patience = patience
        self._pace = Pace(connects_per_s)
        self._vitals = vitals or Vitals(None)
        self._rest_until_s = {id_: clock.monotonic() + rest_s for id_, rest_s in (rests or {}).items()}
        self._threads = ThreadPoolExecutor(decoder_threads, thread_name_prefix="decode")
        self._bursts = ThreadPoolExecutor(decoder_threads, thread_name_prefix="burst")
        self._decoders = Decoders(hwaccel)
        self._budget = DecodeBudget(replace(DEFAULT_BUDGET, share=decode_share))
        self._hands = ThreadPoolExecutor(1, thread_name_prefix="cut")
        self._running: dict[str, _Running] = {}
        self._gone: set[str] = set()
        self._place = place = (
            away(pool, data_dir, server, lambda: self._running, clock)
            if server
            else here(pool, blobs or BlobStore(data_dir / "evidence"), clock)
        )
        self._desk, self._faults = place.desk, Faults(place.desk)
        pools = self._threads, self._bursts, self._hands
        self._workshop = Workshop(*pools, place.blobs, self._desk, self._faults, clock)
        self._vigil = Vigil(pool, self._faults, clock)
        self._platforms = Platforms(patience)
        self._patrol = Patrol(patrol, clock)
        self._version: int | None = None
        self._accounts: Accounts = {}

    @property
    def watched(self) -> int:
        """How many cameras are watched now."""
        return len(self._running)

    async def run(self) -> None:
        cv2.setNumThreads(1)  # not a pool of OpenCV's own in each decoder thread
        (self._data_dir / "live").mkdir(parents=True, exist_ok=True)
        try:
            async with self._platforms, asyncio.TaskGroup() as group:
                for name, run in (
                    ("cameras' desk", self._desk.run),
                    ("cameras' registry", lambda: self._follow_registry(group)),
                    ("cameras' health", self._vigil.judge),
                    ("cameras' status", self._vigil.say),
                    ("cameras' patrol", self._patrol.run),
                    ("cameras' old clips", self._give_up_old_clips),
                    *self._place.services,
                ):
                    service = Service(name=name, run=run, passing=PASSING_ERRORS, longest_delay_s=2.0)
                    group.create_task(keep_running(service), name=name)
        finally:
            await self._desk.drain(DRAIN_TIMEOUT_S)
            self._threads.shutdown(cancel_futures=True)
            self._bursts.shutdown(cancel_futures=True)
            self._hands.shutdown(cancel_futures=True)

    async def _follow_registry(self, group: asyncio.TaskGroup) -> NoReturn:
        while True:
            # Who corrects a password does not wait until a camera that refused it is tried again.
            accounts = dict(self._credentials)
            async with self._pool.acquire(timeout=CONNECT_TIMEOUT_S) as connection:
                is_new = accounts != self._accounts or await registry.version(connection) != self._version
                city = await registry.load_cameras(connection) if is_new else None
            if city is not None:
                await self._adopt(city, accounts, group)
                self._version, self._accounts = city.version, accounts
            await asyncio.sleep(LOOK_AT_REGISTRY_S)

    async def _adopt(self, city: registry.WatchedCity, accounts: Accounts, group: asyncio.TaskGroup) -> None:
        """Starts, ends and renews watches so that they are those of this registry and these accounts."""
        wanted = {
            id_: _Subject(camera, city.zones.get(id_, ()), _accounts_of(camera, accounts))
            for id_, camera in city.cameras.items()
            if self._share.holds(id_)
        }
        await self._vigil.expect([id_ for id_ in wanted if id_ not in self._running])
        self._take_zones(wanted)
        changed = [id_ for id_, running in self._running.items() if wanted.get(id_) != running.subject]
        await self._end_watches(changed)
        for id_ in [id_ for id_ in wanted if id_ not in self._running]:
            watch = self._watch(wanted[id_])
            task = group.create_task(self._attend(watch), name=f"camera {id_}")
            self._running[id_] = _Running(wanted[id_], watch, task)
        watches = {id_: running.watch for id_, running in self._running.items()}
        self._vigil.attend(watches)
        self._patrol.attend({i: w for i, w in watches.items() if w.camera.watch is Attendance.PATROL})
        self._gone = (self._gone | set(changed)) - wanted.keys()
        for id_ in self._gone:
            self._budget.forget(id_)
            live_still_path(self._data_dir, id_).unlink(missing_ok=True)
            forget(self._data_dir / "memory", id_)
        await self._vigil.leave(sorted(self._gone))
        self._gone.clear()

    def _take_zones(self, wanted: Mapping[str, _Subject]) -> None:
        """New zones and masks of a camera that is the same are looked at on the stream that it has."""
        for id_, running in self._running.items():
            subject = wanted.get(id_, running.subject)
            if subject != running.subject == replace(subject, zones=running.subject.zones):
                running.watch.look_with(self._gaze_of(subject), _keep_s(subject))
                self._running[id_] = replace(running, subject=subject)

    async def _attend(self, watch: Watch) -> None:
        """An error of one camera ends the process: so that it does not end the next one too, it is told whose it was."""
        try:
            await watch.run()
        except Exception:
            self._vitals.blame(watch.camera.id)
            raise

    async def _give_up_old_clips(self) -> NoReturn:
        """Who collected them was killed; their cameras may be gone from the registry."""
        while True:
            async with transaction(self._pool) as connection:
                await self._lose_old_clips(connection)
            await asyncio.sleep(LOOK_FOR_OLD_CLIPS_S)

    async def _lose_old_clips(self, connection: Connection) -> None:
        """Clips of ours that wait to be cut or written are none of these, however long they wait."""
        old = await evidence.cameras_with_old_pending(connection, older_than_s=PENDING_CLIP_TIMEOUT_S)
        if not self._desk.is_empty:
            return
        filming = {id_ for id_, running in self._running.items() if running.watch.is_filming}
        await evidence.lose_pending(
            connection,
            [camera for camera in old if self._share.holds(camera) and camera not in filming],
            older_than_s=PENDING_CLIP_TIMEOUT_S,
            reason="worker_restarted",
        )

    async def _end_watches(self, cameras: Sequence[str]) -> None:
        tasks = [self._running[id_].task for id_ in cameras]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for id_ in cameras:
            del self._running[id_]

    def _watch(self, subject: _Subject) -> Watch:
        camera = subject.camera
        is_first = True

        def make_reader() -> PacedReader:
            nonlocal is_first
            reader = self._reader(subject)
            not_before_s = self._rest_until_s.get(camera.id, 0.0)
            # Only for the first turn: a camera that is away does not get younger by waiting for its next one.
            waiting, is_first = (watch.forgive if is_first else None), False
            return PacedReader(reader, self._pace, self._clock, not_before_s=not_before_s, waiting=waiting)

        wish = LiveWish(live_wish_path(self._data_dir, camera.id), self._clock)
        focus = Focus(camera.id, self._budget, wish, self._clock)
        threads, bursts = (
            CameraThreads(camera.id, pool, self._vitals, self._clock)
            for pool in (self._threads, self._bursts)
        )
        workshop = replace(
            self._workshop, threads=threads, bursts=bursts, serving=self._vitals.serving(camera.id)
        )
        turn = Turn(is_on=camera.watch is not Attendance.PATROL)
        gaze, keep_s = self._gaze_of(subject), _keep_s(subject)
        watch = Watch(camera, make_reader, gaze, focus, workshop, self._patience, keep_s=keep_s, turn=turn)
        return watch

    def _gaze_of(self, subject: _Subject) -> Gaze:
        camera = subject.camera
        live = live_still_path(self._data_dir, camera.id)
        return Gaze(
            camera.id, self._detectors_of(subject), self._workshop.blobs, live, self._decoders,
            lambda sighting: sighting.kind is not Kind.CAMERA_FAULT or self._faults.is_news(camera, sighting.rule),
        )  # fmt: skip

    def _detectors_of(self, subject: _Subject) -> list[PictureDetector]:
        folder = self._data_dir / "memory"
        return remembering(self._detectors(subject.zones), folder, subject.camera, subject.zones)

    def _reader(self, subject: _Subject) -> Reader:
        """With the accounts that the watch began with: only when those change does it begin anew."""
        camera, (account, header) = subject.camera, subject.accounts
        credential = Credential(*account) if account else None

        def reading(url: str) -> Reader:
            serving = self._vitals.serving(camera.id)
            return readers.make_reader(
                replace(camera, url=url), credential, self._clock, self._patience, serving
            )

        if not camera.start_url:
            return reading(camera.url)
        return OnDemandReader(self._platforms, platform_of(camera, header), reading)


def _accounts_of(camera: Camera, accounts: Accounts) -> tuple[tuple[str, str] | None, ...]:
    """Of the stream, and of the platform that starts it."""
    for name in (camera.credential, camera.start_credential):
        if name and name not in accounts:
            log.warning("camera %s: there is no credential named %r", camera.id, name)
    return tuple(accounts.get(name) for name in (camera.credential, camera.start_credential))


def _keep_s(subject: _Subject) -> float:
    """How much of the stream is kept for clips."""
    return KEEP_GROUND_S if any(zone.purpose == "ground" for zone in subject.zones) else KEEP_S
