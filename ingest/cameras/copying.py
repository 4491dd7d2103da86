"""The child process that makes the copy of a clip for browsers: H.264, at most 720p. It gives way to everybody else.

    python -m ingest.cameras.copying SOURCE TARGET

It runs under limits of memory, time and file size, because decoders meet hostile bytes here. One line of JSON on standard
output says what it made; any other end is no copy.
"""

import json
import os
import resource
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from farwatch.runtime.processes import end_with_parent

LARGEST = (1280, 720)
CPU_MAX_S = 240
"""Twenty times what half a minute of 1080p25 takes; 4K takes four times of it."""
CPU_GRACE_S = 10
"""At the lower limit it gets SIGXCPU, at the upper one SIGKILL, which looks like the machine's."""
MEMORY_MAX_BYTES = 3 << 30
FILE_MAX_BYTES = 256 << 20
LOWEST_PRIORITY = 19
USUAL_RATE = 25
ENCODER = {"preset": "veryfast", "crf": "26", "profile": "high"}
NO_COPY = 3


def copy(source: Path, target: Path) -> dict[str, object]:
    """Every picture that decodes, at its own time; says what was made. Raises av.FFmpegError, ValueError without any."""
    with (
        av.open(str(source)) as original,
        av.open(str(target), "w", options={"movflags": "+faststart"}) as made,
    ):
        video = original.streams.video[0]
        video.codec_context.thread_count = 1
        width, height = fitted(video.width, video.height)
        out = made.add_stream("libx264", rate=USUAL_RATE, options=ENCODER)
        out.width, out.height, out.pix_fmt = width, height, "yuv420p"
        out.codec_context.time_base = video.time_base or Fraction(1, 90_000)
        out.codec_context.thread_count = 1
        frames = 0
        for frame in _pictures(original, video):
            small = frame.reformat(width=width, height=height, format="yuv420p")
            made.mux(out.encode(small))
            frames += 1
        if not frames:
            raise ValueError("no picture of the clip decodes")
        made.mux(out.encode(None))
    return {"codec": "h264", "width": width, "height": height, "frames": frames}


def _pictures(original: av.container.InputContainer, video: VideoStream) -> Iterator[VideoFrame]:
    """In the order of showing, each later than the one before; what does not decode is passed over."""
    last: int | None = None
    for packet in original.demux(video):
        try:
            frames = packet.decode()
        except av.error.InvalidDataError:
            continue
        for frame in frames:
            if isinstance(frame, VideoFrame) and frame.pts is not None and (last is None or frame.pts > last):
                last = frame.pts
                yield frame


def fitted(width: int, height: int) -> tuple[int, int]:
    """At most LARGEST, the same shape, both sides even and at least 2."""
    scale = min(1.0, LARGEST[0] / width, LARGEST[1] / height)
    return max(2, round(width * scale) // 2 * 2), max(2, round(height * scale) // 2 * 2)


def main(source: str, target: str) -> int:
    end_with_parent()
    os.nice(LOWEST_PRIORITY)
    for what, most, at_last in (
        (resource.RLIMIT_AS, MEMORY_MAX_BYTES, MEMORY_MAX_BYTES),
        (resource.RLIMIT_CPU, CPU_MAX_S, CPU_MAX_S + CPU_GRACE_S),
        (resource.RLIMIT_FSIZE, FILE_MAX_BYTES, FILE_MAX_BYTES),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(what, (most, at_last))
    try:
        said = copy(Path(source), Path(target))
    except (av.FFmpegError, ValueError, IndexError, MemoryError) as error:
        sys.stderr.write(f"{error}\n")
        return NO_COPY
    sys.stdout.write(json.dumps(said) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
