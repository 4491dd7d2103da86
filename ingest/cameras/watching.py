"""One camera: read it, look at it, and keep at it."""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NoReturn, Protocol
from uuid import UUID

from farwatch.domain.finding import FindingEnded, Kind, Param, Tier, finding_id
from farwatch.domain.picture import SightingEnded
from farwatch.domain.registry import Camera
from ingest.cameras import metrics
from ingest.cameras.attention import Attention, Want
from ingest.cameras.filming import Filming
from ingest.cameras.focus import Focus
from ingest.cameras.gaze import Gaze, Look, Seen
from ingest.cameras.health import Sign
from ingest.cameras.patience import Patience, retry_delay_s
from ingest.cameras.patrol import Showing, Turn
from ingest.cameras.reporting import fault_of, report_of
from ingest.cameras.ring import Ring
from ingest.cameras.threads import LOOK_WITHIN_S
from ingest.cameras.workshop import Workshop
from ingest.rtsp.errors import RtspError
from ingest.rtsp.flood import MOST_FRAMES_AT_ONCE, MOST_FRAMES_S, Flood
from ingest.rtsp.frames import CodedFrame, StreamDescription

log = logging.getLogger(__name__)


class Reader(Protocol):
    """A camera's stream. Every failure is RtspError with a named reason."""

    @property
    def clock_offset_s(self) -> float | None:
        """Our clock minus the camera's; None while it has told no time."""
        ...

    async def open(self) -> StreamDescription: ...

    async def read(self) -> list[CodedFrame]: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class _Session:
    description: StreamDescription
    ring: Ring
    reader: Reader
    attention: Attention = field(default_factory=Attention)

    @property
    def said(self) -> dict[str, Param]:
        """What people want to know of a stream."""
        known, offset_s = self.description, self.reader.clock_offset_s
        said = {"codec": known.codec.value, "width": known.width, "height": known.height}
        told: dict[str, Param] = {name: value for name, value in said.items() if value is not None}
        return told if offset_s is None else told | {"clock_offset_s": round(offset_s, 1)}


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
        focus: Focus,
        workshop: Workshop,
        patience: Patience,
        *,
        keep_s: float,
        turn: Turn | None = None,
    ) -> None:
        """`turn`: when it may be at its camera; always, if not told."""
        self.camera = camera
        self.turn = turn or Turn(is_on=True)
        self._make_reader = make_reader
        self._gaze = gaze
        self._next_gaze: Gaze | None = None
        self._focus = focus
        self._workshop = workshop
        self._patience = patience
        self._keep_s = keep_s
        self._session: _Session | None = None
        self._filming = Filming(camera.id, workshop)
        self._open: dict[UUID, datetime] = {}
        self._news = asyncio.Event()
        self._cause = ""
        self._seen_at: datetime | None = None
        self._seen_monotonic_s = workshop.clock.monotonic()
        self._picture_monotonic_s = -math.inf
        self._resting_since_s: float | None = None

    def sign(self) -> Sign:
        now_s = self._workshop.clock.monotonic() if self._resting_since_s is None else self._resting_since_s
        return Sign(
            age_s=max(0.0, now_s - self._seen_monotonic_s),
            is_resting=self._resting_since_s is not None,
            seen_at=self._seen_at,
            cause=self._cause,
            is_short=self._focus.is_short,
            stream=self._session.said if self._session is not None else {},
        )

    def showing(self) -> Showing:
        is_wished = self._focus.is_watched
        is_busy = is_wished or self._gaze.wanted >= Want.NEEDED or self.is_filming
        return Showing(self._picture_monotonic_s, is_busy, is_wished)

    @property
    def is_filming(self) -> bool:
        """Clips of it are being collected, or wait to be cut."""
        return self._filming.is_filming

    def look_with(self, gaze: Gaze, keep_s: float) -> None:
        """From the next look on, on the same stream. What the old one has open ends there, and its clips are cut."""
        self._next_gaze, self._keep_s = gaze, keep_s
        if self._session is not None:
            self._session.ring.keep_s = keep_s
        self._news.set()

    def forgive(self) -> None:
        """Its age counts from now on: there was nobody to look."""
        self._seen_monotonic_s = self._workshop.clock.monotonic()

    async def run(self) -> None:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_reading(), name=f"read {self.camera.id}")
                group.create_task(self._keep_looking(), name=f"look {self.camera.id}")
                group.create_task(self._filming.run(), name=f"film {self.camera.id}")
        finally:
            self._end_open()
            await self._filming.end("watch_ended")

    async def run_once(self) -> None:
        """One session from sign-in to the end of its turn; every other end is an RtspError."""
        reader = self._make_reader()
        try:
            description = await reader.open()
            self._begin_session(description, reader)
            self._cause = ""
            flood = Flood("frames", MOST_FRAMES_S, MOST_FRAMES_AT_ONCE)
            while self.turn.is_on:
                frames = await reader.read()
                flood.add(len(frames), self._workshop.clock.monotonic())
                with self._workshop.serving:
                    for frame in frames:
                        self._take(frame)
                    if self._is_news(frames):
                        self._news.set()
            self._filming.stop("visit_ended")
        except RtspError:
            self._filming.stop("camera_lost")
            raise
        finally:
            self._session = None
            await reader.close()

    async def _keep_reading(self) -> NoReturn:
        failures = 0
        while True:
            await self._await_turn()
            began_s = self._workshop.clock.monotonic()
            try:
                await self.run_once()
                continue
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

    async def _await_turn(self) -> None:
        """Rest is no time without a picture."""
        if self.turn.is_on:
            return
        clock = self._workshop.clock
        self._resting_since_s = clock.monotonic()
        await self.turn.wait()
        self._seen_monotonic_s += clock.monotonic() - self._resting_since_s
        self._resting_since_s = None

    def _begin_session(self, description: StreamDescription, reader: Reader) -> _Session:
        ring = Ring(clock_rate=description.clock_rate, keep_s=self._keep_s)
        session = _Session(description, ring, reader)
        self._session = session
        return session

    def _take(self, frame: CodedFrame) -> None:
        session = self._session
        assert session is not None
        if frame.changed is not None:  # ring and clips hold pictures of one size
            self._filming.stop("stream_changed")
            session = self._begin_session(frame.changed, session.reader)
        self._filming.take(session.ring.append(frame))

    def _is_news(self, frames: Sequence[CodedFrame]) -> bool:
        session = self._session
        return session is not None and self._focus.is_news(
            frames, session.attention, session.ring, self._gaze.wanted
        )

    async def _keep_looking(self) -> NoReturn:
        while True:
            await self._news.wait()
            self._news.clear()
            self._change_gaze()
            if self._session is not None and await self._look_once(self._session):
                self._news.set()

    def _change_gaze(self) -> None:
        if self._next_gaze is None:
            return
        self._gaze, self._next_gaze = self._next_gaze, None
        for found in self._open:
            self._filming.finding_ended(found)
        self._end_open()
        if self._session is not None:
            self._session.attention.broken()

    async def _look_once(self, session: _Session) -> bool:
        """Decodes what is worth it; False when there was nothing."""
        focus, wanted = self._focus, self._gaze.wanted
        with self._workshop.serving:
            batch = focus.take(session.attention, session.ring, wanted)
        if batch is None:
            return False
        metrics.DROPPED_PICTURES.labels(self.camera.id).inc(batch.skipped)
        threads = self._workshop.threads if batch.alone else self._workshop.bursts
        job = threads.submit(self._gaze.look, batch, session.description, focus.is_watched)
        looking = asyncio.wrap_future(job)
        try:
            look = await asyncio.shield(looking)
        except asyncio.CancelledError:
            # What this look sees is told, and no later watch of this camera looks beside it.
            if not job.cancel():
                await asyncio.wait([looking], timeout=LOOK_WITHIN_S)
                if looking.done():
                    self._hear(looking.result(), session, "watch_ended")
            raise
        focus.spent(batch, session.attention, session.ring, wanted, look.cpu_s)
        self._note(look, session)
        gone = "stream_changed" if self._session else "camera_lost"
        self._hear(look, session, None if session is self._session else gone)
        return True

    def _hear(self, look: Look, session: _Session, short: str | None) -> None:
        """`short`: why no more frames come of this session."""
        for said in look.seen:
            if isinstance(said, Seen):
                self._begin_finding(said, session, short)
            else:
                self._end_finding(said)

    def _note(self, look: Look, session: _Session) -> None:
        metrics.FRAMES_DECODED.labels(self.camera.id).inc(look.decoded)
        if look.last_at is not None:
            self._seen_at, self._seen_monotonic_s = look.last_at, self._workshop.clock.monotonic()
            self._picture_monotonic_s = self._seen_monotonic_s
        if look.broken:
            session.attention.broken()

    def _begin_finding(self, seen: Seen, session: _Session, short: str | None) -> None:
        if seen.sighting.kind is Kind.CAMERA_FAULT:
            self._workshop.faults.begin(self.camera, fault_of(self.camera, seen))
            return
        is_full = self._filming.is_full
        report = report_of(self.camera, seen, clip_lost="too_many_clips" if is_full else None)
        self._workshop.desk.submit(report)
        self._open[report.finding.id] = report.finding.onset_at
        if not is_full:
            self._filming.begin(session.ring, session.description, report.finding, seen.taken_at, short)

    def _end_finding(self, ended: SightingEnded) -> None:
        if ended.tier is Tier.FAULT:
            self._workshop.faults.end(self.camera.id, [ended.rule], ended.ended_at)
            return
        found = finding_id(ended.rule, Tier.VIOLATION, f"{self.camera.id}/{ended.zone}", ended.onset_at)
        self._open.pop(found, None)
        self._workshop.desk.submit(FindingEnded(found, ended.ended_at))
        self._filming.finding_ended(found)

    def _end_open(self) -> None:
        """Nobody will see their end: a later watch knows nothing of them."""
        for found, onset_at in self._open.items():
            ended_at = max(onset_at, self._workshop.clock.now())
            self._workshop.desk.submit(FindingEnded(found, ended_at))
        self._open.clear()
