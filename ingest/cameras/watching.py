"""One camera: read it, look at it, and keep at it."""

import asyncio
import logging
import random
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn, Protocol

from farwatch.domain.finding import FindingEnded, Tier, finding_id
from farwatch.domain.picture import SightingEnded
from farwatch.domain.registry import Camera
from farwatch.runtime.clock import Clock
from farwatch.storage.blobs import BlobStore
from farwatch.storage.evidence import EvidenceKind, evidence_id
from ingest.cameras import metrics
from ingest.cameras.attention import Attention
from ingest.cameras.clips import keep
from ingest.cameras.desk import ClipLost, ClipStored, Desk
from ingest.cameras.gaze import Gaze, Look, Seen
from ingest.cameras.health import Sign
from ingest.cameras.patience import Patience, retry_delay_s
from ingest.cameras.recording import MOST_AT_ONCE, Recording, begin
from ingest.cameras.reporting import report_of
from ingest.cameras.ring import Ring
from ingest.rtsp.errors import RtspError
from ingest.rtsp.frames import CodedFrame, StreamDescription

log = logging.getLogger(__name__)


class Reader(Protocol):
    """A camera's stream. Every failure is RtspError with a named reason."""

    async def open(self) -> StreamDescription: ...

    async def read(self) -> list[CodedFrame]: ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the cameras of one process share. `hands` do what waits for a disk, which must not keep `threads` from looking."""

    threads: Executor
    hands: Executor
    blobs: BlobStore
    desk: Desk
    clock: Clock


@dataclass(slots=True)
class _Session:
    description: StreamDescription
    ring: Ring
    attention: Attention = field(default_factory=Attention)


class Watch:
    """Reads one camera for as long as `run` runs; `sign` tells at any time how it is.

    The reader's loop only fills the ring; decoding happens in the pool's threads, one batch of this camera at a time,
    so a slow detector costs pictures (counted), never packets.
    """

    def __init__(
        self,
        camera: Camera,
        make_reader: Callable[[], Reader],
        gaze: Gaze,
        workshop: Workshop,
        patience: Patience,
        *,
        keep_s: float,
    ) -> None:
        self.camera = camera
        self._make_reader = make_reader
        self._gaze = gaze
        self._workshop = workshop
        self._patience = patience
        self._keep_s = keep_s
        self._session: _Session | None = None
        self._recordings: list[Recording] = []
        self._news = asyncio.Event()
        self._cause = ""
        self._seen_at: datetime | None = None
        self._seen_monotonic_s = workshop.clock.monotonic()

    def sign(self) -> Sign:
        age_s = self._workshop.clock.monotonic() - self._seen_monotonic_s
        return Sign(age_s=age_s, seen_at=self._seen_at, cause=self._cause)

    def forgive(self) -> None:
        """Its age counts from now on: there was nobody to look."""
        self._seen_monotonic_s = self._workshop.clock.monotonic()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_reading(), name=f"read {self.camera.id}")
                group.create_task(self._keep_looking(), name=f"look {self.camera.id}")
        finally:
            self._stop_recordings("watch_ended")
            await self._cut_what_is_done()

    async def run_once(self) -> NoReturn:
        """One session from sign-in to its end, which always is an RtspError."""
        reader = self._make_reader()
        try:
            description = await reader.open()
            self._begin_session(description)
            self._cause = ""
            while True:
                for frame in await reader.read():
                    self._take(frame)
                self._news.set()
        except RtspError:
            self._stop_recordings("camera_lost")
            raise
        finally:
            self._session = None
            await reader.close()

    async def _keep_reading(self) -> NoReturn:
        failures = 0
        while True:
            began_s = self._workshop.clock.monotonic()
            try:
                await self.run_once()
            except RtspError as error:
                if self._workshop.clock.monotonic() - began_s >= self._patience.steady_after_s:
                    failures = 0
                log.log(
                    logging.DEBUG if failures else logging.WARNING, "camera %s: %s", self.camera.id, error
                )
                self._cause = str(error.reason)
                delay_s = retry_delay_s(self._patience, error.reason, failures, random.random())
            metrics.RECONNECTS.labels(self.camera.id).inc()
            failures += 1
            await asyncio.sleep(delay_s)

    def _begin_session(self, description: StreamDescription) -> _Session:
        session = _Session(description, Ring(clock_rate=description.clock_rate, keep_s=self._keep_s))
        self._session = session
        return session

    def _take(self, frame: CodedFrame) -> None:
        session = self._session
        assert session is not None
        if frame.changed is not None:  # ring and clips hold pictures of one size
            self._stop_recordings("stream_changed")
            session = self._begin_session(frame.changed)
        session.ring.append(frame)
        for recording in self._recordings:
            recording.add(frame)

    async def _keep_looking(self) -> NoReturn:
        while True:
            await self._news.wait()
            self._news.clear()
            await self._cut_what_is_done()
            if self._session is not None and await self._look_once(self._session):
                self._news.set()

    async def _look_once(self, session: _Session) -> bool:
        """Decodes what is worth it; False when there was nothing."""
        batch = session.attention.take(session.ring, wants_every_frame=self._gaze.wants_every_frame)
        if batch is None:
            return False
        metrics.DROPPED_PICTURES.labels(self.camera.id).inc(batch.skipped)
        look = await asyncio.get_running_loop().run_in_executor(
            self._workshop.threads, self._gaze.look, batch, session.description
        )
        self._note(look, session)
        for said in look.seen:
            if isinstance(said, Seen):
                self._begin_finding(said, session)
            else:
                self._end_finding(said)
        return True

    def _note(self, look: Look, session: _Session) -> None:
        metrics.FRAMES_DECODED.labels(self.camera.id).inc(look.decoded)
        if look.last_at is not None:
            self._seen_at, self._seen_monotonic_s = look.last_at, self._workshop.clock.monotonic()
        if look.broken:
            session.attention.broken()

    def _begin_finding(self, seen: Seen, session: _Session) -> None:
        is_full = len(self._recordings) >= MOST_AT_ONCE
        report = report_of(self.camera, seen, clip_lost="too_many_clips" if is_full else None)
        self._workshop.desk.submit(report)
        if is_full:
            return
        clip_id = evidence_id(report.finding.id, EvidenceKind.CLIP)
        recording = begin(
            session.ring, session.description, clip_id=clip_id, finding=report.finding, found_at=seen.taken_at
        )
        if session is not self._session:
            recording.stop("camera_lost")
        self._recordings.append(recording)

    def _end_finding(self, ended: SightingEnded) -> None:
        found = finding_id(ended.rule, Tier.VIOLATION, f"{self.camera.id}/{ended.zone}", ended.onset_at)
        self._workshop.desk.submit(FindingEnded(found, ended.ended_at))
        for recording in self._recordings:
            if recording.finding_id == found:
                recording.stop()

    def _stop_recordings(self, short: str) -> None:
        for recording in self._recordings:
            recording.stop(short)
        self._news.set()

    async def _cut_what_is_done(self) -> None:
        done = [recording for recording in self._recordings if recording.is_done]
        for recording in done:  # one whose cutting is cancelled is cut again at the end
            self._workshop.desk.submit(await self._cut(recording))
            self._recordings.remove(recording)

    async def _cut(self, recording: Recording) -> ClipStored | ClipLost:
        footage = recording.footage
        if footage is None:
            return ClipLost(recording.clip_id, recording.short or "no_frames")
        kept = await asyncio.get_running_loop().run_in_executor(
            self._workshop.hands, keep, footage, self._workshop.blobs
        )
        if isinstance(kept, str):
            metrics.EVIDENCE_LOST.labels(kept).inc()
            return ClipLost(recording.clip_id, kept)
        meta = {"duration_s": footage.duration_s, "frames": len(footage.frames), "cut_short": recording.short}
        return ClipStored(recording.clip_id, kept.sha256, kept.size_bytes, footage.began_at, meta)
