"""Which reader a camera gets."""

from farwatch.domain.registry import Camera, ReaderKind
from farwatch.runtime.clock import Clock
from ingest.cameras.ffmpeg_reader import FfmpegReader
from ingest.cameras.patience import Patience
from ingest.cameras.troubles import CountedReader
from ingest.rtsp.auth import Credential
from ingest.rtsp.session import RtspReader

_READERS: dict[ReaderKind, type[RtspReader] | type[FfmpegReader]] = {
    ReaderKind.OWN: RtspReader,
    ReaderKind.FFMPEG: FfmpegReader,
}


def make_reader(
    camera: Camera, credential: Credential | None, clock: Clock, patience: Patience
) -> CountedReader:
    """One session's reader, as the registry says. Raises RtspError(PROTOCOL) when the camera's url is no rtsp:// address."""
    limits = (patience.connect_timeout_s, patience.idle_timeout_s)
    reader = _READERS[camera.reader](camera.url, credential, clock, *limits, camera.transport)
    return CountedReader(reader, camera.id, clock)
