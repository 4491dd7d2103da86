"""Pictures into loops: encoded once by x264, x265 or FFmpeg's JPEG encoder, kept in a cache folder, served for ever.

No reordering, every group of pictures closed and begun once a second, so that a reader can begin at once
and the loop's end joins its beginning.
"""

import hashlib
import logging
from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import PictureType

from ingest.rtsp import h264, h265, mjpeg
from ingest.rtsp.frames import NAL_FORMATS, Codec, sets_among
from ingest.rtsp.nal import join_annex_b, split_annex_b
from simulators.coded_loop import CLOCK_RATE, CodedLoop, CodedPicture, load_loop, save_loop

log = logging.getLogger(__name__)

MAX_RATE = 25.0
MAX_CLIP_S = 600.0
"""A clip is served from its beginning up to here, so that neither memory nor the first start has no bound."""
KEY_FRAME_EVERY_S = 1.0
_NO_OTHER_KEY_FRAMES = 1_000_000
_ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265", Codec.MJPEG: "mjpeg"}
_PIXELS = {Codec.H264: "yuv420p", Codec.H265: "yuv420p", Codec.MJPEG: "yuvj420p"}
_OPTIONS = {
    Codec.H264: {
        "preset": "veryfast",
        "tune": "zerolatency",
        "profile": "baseline",
        "crf": "23",
        "forced-idr": "1",
    },
    Codec.H265: {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "crf": "26",
        "forced-idr": "1",
        "x265-params": f"repeat-headers=1:pools=none:frame-threads=1:keyint={_NO_OTHER_KEY_FRAMES}:log-level=none",
    },
    Codec.MJPEG: {"huffman": "default", "qmin": "4", "qmax": "4"},
}
_FORMAT = "2"
"""Part of every cache key: another number when the same source is to be encoded anew."""


class ClipError(Exception):
    """The file holds no video that can be decoded."""


class _LoopEncoder:
    """One encoder for pictures of one size."""

    def __init__(self, width: int, height: int, rate: float, codec: Codec) -> None:
        context = av.CodecContext.create(_ENCODERS[codec], "w")
        assert isinstance(context, av.VideoCodecContext)
        context.width, context.height, context.pix_fmt = width, height, _PIXELS[codec]
        context.time_base = Fraction(1, CLOCK_RATE)
        context.framerate = Fraction(rate).limit_denominator(1001)
        context.gop_size = _NO_OTHER_KEY_FRAMES
        context.thread_count = 1
        context.options = dict(_OPTIONS[codec])
        self._codec = codec
        self._context = context
        self._next_key_at_s = 0.0
        self._pictures: list[CodedPicture] = []

    def add(self, frame: av.VideoFrame, at_s: float) -> None:
        prepared = frame.reformat(self._context.width, self._context.height, _PIXELS[self._codec])
        prepared.pts, prepared.time_base = round(at_s * CLOCK_RATE), self._context.time_base
        is_key = at_s >= self._next_key_at_s
        prepared.pict_type = PictureType.I if is_key else PictureType.NONE
        if is_key:
            self._next_key_at_s = at_s + KEY_FRAME_EVERY_S
        self._take(self._context.encode(prepared))

    def _take(self, packets: Iterable[Any]) -> None:
        for packet in packets:
            packets = tuple(packetise(bytes(packet), self._codec))
            self._pictures.append(
                CodedPicture(pts=int(packet.pts), is_key=bool(packet.is_keyframe), packets=packets)
            )

    def finish(self, duration_s: float) -> CodedLoop:
        self._take(self._context.encode(None))
        nal = NAL_FORMATS.get(self._codec)
        sets = sets_among(nal.depacketise(self._pictures[0].packets), nal) if nal else []
        return CodedLoop(
            codec=self._codec,
            parameter_sets=join_annex_b(sets),
            width=self._context.width,
            height=self._context.height,
            duration=max(round(duration_s * CLOCK_RATE), self._pictures[-1].pts + 1),
            pictures=tuple(self._pictures),
        )


def packetise(access_unit: bytes, codec: Codec) -> list[bytes]:
    """RTP payloads of one picture as an encoder gives it. Raises ValueError for a JPEG that RFC 2435 cannot carry."""
    if codec is Codec.H264:
        return h264.packetise(split_annex_b(access_unit))
    if codec is Codec.H265:
        return h265.packetise(split_annex_b(access_unit))
    return mjpeg.packetise(access_unit)


def encode_pictures(
    pictures: Iterable[npt.NDArray[np.uint8]], *, rate: float, codec: Codec = Codec.H264
) -> CodedLoop:
    """Pictures of one even size, shape (rows, columns, 3), blue-green-red, `rate` a second. Takes CPU: use a thread.

    Raises ValueError when there is none.
    """
    encoder, count = None, 0
    for picture in pictures:
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
        if encoder is None:
            encoder = _LoopEncoder(frame.width, frame.height, rate, codec)
        encoder.add(frame, count / rate)
        count += 1
    if encoder is None:
        raise ValueError("a loop needs at least one picture")
    return encoder.finish(count / rate)


def cached_pictures(
    folder: Path,
    name: str,
    pictures: Iterable[npt.NDArray[np.uint8]],
    *,
    rate: float,
    codec: Codec = Codec.H264,
) -> CodedLoop:
    """The loop cached in `folder` under `name`, which must say all that decides about its content; else encodes it.

    `pictures` is not iterated when the loop is there: give a generator.
    """
    key = hashlib.sha256(f"{_FORMAT} {name} {rate:g} {_key(codec)}".encode()).hexdigest()
    loop = load_loop(folder / f"{key}.loop")
    if loop is None:
        loop = encode_pictures(pictures, rate=rate, codec=codec)
        save_loop(loop, folder / f"{key}.loop")
    return loop


def _key(codec: Codec) -> str:
    """Part of cache keys; H.264's is as it was when there was nothing else."""
    options = sorted(_OPTIONS[codec].items())
    return f"{options}" if codec is Codec.H264 else f"{codec} {options}"


def encode_clip(
    clip: Path, folder: Path | None = None, *, max_height: int | None = None, codec: Codec = Codec.H264
) -> CodedLoop:
    """Any video file at its own size (even) and pace (at most 25 pictures a second), scaled down to `max_height`.

    With a `folder` the result is kept there under the file's hash. Takes CPU: use a thread. Raises ClipError.
    """
    try:
        with clip.open("rb") as file:
            source = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ClipError(f"{clip.name}: {error.strerror}") from error
    text = f"{_FORMAT} {source} {max_height} {MAX_RATE} {MAX_CLIP_S} {_key(codec)}"
    cached = folder / f"{hashlib.sha256(text.encode()).hexdigest()}.loop" if folder else None
    loop = load_loop(cached) if cached else None
    if loop is None:
        loop = _encode_clip(clip, max_height, codec)
        if cached:
            save_loop(loop, cached)
    return loop


def _encode_clip(clip: Path, max_height: int | None, codec: Codec) -> CodedLoop:
    encoder, at_s, step_s = None, 0.0, 1 / MAX_RATE
    try:
        with av.open(str(clip)) as container:
            if not container.streams.video:
                raise ClipError(f"{clip.name}: there is no video in it")
            stream = container.streams.video[0]
            rate = min(float(stream.average_rate or MAX_RATE), MAX_RATE)
            step_s = 1 / rate
            for at_s, frame in _thinned(container.decode(stream), step_s):
                if at_s >= MAX_CLIP_S:
                    log.warning("%s is cut after %d s", clip.name, MAX_CLIP_S)
                    break
                if encoder is None:
                    encoder = _LoopEncoder(*_size(frame.width, frame.height, max_height), rate, codec)
                encoder.add(frame, at_s)
    except av.FFmpegError as error:
        raise ClipError(f"{clip.name}: {error.strerror}") from error
    if encoder is None:
        raise ClipError(f"{clip.name}: there is no picture in it")
    return encoder.finish(min(at_s, MAX_CLIP_S) + step_s)


def _thinned(frames: Iterable[av.VideoFrame], step_s: float) -> Iterator[tuple[float, av.VideoFrame]]:
    """Frames with their time from the first one on; those above 25 a second and those out of order are left out."""
    first_s: float | None = None
    last_s, due_s = -1.0, 0.0
    for frame in frames:
        raw_s = frame.time if frame.time is not None else last_s + step_s
        first_s = raw_s if first_s is None else first_s
        at_s = raw_s - first_s
        if at_s <= last_s or at_s < due_s - 0.001:
            continue
        last_s, due_s = at_s, max(due_s + 1 / MAX_RATE, at_s)
        yield at_s, frame


def _size(width: int, height: int, max_height: int | None) -> tuple[int, int]:
    """Even numbers, because 4:2:0 needs them."""
    if max_height is not None and height > max_height:
        width, height = round(width * max_height / height), max_height
    return max(2, width // 2 * 2), max(2, height // 2 * 2)
