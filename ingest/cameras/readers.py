"""Which reader a camera gets."""

from contextlib import AbstractContextManager

from farwatch.domain.registry import Camera, ReaderKind
from farwatch.runtime.clock import Clock
from ingest.cameras.ffmpeg_reader import FfmpegReader
from ingest.cameras.patience import Patience
from ingest.cameras.troubles import CountedReader
from ingest.rtsp.auth import Credential
from ingest.rtsp.session import NOBODY_ASKS, RtspReader


def make_reader(
    camera: Camera,
    credential: Credential | None,
    clock: Clock,
    patience: Patience,
    serving: AbstractContextManager[None] = NOBODY_ASKS,
) -> CountedReader:
    """One session's reader, as the registry says; `serving` is entered while the loop works on what the camera sent.

    Raises RtspError(PROTOCOL) when the camera's url is no rtsp:// address.
    """
    limits = (patience.connect_timeout_s, patience.idle_timeout_s, camera.transport)
    if camera.reader is ReaderKind.FFMPEG:
        return CountedReader(FfmpegReader(camera.url, credential, clock, *limits), camera.id, clock)
    return CountedReader(RtspReader(camera.url, credential, clock, *limits, serving), camera.id, clock)
