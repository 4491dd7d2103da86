"""Which track of a described session is read, and under which addresses it is asked for. Pure."""

import re
from dataclasses import dataclass

from ingest.rtsp import sdp
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import Codec, StreamDescription
from ingest.rtsp.messages import Response

_SCHEMES = re.compile(r"(?:rtsp://)+", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """`url` is set up, `aggregate_url` played."""

    stream: StreamDescription
    payload_type: int
    url: str
    aggregate_url: str


def find_track(described: Response, asked_url: str) -> Track:
    """The video in an answer to DESCRIBE of `asked_url`. Raises RtspError(NO_VIDEO or UNSUPPORTED_CODEC)."""
    session = sdp.parse_sdp(described.body.decode("utf-8", "replace"))
    named = described.header("Content-Base") or described.header("Content-Location") or ""
    base = _once(named) if named.lower().startswith("rtsp://") else asked_url
    media, codec = _choose_video(session)
    return Track(
        stream=sdp.describe(media, codec),
        payload_type=media.payload_type,
        url=_control_url(base, media.control),
        aggregate_url=_control_url(base, session.control) if session.control else asked_url,
    )


def _choose_video(session: sdp.SessionDescription) -> tuple[sdp.Media, Codec]:
    """The first track of a codec that is read here, MJPEG last. Raises RtspError(NO_VIDEO or UNSUPPORTED_CODEC)."""
    videos = [media for media in session.media if media.kind == "video"]
    if not videos:
        raise RtspError(Problem.NO_VIDEO, "the camera describes no video")
    known = [(media, codec) for media in videos if (codec := sdp.codec_of(media)) is not None]
    if known:
        return min(known, key=lambda track: track[1] is Codec.MJPEG)
    raise RtspError(
        Problem.UNSUPPORTED_CODEC, f"the camera sends {videos[0].codec[:20] or 'an unnamed codec'}"
    )


def _control_url(base: str, control: str) -> str:
    """RFC 2326 §C.1.1, joined by a slash and not by the rules of URLs, as cameras with a query in the path expect."""
    if control in ("", "*"):
        return base
    if control.lower().startswith(("rtsp://", "rtspu://")):
        return _once(control)
    return f"{base.removesuffix('/')}/{control.removeprefix('/')}"


def _once(url: str) -> str:
    """Some cameras write `rtsp://rtsp://`."""
    return _SCHEMES.sub("rtsp://", url, count=1)
