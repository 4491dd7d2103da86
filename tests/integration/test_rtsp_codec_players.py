"""FFmpeg and GStreamer play simulated cameras of the other codecs."""

import json
import shutil

import pytest

from ingest.rtsp.frames import Codec
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.integration.rtsp_places import CLOCK, drawn_pictures, serving
from tests.integration.test_rtsp_players import run

CODECS = [
    (Codec.H265, "hevc", "rtph265depay ! h265parse ! avdec_h265"),
    (Codec.MJPEG, "mjpeg", "rtpjpegdepay ! jpegdec"),
]


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize(("codec", "name", "_"), CODECS)
async def test_ffprobe_plays_a_simulated_camera(codec: Codec, name: str, _: str) -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", encode_pictures(drawn_pictures(25), rate=25, codec=codec))
    async with serving(server) as base:
        what = ("-show_entries", "stream=codec_name,width,height:frame=pict_type", "-of", "json")
        transport = ("-rtsp_transport", "tcp", "-read_intervals", "%+1")
        code, out, err = await run("ffprobe", "-v", "error", *transport, *what, f"{base}/cam")

    assert code == 0, err
    assert err == ""
    found = json.loads(out)
    assert found["streams"] == [{"codec_name": name, "width": 128, "height": 96}]
    assert len(found["frames"]) >= 15
    assert found["frames"][0]["pict_type"] == "I"


@pytest.mark.skipif(shutil.which("gst-launch-1.0") is None, reason="gst-launch-1.0 is not installed")
@pytest.mark.parametrize(("codec", "_", "pipeline"), CODECS)
async def test_gstreamer_plays_a_simulated_camera(codec: Codec, _: str, pipeline: str) -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", encode_pictures(drawn_pictures(25), rate=25, codec=codec))
    async with serving(server) as base:
        source = ["rtspsrc", f"location={base}/cam", "protocols=tcp", "latency=100", "!"]
        code, out, err = await run(
            "gst-launch-1.0", "-q", *source, *pipeline.split(), "!", "fakesink", "num-buffers=15"
        )

    assert code == 0, err
    assert "ERROR" not in out + err
