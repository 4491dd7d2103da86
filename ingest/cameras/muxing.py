"""Frames into MP4 without decoding, with the times that the camera gave them."""

import bisect
import io
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
from av.container import InputContainer

from ingest.cameras.decoding import DECODERS, refuse_too_large
from ingest.cameras.footage import Footage
from ingest.rtsp.frames import Codec, CodedFrame, access_unit

CLIP_ERRORS = (av.FFmpegError, ValueError)
SAMPLE_ENTRIES: Mapping[Codec, str] = {Codec.H264: "avc1", Codec.H265: "hvc1", Codec.MJPEG: "mp4v"}
"""How MP4 names the codecs (docs/decisions/0042)."""


def cut(footage: Footage, path: Path) -> tuple[int, int]:
    """Writes the footage as MP4 (index in front) without re-encoding; returns its width and height.

    One of CLIP_ERRORS: it cannot be one. OSError: the disk.
    """
    frames, description = footage.frames, footage.description
    shown = [frame.rtp_time - frames[0].rtp_time for frame in frames]
    decoded = decoding_times(shown)
    first = access_unit(frames[0], description)
    refuse_too_large(first, description.codec)
    with (
        av.open(io.BytesIO(first), "r", format=DECODERS[description.codec]) as probe,
        av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container,
    ):
        size = _size(probe, frames[0])
        stream = container.add_stream_from_template(probe.streams.video[0], opaque=True)
        stream.codec_context.codec_tag = SAMPLE_ENTRIES[description.codec]
        for i, frame in enumerate(frames):
            unit = access_unit(frame, description)
            if not unit:  # nothing in it makes sense: the picture before it stands longer
                continue
            packet = av.Packet(unit)
            packet.stream, packet.time_base = stream, Fraction(1, description.clock_rate)
            packet.pts, packet.dts = max(shown[i], decoded[i]), decoded[i]
            packet.duration = decoded[i + 1] - decoded[i] if i + 1 < len(decoded) else _usual_step(decoded)
            packet.is_keyframe = frame.is_key
            container.mux(packet)
    return size


def _size(probe: InputContainer, first: CodedFrame) -> tuple[int, int]:
    """Width and height. Raises ValueError when the first picture cannot be decoded; intra refresh becomes one later."""
    video = probe.streams.video[0]
    if not video.width or not (first.recovery_frames or next(probe.decode(video), None)):
        raise ValueError("its first picture cannot be decoded")
    return video.width, video.height


def decoding_times(shown: Sequence[int]) -> list[int]:
    """Strictly growing decoding times, none after its picture's showing time, for frames in decoding order.

    RTP carries showing times only. With B-frames these are out of order by a few places; the sorted times, moved back
    by the smallest such number of places, are what a muxer wants.
    """
    in_order = sorted(shown)
    delay = max((i - bisect.bisect_left(in_order, time) for i, time in enumerate(shown)), default=0)
    step = _usual_step(in_order)
    times = [in_order[0] - (delay - i) * step for i in range(min(delay, len(shown)))] + in_order[
        : len(shown) - delay
    ]
    for i in range(1, len(times)):
        times[i] = max(times[i], times[i - 1] + 1)
    return times


def _usual_step(times: Sequence[int]) -> int:
    steps = sorted(b - a for a, b in pairwise(times))
    return max(1, steps[len(steps) // 2]) if steps else 1
