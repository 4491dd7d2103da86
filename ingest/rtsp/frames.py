"""Coded frames and what describes them; nothing is decoded, and nothing taken out of its packets until it is needed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from ingest.rtsp import h264, h265, mjpeg
from ingest.rtsp.glance import Glance
from ingest.rtsp.nal import join_annex_b, split_annex_b, split_smuggled


class Codec(StrEnum):
    """How pictures are coded; the value is a key for logs, rows and pages."""

    H264 = "h264"
    H265 = "h265"
    MJPEG = "mjpeg"


class NalFormat(Protocol):
    """What differs between the codecs that are made of NAL units; a module each."""

    SPS: int
    ACCESS_UNIT_DELIMITER: int

    @property
    def SETS(self) -> Sequence[int]: ...  # noqa: N802

    def nal_type(self, unit: bytes) -> int: ...

    def is_picture(self, kind: int) -> bool: ...

    def is_picture_fragment(self, payload: bytes) -> bool: ...

    def glance(self, payload: bytes) -> Glance: ...

    def depacketise(self, payloads: Iterable[bytes]) -> Iterator[bytes]: ...

    def picture_size(self, unit: bytes) -> tuple[int, int] | None: ...

    def coded_size(self, unit: bytes) -> tuple[int, int] | None: ...


NAL_FORMATS: Mapping[Codec, NalFormat] = {Codec.H264: h264, Codec.H265: h265}
"""MJPEG has no entry: its pictures are files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDescription:
    """What is known about a camera's video.

    `parameter_sets` are VPS, SPS and PPS as an Annex B stream, empty when the camera only sends them inside the stream,
    or has none (MJPEG). `clock_rate` is the number of `rtp_time` ticks in a second. `width` and `height` are pixels
    when they are known. `has_order`: packets hold decoding order numbers (H.265 with sprop-max-don-diff).
    """

    codec: Codec
    parameter_sets: bytes
    clock_rate: int
    width: int | None = None
    height: int | None = None
    has_order: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedFrame:
    """One picture as its raw RTP payloads, still packetised: keep these, call `access_unit` when needed.

    `rtp_time` counts ticks of the stream's clock rate (90 kHz), unwrapped; it never jumps back at 2**32, and goes on
    from the elapsed time when the camera starts its stream anew. `received_at` is when the last packet came here;
    `captured_at` is the camera's own clock (from its sender reports), None until it has sent one. `is_key`: decoding
    can begin here, and the parameter sets that it needs are in it. `damaged`: packets were lost in it or just before it,
    so wait for the next key frame that is whole.

    `recovery_frames`: for a key frame of a stream without whole ones (intra refresh), how many frames later the picture
    is whole; decoding such a key frame alone gives nothing.
    `changed`: from this key frame on another description holds, because the picture has another size, or because its
    size was not known before. Frames before and after it belong in no common ring or clip.
    `whole`: `packets` is one element, the access unit itself, from a reader that has no packets.
    """

    packets: Sequence[bytes]
    rtp_time: int
    received_at: datetime
    captured_at: datetime | None
    is_key: bool
    damaged: bool = False
    recovery_frames: int = 0
    changed: StreamDescription | None = None
    whole: bool = False


def access_unit(frame: CodedFrame, description: StreamDescription) -> bytes:
    """What a decoder or a muxer wants: an Annex B access unit, or a JPEG file.

    Key frames without SPS of their own get the description's in front. b"" when nothing in the frame makes sense; give
    that to no decoder, it would take it for the stream's end.
    """
    nal = NAL_FORMATS.get(description.codec)
    if nal is None:
        return frame.packets[0] if frame.whole else mjpeg.depacketise(frame.packets, _size(description))
    units = split_annex_b(frame.packets[0]) if frame.whole else list(nal.depacketise(frame.packets))
    stream = join_annex_b(units)
    if frame.is_key and units and not any(nal.nal_type(unit) == nal.SPS for unit in units):
        return description.parameter_sets + stream
    return stream


def _size(description: StreamDescription) -> tuple[int, int] | None:
    if description.width is None or description.height is None:
        return None
    return description.width, description.height


def parameter_sets_in(frame: CodedFrame, codec: Codec) -> tuple[bytes, ...]:
    """The VPS, SPS and PPS that travel in front of the frame's picture, as NAL units."""
    nal = NAL_FORMATS.get(codec)
    if nal is None:
        return ()
    return tuple(
        sets_among(split_annex_b(frame.packets[0]) if frame.whole else nal.depacketise(frame.packets), nal)
    )


def coded_pixels(unit: bytes, codec: Codec) -> int:
    """The most pixels that an access unit's own SPS let a decoder hold for one picture; 0 where none tells."""
    nal = NAL_FORMATS.get(codec)
    if nal is None:
        return 0
    sizes = [nal.coded_size(u) for u in split_annex_b(unit) if nal.nal_type(u) == nal.SPS]
    return max((size[0] * size[1] for size in sizes if size), default=0)


def sets_among(units: Iterable[bytes], nal: NalFormat) -> list[bytes]:
    """Parameter sets up to the first picture, without zeros at their ends, also where several came as one unit."""
    found: list[bytes] = []
    for raw in units:
        for unit in split_smuggled(raw):
            if nal.is_picture(nal.nal_type(unit)):
                return found
            if nal.nal_type(unit) in nal.SETS:
                found.append(unit.rstrip(b"\x00"))
    return found


LONGEST_GAP = timedelta(seconds=15)
"""No session is without a picture for longer (`idle_timeout_s` is 10): more than that is a clock that was set."""


def passed(before: datetime, at: datetime) -> timedelta:
    """What passed between two times of arrival in one session; nothing where the wall clock was set between them."""
    return at - before if timedelta() <= at - before <= LONGEST_GAP else timedelta()


def is_due(last_at: datetime | None, at: datetime, every_s: float) -> bool:
    """So much has passed, or nobody knows how much because the wall clock was set back."""
    return last_at is None or not 0 <= (at - last_at).total_seconds() < every_s


def spread(frames: Sequence[CodedFrame], since: datetime) -> list[CodedFrame]:
    """Frames that were read at once, the last read having been at `since`: they came one after the other meanwhile."""
    if len(frames) < 2:
        return list(frames)
    step = (frames[-1].received_at - since) / len(frames)
    behind = reversed(range(len(frames)))
    return [replace(f, received_at=f.received_at - n * step) for n, f in zip(behind, frames, strict=True)]


def from_key_on(frames: Sequence[CodedFrame]) -> list[CodedFrame]:
    """Frames that can be decoded when nothing came before the first, a key frame.

    After a key frame in the middle of an open group of pictures come pictures that are shown before it and refer to
    what was before (H.265: RASL): these are left out.
    """
    return [frame for frame in frames if frame.rtp_time >= frames[0].rtp_time]
