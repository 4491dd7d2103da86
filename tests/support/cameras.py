"""Coded frames for camera tests: drawn here, encoded by x264, as a reader would hand them on."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from functools import cache

import av
import numpy as np
from av.video.frame import PictureType

from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription
from simulators.encoding import packetise

AT = datetime(2026, 11, 22, 8, tzinfo=UTC)
RATE = 90_000
H264 = StreamDescription(codec=Codec.H264, parameter_sets=b"", clock_rate=RATE)


def squares(count: int, width: int = 320, height: int = 240) -> Iterator[np.ndarray]:
    """A bright square that moves over a dark gradient; picture i has it at column 4 i."""
    for i in range(count):
        image = np.zeros((height, width, 3), np.uint8)
        image[:, :, 1] = np.linspace(20, 90, width, dtype=np.uint8)
        left = 4 * i % (width - 40)
        image[40:80, left : left + 40] = 230
        yield image


ENCODERS = {Codec.H264: "libx264", Codec.H265: "libx265", Codec.MJPEG: "mjpeg"}


@cache
def coded(
    count: int,
    *,
    fps: int = 10,
    key_every: int = 10,
    b_frames: int = 0,
    width: int = 320,
    codec: Codec = Codec.H264,
    more: str = "",
) -> tuple[CodedFrame, ...]:
    """`count` frames in decoding order from AT on, arriving at the pace of `fps`. `more` are parameters of x264 or x265."""
    context = av.CodecContext.create(ENCODERS[codec], "w")
    context.width, context.height = width, width * 3 // 4
    context.pix_fmt = "yuvj420p" if codec is Codec.MJPEG else "yuv420p"
    context.time_base, context.framerate, context.thread_count = Fraction(1, RATE), Fraction(fps), 1
    params = f"keyint={key_every}:min-keyint={key_every}:scenecut=0:bframes={b_frames}:b-adapt=0{more}"
    if codec is Codec.H264:
        context.options = {"preset": "veryfast", "x264-params": params}
    elif codec is Codec.H265:
        context.options = {"preset": "ultrafast", "x265-params": f"{params}:pools=none:log-level=none"}
    else:  # the tables that RFC 2435 takes for granted
        context.options = {"huffman": "default"}
    packets = []
    for i, image in enumerate(squares(count, width, width * 3 // 4)):
        frame = av.VideoFrame.from_ndarray(image, format="bgr24").reformat(format=context.pix_fmt)
        frame.pts, frame.time_base = i * RATE // fps, Fraction(1, RATE)
        frame.pict_type = PictureType.NONE
        packets += context.encode(frame)
    packets += context.encode(None)
    return tuple(
        CodedFrame(
            packets=tuple(packetise(bytes(packet), codec)), rtp_time=int(packet.pts),
            received_at=AT + timedelta(seconds=i / fps), captured_at=None, is_key=packet.is_keyframe,
        )
        for i, packet in enumerate(packets)
    )  # fmt: skip


def frame(
    i: int, *, key: bool = False, size: int = 100, fps: float = 10, damaged: bool = False
) -> CodedFrame:
    """A frame of nothing but its size, for what never decodes."""
    return CodedFrame(
        packets=(bytes(size),), rtp_time=round(i * RATE / fps), received_at=AT + timedelta(seconds=i / fps),
        captured_at=None, is_key=key, damaged=damaged,
    )  # fmt: skip
