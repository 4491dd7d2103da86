"""Made-up and real coded streams for the RTSP tests, as RTP packets, and what an assembler makes of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

import cv2
import numpy as np

from ingest.rtsp import h264, h265, mjpeg
from ingest.rtsp.assembler import FrameAssembler
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription
from tests.unit.rtsp.wires import TICKS_PER_FRAME, later, packet

STREAMS = {codec: StreamDescription(codec=codec, parameter_sets=b"", clock_rate=90_000) for codec in Codec}
SPS = b"\x67\x42\xc0\x1e\xd9\x03\xc5\x68\x40\x00\x00\x03\x00\x40\x00\x00\x0c\x83\xc5\x8b\x92"
PPS = b"\x68\xce\x3c\x80"
KEY, DELTA, LATER_SLICE = b"\x65\x88" + b"k" * 300, b"\x41\x9a" + b"d" * 120, b"\x41\x40" + b"e" * 120
VPS5, SPS5, PPS5 = b"\x40\x01\x0c\x01", b"\x42\x01\x01\x01", b"\x44\x01\xc1\x72"
KEY5, DELTA5 = b"\x26\x01\xaf" + b"k" * 300, b"\x02\x01\xd0" + b"d" * 120


def assembler(codec: Codec = Codec.H264, **described: object) -> FrameAssembler:
    return FrameAssembler(replace(STREAMS[codec], **described), payload_type=96)  # type: ignore[arg-type]


def rtp(pictures: Sequence[Sequence[bytes]], *, first_time: int = 0, first_sequence: int = 0) -> list[bytes]:
    """RTP packets of pictures given as payloads, with the marker on each picture's last."""
    packets: list[bytes] = []
    for number, payloads in enumerate(pictures):
        for place, payload in enumerate(payloads):
            last = place == len(payloads) - 1
            time = first_time + number * TICKS_PER_FRAME
            packets.append(packet(first_sequence + len(packets), time, payload, marker=last))
    return packets


def feed(one: FrameAssembler, packets: Sequence[bytes]) -> list[CodedFrame]:
    return [frame for number, data in enumerate(packets) for frame in one.receive(data, later(number / 100))]


@cache
def jpeg(
    width: int = 64,
    height: int = 48,
    quality: int = 80,
    *,
    seed: int = 1,
    restart: int = 0,
    halved: bool = True,
) -> bytes:
    """A picture of grey and coloured noise over a slope."""
    noise = np.random.default_rng(seed).integers(0, 40, (height, width, 3), np.uint8)
    noise += np.linspace(0, 180, width, dtype=np.uint8)[None, :, None]
    sampling = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420 if halved else cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422
    options = [cv2.IMWRITE_JPEG_QUALITY, quality, cv2.IMWRITE_JPEG_RST_INTERVAL, restart]
    _, coded = cv2.imencode(".jpg", noise, [*options, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling])
    return coded.tobytes()


PACKETISERS: dict[Codec, Callable[[int, int], list[bytes]]] = {
    Codec.H264: lambda number, size: h264.packetise([DELTA] if number % 3 else [SPS, PPS, KEY], size),
    Codec.H265: lambda number, size: h265.packetise(
        [DELTA5] if number % 3 else [VPS5, SPS5, PPS5, KEY5], size
    ),
    Codec.MJPEG: lambda number, size: mjpeg.packetise(jpeg(seed=number % 3), size + 200),
}
"""The payloads of a stream's n-th picture in packets of a size; every third picture is a key frame (MJPEG: all are)."""
