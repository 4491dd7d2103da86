"""Coded frames to pictures: one decoder a camera, one thread, and planes reduced once for all detectors."""

from collections.abc import Iterator
from datetime import datetime
from typing import cast

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from farwatch.domain.picture import Picture
from ingest.cameras.attention import Batch
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription, access_unit

DECODE_ERRORS = (av.FFmpegError, ValueError)
LARGEST_WIDTH = 640
MOST_WAITING = 32
"""H.264 and H.265 reorder over at most 16 frames; what waits longer was swallowed by the decoder."""
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}
"""Names of FFmpeg's decoders."""
Plane = NDArray[np.uint8]


class FrameDecoder:
    """Not thread-safe: one call at a time. Raises one of DECODE_ERRORS for what is not of its codec."""

    def __init__(self, codec: Codec) -> None:
        context = av.CodecContext.create(DECODERS[codec], "r")
        assert isinstance(context, VideoCodecContext)
        context.thread_count = 1
        # Saves a tenth of a key frame and more of the others; what detectors see hardly differs.
        context.options = {"skip_loop_filter": "all"}
        self.codec = codec
        self._context = context
        self._waiting: dict[int, CodedFrame] = {}

    def decode(self, batch: Batch, description: StreamDescription) -> Iterator[tuple[VideoFrame, CodedFrame]]:
        """The batch's pictures, each with the coded frame that it was, in the order of showing."""
        if batch.restart:
            self._context.flush_buffers()
            self._waiting.clear()
        for coded in batch.frames:
            unit = access_unit(coded, description)
            if not unit:  # FFmpeg would take it for the end of the stream
                raise ValueError("there is nothing in a frame")
            packet = av.Packet(unit)
            packet.pts = coded.rtp_time
            self._waiting[coded.rtp_time] = coded
            yield from self._matched(self._context.decode(packet))
        if batch.alone:
            # A stream with B-frames keeps its first pictures back; nothing will follow here to push them out.
            yield from self._matched(self._context.decode(None))
            self._context.flush_buffers()

    def _matched(self, frames: list[VideoFrame]) -> Iterator[tuple[VideoFrame, CodedFrame]]:
        for frame in frames:
            coded = None if frame.pts is None else self._waiting.pop(frame.pts, None)
            if coded is not None:
                yield frame, coded
        while len(self._waiting) > MOST_WAITING:
            del self._waiting[next(iter(self._waiting))]


def to_picture(frame: VideoFrame, camera: str, at: datetime) -> Picture:
    """The frame's planes, reduced to at most 640 columns; colours stay as the camera sent them."""
    y, u, v = planes(frame)
    width, height = reduced_size(frame.width, frame.height)
    half = (width // 2, height // 2)
    return Picture(
        camera=camera, at=at, width=width, height=height,
        y=_reduce(y, (width, height)), u=_reduce(u, half), v=_reduce(v, half),
    )  # fmt: skip


def reduced_size(width: int, height: int) -> tuple[int, int]:
    """At most 640 wide, the same shape, both sides even and at least 2."""
    scale = min(1.0, LARGEST_WIDTH / width)
    return max(2, round(width * scale / 2) * 2), max(2, round(height * scale / 2) * 2)


def planes(frame: VideoFrame) -> tuple[Plane, Plane, Plane]:
    """Y, U and V of 4:2:0 as they come; other layouts are converted first. Views: they live as long as the frame."""
    if frame.format.name == "nv12":
        both = _plane(frame, 1, columns=2 * frame.planes[1].width)
        return _plane(frame, 0), both[:, 0::2], both[:, 1::2]
    if frame.format.name not in ("yuv420p", "yuvj420p"):
        frame = frame.reformat(format="yuv420p")
    return _plane(frame, 0), _plane(frame, 1), _plane(frame, 2)


def _plane(frame: VideoFrame, index: int, columns: int | None = None) -> Plane:
    plane = frame.planes[index]
    rows: Plane = np.frombuffer(cast("memoryview", plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : columns or plane.width]


def _reduce(plane: Plane, size: tuple[int, int]) -> memoryview:
    if (plane.shape[1], plane.shape[0]) == size:
        return plane.copy().data
    return cv2.resize(np.ascontiguousarray(plane), size, interpolation=cv2.INTER_AREA).data
