import base64

from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp import sdp
from ingest.rtsp.frames import Codec, StreamDescription
from ingest.rtsp.nal import join_annex_b
from tests.unit.rtsp.wires import mutate, mutations

CAMERA = """v=0
o=- 1 1 IN IP4 192.0.2.1
s=Media Presentation
a=control:rtsp://192.0.2.1/base/
m=audio 0 RTP/AVP 8
a=control:trackID=2
m=video 0 RTP/AVP 26
m=video 0 RTP/AVP 96
b=AS:5000
A=ignored
a=rtpmap:97 H265/90000
a=rtpmap:96 h264/90000
a=fmtp:96 Packetization-Mode=1;profile-level-id=420029; sprop-parameter-sets=Z0IAKeKQ,aM48gA==,!!,
a=control:trackID=1
"""

_bytes = st.binary(min_size=4, max_size=20).map(lambda b: b.replace(b"\x00", b"\x01"))


def test_a_cameras_description_is_understood() -> None:
    audio, jpeg, video = sdp.parse_sdp(CAMERA).media

    assert (audio.kind, audio.control) == ("audio", "trackID=2")
    assert (jpeg.codec, jpeg.clock_rate) == ("JPEG", 90_000)
    assert (video.codec, video.clock_rate, video.payload_type, video.control) == (
        "H264",
        90_000,
        96,
        "trackID=1",
    )
    assert video.fmtp["packetization-mode"] == "1"
    assert sdp.parse_sdp(CAMERA).control == "rtsp://192.0.2.1/base/"
    sets = [base64.b64decode("Z0IAKeKQ"), base64.b64decode("aM48gA==")]
    assert sdp.parameter_sets(video, Codec.H264) == join_annex_b(sets)


@given(_bytes, _bytes, st.integers(96, 127))
def test_what_is_written_is_read_again(sps: bytes, pps: bytes, payload_type: int) -> None:
    sets = join_annex_b([b"\x67" + sps, b"\x68" + pps])
    stream = StreamDescription(codec=Codec.H264, parameter_sets=sets, clock_rate=90_000)
    text = sdp.write_sdp(stream, name="x", payload_type=payload_type, control="track0")
    (media,) = sdp.parse_sdp(text).media

    assert (media.codec, media.clock_rate, media.control) == ("H264", 90_000, "track0")
    assert media.payload_type == payload_type
    assert sdp.parameter_sets(media, Codec.H264) == sets


@given(mutations, st.text(max_size=60))
def test_no_text_makes_it_fall_over(changes: list[tuple[int, int, bytes]], noise: str) -> None:
    broken = mutate(CAMERA.encode(), changes).decode("utf-8", "replace")
    for text in (broken, noise, broken + noise):
        for media in sdp.parse_sdp(text).media:
            assert 0 <= media.payload_type <= 127
            sdp.parameter_sets(media, Codec.H264)
