"""Clips without decoding: the ring's frames, remuxed into MP4 with the times that the camera gave them."""

import bisect
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av

from farwatch.storage.blobs import BlobStore
from ingest.cameras.decoding import DECODERS
from ingest.rtsp.frames import CodedFrame, StreamDescription, access_unit, from_key_on

MEDIA_TYPE = "video/mp4"
CLIP_ERRORS = (av.FFmpegError, ValueError)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """Frames from a whole key frame on, and what is needed to make sense of them."""

    frames: Sequence[CodedFrame]
    description: StreamDescription

    @property
    def began_at(self) -> datetime:
        return self.frames[0].received_at

    @property
    def duration_s(self) -> float:
        times = [f.rtp_time for f in self.frames]
        return (max(times) - min(times)) / self.description.clock_rate


def cut(footage: Footage, path: Path) -> None:
    """Writes the footage as MP4 (avc1, index in front) without re-encoding. One of CLIP_ERRORS: it cannot be one."""
    description = footage.description
    frames = [
        (frame, unit) for frame in from_key_on(footage.frames) if (unit := access_unit(frame, description))
    ]
    if not frames:
        raise ValueError("there is nothing in the clip")
    width, height = _size(frames[0][1], description)
    shown = [frame.rtp_time - footage.frames[0].rtp_time for frame, _ in frames]
    decoded = decoding_times(shown)
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_mux_stream(DECODERS[description.codec], width=width, height=height)
        time_base = Fraction(1, description.clock_rate)
        for i, (frame, unit) in enumerate(frames):
            packet = av.Packet(unit)
            packet.stream, packet.time_base = stream, time_base
            packet.pts, packet.dts = max(shown[i], decoded[i]), decoded[i]
            packet.duration = decoded[i + 1] - decoded[i] if i + 1 < len(decoded) else _usual_step(decoded)
            packet.is_keyframe = frame.is_key
            container.mux(packet)


@dataclass(frozen=True, slots=True)
class KeptClip:
    sha256: str
    size_bytes: int


def keep(footage: Footage, blobs: BlobStore) -> KeptClip | str:
    """Cuts the clip into the blob store, or says why there is none: `not_playable` or `store_failed`. Blocks."""
    try:
        with blobs.scratch(".mp4") as path:
            cut(footage, path)
            return KeptClip(blobs.put_file(path), path.stat().st_size)
    except OSError:
        log.exception("a clip could not be kept")
        return "store_failed"
    except CLIP_ERRORS as error:
        log.warning("a clip of %d frames cannot be cut: %s", len(footage.frames), error)
        return "not_playable"


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


def _size(key_frame: bytes, description: StreamDescription) -> tuple[int, int]:
    """Width and height, by decoding the first picture: a clip whose beginning cannot be decoded is none."""
    context = av.CodecContext.create(DECODERS[description.codec], "r")
    assert isinstance(context, av.VideoCodecContext)
    frames = [*context.decode(av.Packet(key_frame)), *context.decode(None)]
    if not frames:
        raise ValueError("the first frame of the clip cannot be decoded")
    return frames[0].width, frames[0].height
