"""What detectors learned about a camera outlives their process: a small file for each that remembers."""

import hashlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol, runtime_checkable

from farwatch.domain.picture import Picture, PictureDetector, Sighting, SightingEnded
from farwatch.domain.registry import Camera, Zone
from farwatch.storage.blobs import write_atomically

log = logging.getLogger(__name__)

KEEP_EVERY = timedelta(minutes=10)


@runtime_checkable
class Remembering(Protocol):
    """A detector that learns. `recall` takes what `memory` of the same version gave and is False for anything else."""

    def memory(self) -> bytes: ...

    def recall(self, memory: bytes) -> bool: ...


class Remembered:
    """Shows pictures to a detector that learns, and keeps its memory in `path` every ten minutes.

    `key` says what the memory is about: one of another view, another address or other zones is no use.
    """

    def __init__(self, detector: PictureDetector, path: Path, key: bytes) -> None:
        assert isinstance(detector, Remembering)
        self.rule, self.version = detector.rule, detector.version
        self._detector = detector
        self._learner: Remembering = detector
        self._path = path
        self._key = key
        self._kept_at: datetime | None = None
        self._recall()

    @property
    def wants_every_frame(self) -> bool:
        return self._detector.wants_every_frame

    def observe(self, picture: Picture) -> Sequence[Sighting | SightingEnded]:
        said = self._detector.observe(picture)
        self._kept_at = self._kept_at or picture.at
        if picture.at - self._kept_at >= KEEP_EVERY:
            self._kept_at = picture.at
            self._keep()
        return said

    def _recall(self) -> None:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return
        except OSError as error:
            log.warning("%s cannot be read, what is usual is learned anew: %s", self._path, error)
            return
        if content.startswith(self._key):
            self._learner.recall(content[len(self._key) :])

    def _keep(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, self._key + self._learner.memory())
        except OSError as error:
            log.warning("%s cannot be written: %s", self._path, error)


def remembering(
    detectors: Sequence[PictureDetector], folder: Path, camera: Camera, zones: Sequence[Zone]
) -> list[PictureDetector]:
    """The same detectors; those that learn do so across processes. Who draws the zones anew says that the view is right."""
    return [
        Remembered(d, memory_path(folder, camera.id, d.rule), _key(d, camera, zones))
        if isinstance(d, Remembering)
        else d
        for d in detectors
    ]


def forget(folder: Path, camera: str) -> None:
    """Nothing is kept of a camera that is not the city's any more."""
    for path in folder.glob(f"{_name(camera)}.*"):
        path.unlink(missing_ok=True)


def memory_path(folder: Path, camera: str, rule: str) -> Path:
    return folder / f"{_name(camera)}.{rule}"


def _name(camera: str) -> str:
    """Ids of cameras may hold what no file name should."""
    return hashlib.sha256(camera.encode()).hexdigest()[:32]


def _key(detector: PictureDetector, camera: Camera, zones: Sequence[Zone]) -> bytes:
    view = (detector.rule, detector.version, camera.id, camera.url, camera.start_url)
    drawn = sorted((zone.name, zone.purpose, zone.polygon) for zone in zones)
    return hashlib.sha256(repr((view, drawn)).encode()).digest()
