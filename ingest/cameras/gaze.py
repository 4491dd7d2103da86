"""One camera's eye: decodes batches and shows the pictures to the detectors. Runs in a pool thread, one call at a time."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from av.video.frame import VideoFrame

from farwatch.domain.picture import Picture, PictureDetector, Sighting, SightingEnded
from farwatch.storage.blobs import BlobStore, why_not_kept, write_atomically
from ingest.cameras import metrics, stills
from ingest.cameras.attention import SHOW_EVERY_S, Batch
from ingest.cameras.decoding import DECODE_ERRORS, FrameDecoder, to_picture
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription

log = logging.getLogger(__name__)

LIVE_EVERY_S = 2.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A still in the blob store."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A sighting with its stills, or the reason why one could not be kept, which is no reason to be silent.

    `camera_clock_at` is the camera's own time of the picture, when it tells one.
    """

    sighting: Sighting
    version: str
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
    seen: list[Seen | SightingEnded] = field(default_factory=list)


class Gaze:
    """`live_path` gets a small JPEG at most every two seconds."""

    def __init__(
        self, camera: str, detectors: Sequence[PictureDetector], blobs: BlobStore, live_path: Path
    ) -> None:
        self._camera = camera
        self._detectors = detectors
        self._blobs = blobs
        self._live_path = live_path
        self._decoder = FrameDecoder(Codec.H264)
        self._shown_at: datetime | None = None
        self._live_at: datetime | None = None
        self._failed: set[str] = set()
        self.wants_every_frame = False

    def look(self, batch: Batch, description: StreamDescription) -> Look:
        look = Look()
        if self._decoder.codec is not description.codec:
            self._decoder = FrameDecoder(description.codec)
        try:
            for frame, coded in self._decoder.decode(batch, description):
                look.decoded += 1
                look.last_at = coded.received_at
                if self._is_time_for(coded.received_at):
                    self._shown_at = coded.received_at
                    self._show(frame, coded, look)
        except DECODE_ERRORS as error:
            log.info("camera %s: not decodable: %s", self._camera, error)
            metrics.UNDECODABLE.labels(self._camera).inc()
            look.broken = True
        return look

    def _is_time_for(self, at: datetime) -> bool:
        return self._shown_at is None or at - self._shown_at >= timedelta(seconds=SHOW_EVERY_S)

    def _show(self, frame: VideoFrame, coded: CodedFrame, look: Look) -> None:
        picture = to_picture(frame, self._camera, coded.received_at)
        self.wants_every_frame = False
        for detector in self._detectors:
            for said in self._ask(detector, picture):
                look.seen.append(
                    self._keep(said, detector, frame, coded) if isinstance(said, Sighting) else said
                )
        self._refresh_live(picture)

    def _ask(self, detector: PictureDetector, picture: Picture) -> Sequence[Sighting | SightingEnded]:
        """The one boundary where any error is survived: a detector that fails costs its own answer only."""
        try:
            said = list(detector.observe(picture))
            self.wants_every_frame |= detector.wants_every_frame
        except Exception:  # detectors are plugged in, and one bad picture must not blind the camera
            metrics.DETECTOR_ERRORS.inc()
            if detector.rule not in self._failed:
                self._failed.add(detector.rule)
                log.exception(
                    "camera %s: %s failed; from now on it is only counted", self._camera, detector.rule
                )
            return []
        return said

    def _keep(
        self, sighting: Sighting, detector: PictureDetector, frame: VideoFrame, coded: CodedFrame
    ) -> Seen:
        return Seen(
            sighting=sighting, version=detector.version, taken_at=coded.received_at, camera_clock_at=coded.captured_at,
            size=(frame.width, frame.height), original=self._store(stills.original(frame)),
            marked=self._store(stills.marked(frame, sighting.box)),
        )  # fmt: skip

    def _store(self, jpeg: bytes) -> Kept | str:
        try:
            return Kept(self._blobs.put_bytes(jpeg), len(jpeg))
        except OSError as error:
            log.exception("camera %s: a still could not be kept", self._camera)
            metrics.EVIDENCE_LOST.labels(why_not_kept(error)).inc()
            return why_not_kept(error)

    def _refresh_live(self, picture: Picture) -> None:
        if self._live_at is not None and picture.at - self._live_at < timedelta(seconds=LIVE_EVERY_S * 0.9):
            return
        self._live_at = picture.at
        try:
            write_atomically(self._live_path, stills.live(picture))
        except OSError as error:
            log.warning("camera %s: the live still could not be written: %s", self._camera, error)
