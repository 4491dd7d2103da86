"""What FFmpeg's demuxer gives, as coded frames and named problems. Pure."""

from dataclasses import replace
from datetime import datetime
from fractions import Fraction

import av
import av.error
from av.video.stream import VideoStream

from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import NAL_FORMATS, Codec, CodedFrame, StreamDescription, parameter_sets_in, passed
from ingest.rtsp.nal import join_annex_b

_CLOCK_RATE = 90_000
_CODECS = {"h264": Codec.H264, "hevc": Codec.H265, "mjpeg": Codec.MJPEG}
_JUMP_S = 10
"""Times that move by more than this beside the time that passed belong to a stream that began anew."""


class Track:
    """FFmpeg's packets as coded frames."""

    def __init__(self, stream: VideoStream) -> None:
        """Raises RtspError(UNSUPPORTED_CODEC)."""
        codec = _CODECS.get(stream.codec_context.name)
        if codec is None:
            name = stream.codec_context.name[:20]
            raise RtspError(Problem.UNSUPPORTED_CODEC, f"the camera sends {name}")
        self.description = StreamDescription(
            codec=codec,
            parameter_sets=bytes(stream.codec_context.extradata or b"") if codec in NAL_FORMATS else b"",
            clock_rate=_CLOCK_RATE,
            width=stream.codec_context.width or None,
            height=stream.codec_context.height or None,
        )
        self._ticks = float((stream.time_base or Fraction(1, _CLOCK_RATE)) * _CLOCK_RATE)
        self._shift = 0
        self._last: tuple[int, datetime] | None = None
        self._sets: tuple[bytes, ...] = ()

    def frame(self, packet: "av.Packet[VideoStream]", now: datetime) -> CodedFrame:
        frame = CodedFrame(
            packets=(bytes(packet),),
            rtp_time=self._time(packet.pts, now),
            received_at=now,
            captured_at=None,
            is_key=packet.is_keyframe,
            damaged=packet.is_corrupt,
            whole=True,
        )
        changed = self._look_for_change(frame) if frame.is_key else None
        return replace(frame, changed=changed) if changed is not None else frame

    def _time(self, pts: int | None, now: datetime) -> int:
        """Goes on from the time that has passed where FFmpeg knows none, or where the camera begins anew."""
        last, elapsed = self._last, 0
        if last is not None:
            elapsed = int(passed(last[1], now).total_seconds() * _CLOCK_RATE)
        expected = last[0] + elapsed if last is not None else 0
        time = expected if pts is None else round(pts * self._ticks) + self._shift
        if last is not None and abs(time - expected) > _JUMP_S * _CLOCK_RATE:
            self._shift += expected - time
            time = expected
        self._last = time, now
        return time

    def _look_for_change(self, frame: CodedFrame) -> StreamDescription | None:
        """The new description when the picture has another size from this key frame on."""
        nal = NAL_FORMATS.get(self.description.codec)
        sets = parameter_sets_in(frame, self.description.codec)
        if nal is None or not sets or sets == self._sets:
            return None
        self._sets = sets
        size = next((nal.picture_size(unit) for unit in sets if nal.nal_type(unit) == nal.SPS), None)
        if size is None or size == (self.description.width, self.description.height):
            return None
        self.description = replace(
            self.description, width=size[0], height=size[1], parameter_sets=join_annex_b(sets)
        )
        return self.description


def problem_of(error: av.FFmpegError) -> Problem:
    """Its text holds the address with the account, and is not used."""
    for kind, problem in _PROBLEMS.items():
        if isinstance(error, kind):
            return problem
    return Problem.UNREACHABLE if isinstance(error, OSError) else Problem.PROTOCOL


_PROBLEMS: dict[type[Exception], Problem] = {
    av.error.HTTPUnauthorizedError: Problem.UNAUTHORISED,
    av.error.HTTPForbiddenError: Problem.UNAUTHORISED,
    av.error.HTTPNotFoundError: Problem.NOT_FOUND,
    av.error.ExitError: Problem.TIMED_OUT,
    av.error.TimeoutError: Problem.TIMED_OUT,
    av.error.EOFError: Problem.CLOSED,
    av.error.ConnectionResetError: Problem.CLOSED,
    av.error.BrokenPipeError: Problem.CLOSED,
}
