"""A coded video that is served in a loop, in memory and in a cache file."""

import json
import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ingest.rtsp import mjpeg
from ingest.rtsp.frames import NAL_FORMATS, Codec, StreamDescription
from ingest.rtsp.nal import join_annex_b

CLOCK_RATE = 90_000
_MAGIC = b"farwatch loop 1\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedPicture:
    """One picture as RTP payloads; `pts` counts ticks of 1/90000 s from the loop's beginning."""

    pts: int
    is_key: bool
    packets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedLoop:
    """Pictures in the order of coding and showing, the first one a key frame; `duration` in ticks of 1/90000 s."""

    parameter_sets: bytes
    width: int
    height: int
    duration: int
    pictures: tuple[CodedPicture, ...]
    codec: Codec = Codec.H264

    def __post_init__(self) -> None:
        times = [picture.pts for picture in self.pictures]
        if (
            not times
            or times[0] != 0
            or times[-1] >= self.duration
            or any(b <= a for a, b in pairwise(times))
        ):
            raise ValueError("a loop's pictures begin at 0, come one after the other, and end before it does")
        if not self.pictures[0].is_key:
            raise ValueError("a loop begins with a key frame")

    @property
    def description(self) -> StreamDescription:
        return StreamDescription(
            codec=self.codec,
            parameter_sets=self.parameter_sets,
            clock_rate=CLOCK_RATE,
            width=self.width,
            height=self.height,
        )


def save_loop(loop: CodedLoop, path: Path) -> None:
    """Complete or not at all, also when two processes write the same file."""
    sizes = [(p.pts, p.is_key, [len(packet) for packet in p.packets]) for p in loop.pictures]
    head = {
        "codec": loop.codec,
        "parameter_sets": loop.parameter_sets.hex(),
        "width": loop.width,
        "height": loop.height,
        "duration": loop.duration,
        "pictures": sizes,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.part")
    with draft.open("wb") as file:
        file.write(_MAGIC + json.dumps(head).encode() + b"\n")
        for picture in loop.pictures:
            file.writelines(picture.packets)
    draft.replace(path)


def load_loop(path: Path) -> CodedLoop | None:
    """None when there is no such file, or when what is in it is no whole loop."""
    try:
        content = path.read_bytes()
        if not content.startswith(_MAGIC):
            return None
        line, _, body = content.removeprefix(_MAGIC).partition(b"\n")
        head = json.loads(line)
        pictures, at = [], 0
        for pts, is_key, sizes in head["pictures"]:
            ends = [at + sum(sizes[: n + 1]) for n in range(len(sizes))]
            packets = tuple(body[a:b] for a, b in pairwise([at, *ends]))
            pictures.append(CodedPicture(pts=pts, is_key=is_key, packets=packets))
            at = ends[-1] if ends else at
        if at != len(body):
            return None
        return CodedLoop(
            codec=Codec(head.get("codec", Codec.H264)),
            parameter_sets=bytes.fromhex(head["parameter_sets"]),
            width=head["width"],
            height=head["height"],
            duration=head["duration"],
            pictures=tuple(pictures),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def access_unit(picture: CodedPicture, codec: Codec = Codec.H264) -> bytes:
    """The picture as Annex B, or as a JPEG file."""
    nal = NAL_FORMATS.get(codec)
    return join_annex_b(nal.depacketise(picture.packets)) if nal else mjpeg.depacketise(picture.packets)
