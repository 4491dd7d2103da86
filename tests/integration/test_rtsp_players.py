"""FFmpeg and GStreamer play the simulated cameras, and the reader plays GStreamer's server."""

import asyncio
import json
import shutil

import av
import pytest

from ingest.rtsp.auth import Credential
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import access_unit, parameter_sets_in
from ingest.rtsp.session import RtspReader
from simulators.coded_loop import CodedLoop
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.integration.gst_places import SYSTEM_PYTHON, gstreamer
from tests.integration.rtsp_places import CLOCK, drawn_pictures, read_frames, serving

ACCOUNT = Credential("viewer", "s3cr3t:@/")
IN_URL = "viewer:s3cr3t%3A%40%2F@"


@pytest.fixture(scope="module")
def loop() -> CodedLoop:
    return encode_pictures(drawn_pictures(50), rate=25)


async def run(*command: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(40):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, out.decode(), err.decode()


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize(
    ("schemes", "transport"),
    [
        ((), ("-rtsp_transport", "tcp")),
        (("basic",), ()),
        (("md5",), ()),
        (("sha-256", "md5"), ()),
    ],
)
async def test_ffprobe_plays_a_simulated_camera(
    loop: CodedLoop, schemes: tuple[str, ...], transport: tuple[str, ...]
) -> None:
    server = RtspServer(CLOCK, schemes)
    server.show("/yard/one", loop, ACCOUNT if schemes else None)
    async with serving(server) as base:
        url = base.replace("rtsp://", f"rtsp://{IN_URL}") + "/yard/one"
        what = ("-show_entries", "stream=codec_name,width,height:frame=pict_type,pts_time", "-of", "json")
        code, out, err = await run(
            "ffprobe", "-v", "warning", *transport, "-read_intervals", "%+1.6", *what, url
        )

    assert code == 0, err
    found = json.loads(out)
    assert found["streams"] == [{"codec_name": "h264", "width": 128, "height": 96}]
    kinds = "".join(frame["pict_type"] for frame in found["frames"])
    assert kinds.startswith("I" + "P" * 24 + "I" + "P" * 10)
    times = [
        float(frame["pts_time"]) for frame in found["frames"][1:]
    ]  # FFmpeg has none for any stream's first
    assert times[0] == pytest.approx(0.04, abs=0.001)
    assert times[34] == pytest.approx(1.4, abs=0.001)


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="gst-launch-1.0 is not installed")
@pytest.mark.parametrize("schemes", [(), ("md5",), ("sha-256", "md5")])
async def test_gstreamer_plays_a_simulated_camera(loop: CodedLoop, schemes: tuple[str, ...]) -> None:
    server = RtspServer(CLOCK, schemes)
    server.show("/cam", loop, ACCOUNT if schemes else None)
    async with serving(server) as base:
        source = ["rtspsrc", f"location={base}/cam", "protocols=tcp", "latency=100"]
        source += [f"user-id={ACCOUNT.user}", f"user-pw={ACCOUNT.password}"]
        decode = ["!", "rtph264depay", "!", "h264parse", "!", "avdec_h264", "!", "fakesink", "num-buffers=30"]
        code, out, err = await run("gst-launch-1.0", "-q", *source, *decode)

    assert code == 0, err
    assert "ERROR" not in out + err


@pytest.mark.skipif(not SYSTEM_PYTHON.exists(), reason="there is no system Python with GStreamer's bindings")
@pytest.mark.parametrize("method", ["none", "basic", "digest"])
async def test_the_reader_plays_gstreamers_server(method: str) -> None:
    async with gstreamer(method) as base:
        url = f"{base}/video"
        reader = RtspReader(url, ACCOUNT, CLOCK)
        try:
            description = await reader.open()
            frames = await read_frames(reader, 40)
        finally:
            await reader.close()
        wrong = RtspReader(url, Credential("viewer", "wrong"), CLOCK)
        if method != "none":
            with pytest.raises(RtspError) as caught:
                await wrong.open()
            assert caught.value.reason is Problem.UNAUTHORISED
            await wrong.close()

    first = next(number for number, frame in enumerate(frames) if frame.is_key)
    decoder = av.CodecContext.create("h264", "r")
    pictures = [
        picture
        for frame in frames[first:]
        for picture in decoder.decode(av.Packet(access_unit(frame, description)))  # type: ignore[attr-defined]
    ]
    assert len(pictures) >= len(frames) - first - 2
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 240)}
    assert not any(frame.damaged for frame in frames)
    assert description.parameter_sets or parameter_sets_in(frames[first], description.codec)


async def test_a_server_that_is_killed_is_noticed(loop: CodedLoop) -> None:
    async with gstreamer("none") as base:
        reader = RtspReader(f"{base}/video", None, CLOCK, idle_timeout_s=2)
        await reader.open()
        await reader.read()
    with pytest.raises(RtspError) as caught:
        await read_frames(reader, 1_000)
    await reader.close()

    assert caught.value.reason is Problem.CLOSED
