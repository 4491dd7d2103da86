"""One camera's eye: decodes batches and shows the pictures to the detectors. Runs in a pool thread, one call at a time."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from av.video.frame import VideoFrame

from farwatch.domain.finding import Param
from farwatch.domain.picture import Picture, PictureDetector, Sighting, SightingEnded
from farwatch.runtime.clock import thread_cpu_s
from farwatch.storage.blobs import BlobStore, why_not_kept, write_atomically
from ingest.cameras import metrics, stills
from ingest.cameras.attention import AWAKE_EVERY_S, Batch, Want
from ingest.cameras.decoding import DECODE_ERRORS, Decoders, FrameDecoder, to_picture
from ingest.rtsp.frames import CodedFrame, StreamDescription, is_due

log = logging.getLogger(__name__)

LIVE_EVERY_S = 9.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A still in the blob store."""

    sha256: str
    sm3: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sighting with its stills, or the reason why one could not be kept, which is no reason to be silent.

    `camera_clock_at` is the camera's own time of the picture, when it tells one.
    """

    sighting: Sighting
    version: str
    settings: Mapping[str, Param] = field(default_factory=dict)
    taken_at: datetime
    camera_clock_at: datetime | None
    size: tuple[int, int]
    original: Kept | str
    marked: Kept | str


@dataclass(slots=True)
class Look:
    """What one batch brought."""

    decoded: int = 0
    last_at: datetime | None = None
    broken: bool = False
    cpu_s: float = 0.0
    seen: list[Seen | SightingEnded] = field(default_factory=list)


@runtime_checkable
class Tuned(Protocol):
    """A detector that says by which numbers it decides: they go with what it finds."""

    @property
    def settings(self) -> Mapping[str, Param]: ...


@runtime_checkable
class PictureGate(Protocol):
    """A detector that also knows whether anything moves at all; what it wants is curiosity, not suspicion."""

    @property
    def is_quiet(self) -> bool: ...


class Gaze:
    """`live_path` gets a small JPEG every ten seconds, and each picture that is shown while somebody looks.

    `wanted` is how much is to be seen next.
    """

    def __init__(
        self,
        camera: str,
        detectors: Sequence[PictureDetector],
        blobs: BlobStore,
        live_path: Path,
        decoders: Decoders | None = None,
        is_news: Callable[[Sighting], bool] = lambda _: True,
    ) -> None:
        """`is_news`: whether anybody wants to hear of a sighting; of one that is none no still is made."""
        self._camera = camera
        self._detectors = [(detector, _gate(detector)) for detector in detectors]
        self._blobs = blobs
        self._live_path = live_path
        self._decoders = decoders or Decoders()
        self._is_news = is_news
        self._own: FrameDecoder | None = None
        self._shown_at: datetime | None = None
        self._asked_at: datetime | None = None
        self._live_at: datetime | None = None
        self._failed: set[str] = set()
        self.wanted = self._least = Want.QUIET if any(gate for _, gate in self._detectors) else Want.KEYS

    def look(self, batch: Batch, description: StreamDescription, is_watched: bool = False) -> Look:
        """`is_watched`: somebody looks at the live picture."""
        look, began_s = Look(), thread_cpu_s()
        try:
            if batch.alone:
                self._own = None
                with self._decoders.lend(description) as decoder:
                    self._see(decoder.decode(batch, description), batch, look, is_watched)
            else:
                if self._own is None or self._own.codec is not description.codec:
                    self._own = self._decoders.make(description.codec)
                self._see(self._own.decode(batch, description), batch, look, is_watched)
        except DECODE_ERRORS as error:
            log.info("camera %s: not decodable: %s", self._camera, error)
            metrics.UNDECODABLE.labels(self._camera).inc()
            look.broken, self._own = True, None
        look.cpu_s = thread_cpu_s() - began_s
        return look

    def _see(
        self, frames: Iterator[tuple[VideoFrame, CodedFrame]], batch: Batch, look: Look, is_watched: bool
    ) -> None:
        last = None
        for frame, coded in frames:
            look.decoded += 1
            look.last_at = coded.received_at
            if batch.show_every_s is None:
                last = frame, coded
            elif is_due(self._shown_at, coded.received_at, batch.show_every_s):
                self._show(frame, coded, look, is_watched)
        if last is not None:
            self._show(*last, look, is_watched)

    def _show(self, frame: VideoFrame, coded: CodedFrame, look: Look, is_watched: bool) -> None:
        self._shown_at = at = coded.received_at
        is_asked = self.wanted >= Want.CURIOUS or is_due(self._asked_at, at, AWAKE_EVERY_S)
        is_live = is_watched or is_due(self._live_at, at, LIVE_EVERY_S)
        if not (is_asked or is_live):
            return
        picture = to_picture(frame, self._camera, at)
        if is_asked:
            self._asked_at = at
            self._ask_all(picture, frame, coded, look)
        if is_live:
            self._live_at = at
            self._refresh_live(picture)

    def _ask_all(self, picture: Picture, frame: VideoFrame, coded: CodedFrame, look: Look) -> None:
        wanted = self._least
        for detector, gate in self._detectors:
            events, want = self._ask(detector, gate, picture)
            wanted = max(wanted, want)
            look.seen += [
                self._keep(said, detector, frame, coded) if isinstance(said, Sighting) else said
                for said in events
                if not isinstance(said, Sighting) or self._is_news(said)
            ]
        self.wanted = wanted

    def _ask(
        self, detector: PictureDetector, gate: PictureGate | None, picture: Picture
    ) -> tuple[Sequence[Sighting | SightingEnded], Want]:
        """The one boundary where any error is survived: a detector that fails costs its own answer only."""
        try:
            return list(detector.observe(picture)), _want_of(detector, gate)
        except Exception:  # detectors are plugged in, and one bad picture must not blind the camera
            metrics.DETECTOR_ERRORS.inc()
            if detector.rule not in self._failed:
                self._failed.add(detector.rule)
                log.exception(
                    "camera %s: %s failed; from now on it is only counted", self._camera, detector.rule
                )
            return [], Want.QUIET

    def _keep(
        self, sighting: Sighting, detector: PictureDetector, frame: VideoFrame, coded: CodedFrame
    ) -> Seen:
        return Seen(
            sighting=sighting, version=detector.version,
            settings=detector.settings if isinstance(detector, Tuned) else {},
            taken_at=coded.received_at, camera_clock_at=coded.captured_at,
            size=(frame.width, frame.height), original=self._store(stills.original(frame)),
            marked=self._store(stills.marked(frame, sighting.box)) if sighting.zone else "no_region",
        )  # fmt: skip

    def _store(self, jpeg: bytes) -> Kept | str:
        try:
            kept = self._blobs.put_bytes(jpeg)
            return Kept(kept.sha256, kept.sm3, len(jpeg))
        except OSError as error:
            log.exception("camera %s: a still could not be kept", self._camera)
            metrics.EVIDENCE_LOST.labels(why_not_kept(error)).inc()
            return why_not_kept(error)

    def _refresh_live(self, picture: Picture) -> None:
        try:
            write_atomically(self._live_path, stills.live(picture))
        except OSError as error:
            log.warning("camera %s: the live still could not be written: %s", self._camera, error)


def _gate(detector: PictureDetector) -> PictureGate | None:
    return detector if isinstance(detector, PictureGate) else None


def _want_of(detector: PictureDetector, gate: PictureGate | None) -> Want:
    if gate is not None:
        if detector.wants_every_frame:
            return Want.CURIOUS
        return Want.QUIET if gate.is_quiet else Want.KEYS
    return Want.NEEDED if detector.wants_every_frame else Want.QUIET
