"""Footage: what a clip is cut from, and what is known of it. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import pairwise
from statistics import median

from ingest.rtsp.frames import CodedFrame, StreamDescription, from_key_on, parameter_sets_in
from ingest.rtsp.nal import split_annex_b


@dataclass(frozen=True, slots=True, kw_only=True)
class Footage:
    """Frames from a whole key frame on, and what is needed to make sense of them.

    `onset_at` is the moment that must not be left out; `short` is what ended the footage before its time.
    """

    frames: Sequence[CodedFrame]
    description: StreamDescription
    onset_at: datetime
    short: str | None = None

    @property
    def began_at(self) -> datetime:
        return self.frames[0].received_at

    @property
    def duration_s(self) -> float:
        times = [f.rtp_time for f in self.frames]
        return (max(times) - min(times)) / self.description.clock_rate


def of_one_stream(footage: Footage) -> Footage:
    """The stretch around the onset in which the parameter sets stay as they are: a clip has one place for them.

    Without pictures that refer to what was before its first, and without frames in which nothing makes sense.
    """
    began, ended = 0, len(footage.frames)
    for i in _changes(footage):
        if footage.frames[i].received_at > footage.onset_at:
            ended = i
            break
        began = i
    is_whole = (began, ended) == (0, len(footage.frames))
    return replace(
        footage,
        frames=from_key_on(footage.frames[began:ended]),
        short=footage.short if is_whole else "stream_changed",
    )


def _changes(footage: Footage) -> Iterator[int]:
    """Where a key frame brings parameter sets that did not hold so far."""
    known: set[bytes] = set()
    for i, frame in enumerate(footage.frames):
        if not frame.is_key:
            continue
        brought = set(parameter_sets_in(frame, footage.description.codec))
        if i == 0:
            known = brought or set(split_annex_b(footage.description.parameter_sets))
        elif not brought <= known:
            known = brought
            yield i


def facts(footage: Footage) -> dict[str, object]:
    """For the row of the evidence; `key_distance_s` is the usual time between pictures that decoding can begin with."""
    keys = [f.rtp_time for f in footage.frames if f.is_key]
    gaps = [b - a for a, b in pairwise(keys)]
    return {
        "codec": footage.description.codec.value,
        "duration_s": footage.duration_s,
        "frames": len(footage.frames),
        "key_distance_s": round(median(gaps) / footage.description.clock_rate, 3) if gaps else None,
        "cut_short": footage.short,
    } | clock_facts([(f.received_at, f.captured_at) for f in footage.frames])


def clock_facts(pictures: Sequence[tuple[datetime, datetime | None]]) -> dict[str, object]:
    """Of pictures by when they came and when they were taken by the camera's own clock (from its RTCP sender reports).

    `time_source` is `rtcp` where that clock is known, else `receive`; `clock_offset_s` is how far the two usually are apart.
    """
    first = pictures[0][1]
    apart_s = [(came_at - taken_at).total_seconds() for came_at, taken_at in pictures if taken_at is not None]
    return {
        "time_source": "receive" if first is None else "rtcp",
        "camera_clock_at": None if first is None else first.isoformat(),
        "clock_offset_s": round(median(apart_s), 3) if apart_s else None,
    }
