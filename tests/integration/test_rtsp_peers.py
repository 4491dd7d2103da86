"""Streams that others made, from a server that others wrote: GStreamer's, with every codec, way and encoder setting."""

import asyncio
import shutil
from pathlib import Path

import av
import pytest

from farwatch.domain.registry import Transport
from ingest.cameras.ffmpeg_reader import FfmpegReader
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription, access_unit
from ingest.rtsp.session import RtspReader
from tests.integration.gst_places import SYSTEM_PYTHON, gstreamer
from tests.integration.rtsp_places import CLOCK

pytestmark = pytest.mark.skipif(
    not SYSTEM_PYTHON.exists(), reason="there is no system Python with GStreamer's bindings"
)
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}
Readers = type[RtspReader] | type[FfmpegReader]


def decoded(description: StreamDescription, frames: list[CodedFrame]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create(DECODERS[description.codec], "r")
    first = next(number for number, frame in enumerate(frames) if frame.is_key)
    packets = [av.Packet(access_unit(frame, description)) for frame in frames[first:]]
    return [picture for packet in [*packets, None] for picture in decoder.decode(packet)]  # type: ignore[attr-defined]


async def read(
    url: str, kind: Readers, transport: Transport = Transport.AUTO, at_least: int = 1_000
) -> tuple[StreamDescription, list[CodedFrame]]:
    """So many frames, or all until the stream ends."""
    reader = kind(url, None, CLOCK, 10, 5, transport)
    frames: list[CodedFrame] = []
    try:
        description = await reader.open()
        while len(frames) < at_least:
            frames += await reader.read()
    except RtspError as error:
        if error.reason is not Problem.CLOSED or not frames:
            raise
    finally:
        await reader.close()
    return description, frames


MATRIX = [
    ("video", Codec.H264, Transport.TCP),
    ("video", Codec.H264, Transport.UDP),
    ("h265", Codec.H265, Transport.TCP),
    ("h265", Codec.H265, Transport.UDP),
    ("mjpeg", Codec.MJPEG, Transport.TCP),
    ("mjpeg", Codec.MJPEG, Transport.UDP),
    ("udp", Codec.H264, Transport.AUTO),
    ("tcp", Codec.H264, Transport.AUTO),
]


@pytest.mark.parametrize("kind", [RtspReader, FfmpegReader])
async def test_every_codec_comes_in_every_way(kind: Readers) -> None:
    """At the same time: a second of each is enough, and none waits for another."""
    missing = await lacking("x265enc")
    chosen = [case for case in MATRIX if not (missing and case[1] is Codec.H265)]
    if kind is FfmpegReader:  # it would take datagrams at all addresses of this machine
        chosen = [case for case in chosen if case[2] is not Transport.UDP and case[0] != "udp"]
    async with gstreamer("none") as base, asyncio.TaskGroup() as group:
        tasks = [group.create_task(read(f"{base}/{at}", kind, way, at_least=20)) for at, _, way in chosen]
    for (at, codec, way), task in zip(chosen, tasks, strict=True):
        description, frames = task.result()
        pictures = decoded(description, frames)
        assert description.codec is codec, at
        assert len(pictures) >= 15, (at, way)
        assert {(picture.width, picture.height) for picture in pictures} == {(320, 240)}, at
        assert not any(frame.damaged for frame in frames), (at, way)


async def lacking(element: str) -> bool:
    """GStreamer has no such part here."""
    if shutil.which("gst-inspect-1.0") is None:
        return True
    process = await asyncio.create_subprocess_exec(
        "gst-inspect-1.0", "--exists", element, stdin=asyncio.subprocess.DEVNULL
    )
    return await process.wait() != 0


SETTINGS = {
    "h264-b-frames": "-c:v libx264 -preset veryfast -bf 3 -g 25",
    "h264-slices": "-c:v libx264 -preset ultrafast -x264-params slices=4 -g 25",
    "h264-refresh": "-c:v libx264 -preset veryfast -x264-params intra-refresh=1 -bf 0 -g 10",
    "h264-long": "-c:v libx264 -preset veryfast -g 250",
    "h264-open": "-c:v libx264 -preset veryfast -x264-params open-gop=1:bframes=2 -g 12",
    "h264-still": "-c:v libx264 -preset ultrafast -g 1",
    "h264-low-delay": "-c:v libx264 -preset ultrafast -tune zerolatency -x264-params sliced-threads=1 -threads 4 -g 25",
    "h265-b-frames": "-c:v libx265 -preset ultrafast -x265-params log-level=none:bframes=3:keyint=25 -tag:v hvc1",
    "h265-open": "-c:v libx265 -preset ultrafast -x265-params log-level=none:open-gop=1:keyint=12 -tag:v hvc1",
    "h265-slices": "-c:v libx265 -preset ultrafast -x265-params log-level=none:slices=2:keyint=25 -tag:v hvc1",
}
PICTURES = 50


async def make(path: Path, settings: str) -> Path:
    source = f"testsrc2=size=192x144:rate=50:duration={PICTURES / 50}"
    process = await asyncio.create_subprocess_exec(
        "ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-pix_fmt", "yuv420p", *settings.split(), str(path),
        stdin=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert await process.wait() == 0, settings
    return path


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not installed")
async def test_streams_of_every_encoder_setting_are_read_to_the_last_picture(tmp_path: Path) -> None:
    files = [await make(tmp_path / f"{name}.mp4", settings) for name, settings in SETTINGS.items()]
    async with gstreamer("none", *files) as base, asyncio.TaskGroup() as group:
        tasks = {name: group.create_task(read(f"{base}/{name}", RtspReader)) for name in SETTINGS}
    for name, task in tasks.items():
        description, frames = task.result()
        assert len(frames) >= PICTURES - 1, (name, len(frames))
        assert frames[0].is_key, name
        assert not any(frame.damaged for frame in frames), name
        assert len(decoded(description, frames)) == len(frames), name
        assert (description.width, description.height) == (192, 144) or frames[0].changed is not None, name
