"""Coded frames to pictures, and their planes reduced once for all detectors."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import cast

import av
import cv2
import numpy as np
from av.codec.hwaccel import HWAccel
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from farwatch.domain.picture import Picture
from ingest.cameras import metrics
from ingest.cameras.attention import Batch
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription, access_unit, coded_pixels, is_due

log = logging.getLogger(__name__)

DECODE_ERRORS = (av.FFmpegError, ValueError)
LARGEST_WIDTH = 640
MOST_WAITING = 32
"""H.264 and H.265 reorder over at most 16 frames; what waits longer was swallowed by the decoder."""
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}
"""Names of FFmpeg's decoders."""
MOST_SIZES = 8
"""Codecs and sizes of pictures for which decoders are kept; a process that meets more begins anew."""
MOST_PIXELS = 40_000_000
"""8K has 33 million. Larger pictures are refused: each takes 1.5 bytes a pixel, and decoders hold several."""
MOST_KEPT_PIXELS = 4096 * 2304
"""Decoders of larger pictures serve one batch: one of 4K that is not in use holds 14 to 22 MB."""
Plane = NDArray[np.uint8]


class FrameDecoder:
    """Not thread-safe: one call at a time. Raises one of DECODE_ERRORS for what is not of its codec.

    `device`: FFmpeg's name of a kind of hardware; where that cannot decode, FFmpeg's own decoder does, and
    `is_hardware` tells.
    """

    def __init__(self, codec: Codec, device: str | None = None) -> None:
        self.codec = codec
        self._context = _open(codec, device)
        self._waiting: dict[int, CodedFrame] = {}

    @property
    def pixels(self) -> int:
        """Of one picture as it was decoded last, however much of it is not shown."""
        return self._context.coded_width * self._context.coded_height

    @property
    def is_hardware(self) -> bool:
        return self._context.is_hwaccel

    def decode(self, batch: Batch, description: StreamDescription) -> Iterator[tuple[VideoFrame, CodedFrame]]:
        """The batch's pictures, each with the coded frame that it was, in the order of showing."""
        if batch.restart:
            self._context.flush_buffers()
            self._waiting.clear()
        for coded in _worth_decoding(batch, self.codec):
            unit = access_unit(coded, description)
            if not unit:  # FFmpeg would take it for the end of the stream
                raise ValueError("there is nothing in a frame")
            refuse_too_large(unit, self.codec)
            packet = av.Packet(unit)
            packet.pts = coded.rtp_time
            self._waiting[coded.rtp_time] = coded
            frames = self._context.decode(packet)
            if self.pixels > MOST_PIXELS:
                raise ValueError("a picture is larger than its parameter sets told us")
            yield from self._matched(frames)
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


class Decoders:
    """The decoders of one process, which hold megabytes each: key frames go through shared ones, a few of each size of picture,
    and only a camera that is decoded as a whole has one of its own. Thread-safe.
    """

    def __init__(self, device: str | None = None) -> None:
        self._device = device
        self._free: dict[tuple[Codec, int | None, int | None], list[FrameDecoder]] = {}
        self._told: set[Codec] = set()

    def make(self, codec: Codec) -> FrameDecoder:
        decoder = FrameDecoder(codec, self._device)
        kind = "hardware" if decoder.is_hardware else "software"
        metrics.DECODERS_OPENED.labels(kind).inc()
        if self._device and not decoder.is_hardware and codec not in self._told:
            self._told.add(codec)
            log.warning("%s does not decode %s here: the CPU does", self._device, codec)
        return decoder

    @contextmanager
    def lend(self, description: StreamDescription) -> Iterator[FrameDecoder]:
        """For one batch that is complete in itself. One that failed or holds much is not lent again."""
        kind = description.codec, description.width, description.height
        if kind not in self._free and len(self._free) >= MOST_SIZES:
            self._free.clear()
        free = self._free.setdefault(kind, [])
        try:
            decoder = free.pop()
        except IndexError:
            decoder = self.make(description.codec)
        yield decoder
        if decoder.pixels <= MOST_KEPT_PIXELS:
            free.append(decoder)


def refuse_too_large(unit: bytes, codec: Codec) -> None:
    """Raises ValueError for an access unit that says so. FFmpeg's own bound looks at what is shown, and much may be cropped."""
    if (pixels := coded_pixels(unit, codec)) > MOST_PIXELS:
        raise ValueError(f"a picture of {pixels / 1e6:.0f} million pixels is too large")


def _open(codec: Codec, device: str | None) -> VideoCodecContext:
    context: object = None
    if device:
        with suppress(av.FFmpegError):  # no such device on this machine
            context = av.CodecContext.create(DECODERS[codec], "r", hwaccel=HWAccel(device))
    context = context or av.CodecContext.create(DECODERS[codec], "r")
    assert isinstance(context, VideoCodecContext)
    context.thread_count = 1
    # Saves a tenth of a key frame and more of the others; what detectors see hardly differs.
    context.options = {"skip_loop_filter": "all", "max_pixels": str(MOST_PIXELS)}
    return context


def _worth_decoding(batch: Batch, codec: Codec) -> Iterator[CodedFrame]:
    """All but those that no other frame needs and that are not to be shown."""
    shown_at: datetime | None = None
    for number, coded in enumerate(batch.frames, 1):
        alone = coded.is_key and number < len(batch.frames) and batch.frames[number].is_key
        is_needed = not alone and not is_disposable(coded, codec)
        is_shown = (
            number == len(batch.frames)
            if batch.show_every_s is None
            else is_due(shown_at, coded.received_at, batch.show_every_s)
        )
        if is_shown or is_needed:
            yield coded
        if is_shown:
            shown_at = coded.received_at


def is_disposable(coded: CodedFrame, codec: Codec) -> bool:
    """No other frame refers to it: a JPEG, or so say the bits for it in its packets' headers (nal_ref_idc, RFC 6184 §5.3)."""
    if codec is Codec.H264 and not coded.whole:
        return not any(packet[0] & 0x60 for packet in coded.packets if packet)
    return codec is Codec.MJPEG


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
    """By halves as far as they go, which is many times as fast as one step, and the rest between neighbours."""
    columns, rows = size
    if plane.shape == (rows, columns):
        return plane.copy().data
    plane = np.ascontiguousarray(plane)
    while (
        plane.shape[1] >= 2 * columns
        and plane.shape[0] >= 2 * rows
        and not (plane.shape[0] | plane.shape[1]) % 2
    ):
        half = (plane.shape[1] // 2, plane.shape[0] // 2)
        plane = np.asarray(cv2.resize(plane, half, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    if plane.shape != (rows, columns):
        near = plane.shape[1] < 2 * columns and plane.shape[0] < 2 * rows
        how = cv2.INTER_LINEAR if near else cv2.INTER_AREA
        plane = np.asarray(cv2.resize(plane, size, interpolation=how), dtype=np.uint8)
    return plane.data
