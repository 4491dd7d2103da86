"""What a platform's answer means: an address on a host that the registry names, or a named problem."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farwatch.domain.place import Position
from farwatch.domain.registry import Camera
from ingest.cameras.on_demand import MOST_BYTES, Platform, platform_of, stream_url
from ingest.rtsp.errors import Problem, RtspError

CAMERA = Camera(
    id="c1", name="Gate", enterprise=None, place=Position(30, 120), heading_deg=None, url="rtsp://10.0.0.7/",
    start_url="http://10.0.0.8:18080/api/play/start/1/2?key=topsecret",
)  # fmt: skip
PLATFORM = platform_of(CAMERA, ("api-key", "topsecret"))


def wvp(**data: object) -> bytes:
    return json.dumps({"code": 0, "msg": "ok", "data": data}).encode()


def problem(status: int, body: bytes, platform: Platform = PLATFORM) -> Problem:
    with pytest.raises(RtspError) as caught:
        stream_url(platform, status, body)
    assert "topsecret" not in str(caught.value)
    return caught.value.reason


@pytest.mark.parametrize("host", ["10.0.0.7", "10.0.0.8"])
def test_the_address_may_be_on_the_platforms_or_the_media_servers_host(host: str) -> None:
    url = f"rtsp://{host}:554/rtp/1_2?originTypeStr=rtp_push"
    assert stream_url(PLATFORM, 200, wvp(rtsp=url)) == url


def test_the_address_may_stand_anywhere_in_the_answer() -> None:
    elsewhere = replace(PLATFORM, start_key="result.urls.RTSP")
    body = json.dumps({"code": 200, "result": {"urls": {"RTSP": " rtsp://10.0.0.7/a "}}}).encode()
    assert stream_url(elsewhere, 200, body) == "rtsp://10.0.0.7/a"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, wvp(rtsp="rtsp://10.0.0.9/rtp/1"), Problem.FOREIGN_HOST),
        (200, wvp(rtsp="rtsp://10.0.0.7.evil.example/rtp/1"), Problem.FOREIGN_HOST),
        (200, wvp(rtsp="rtsp://10.0.0.7@10.0.0.9/rtp/1"), Problem.FOREIGN_HOST),
        (200, wvp(rtsp="http://10.0.0.7/rtp/1"), Problem.PROTOCOL),
        (200, wvp(rtsp=""), Problem.NOT_STARTED),
        (200, wvp(rtsp=None), Problem.NOT_STARTED),
        (200, wvp(rtmp="rtmp://10.0.0.7/a"), Problem.NOT_STARTED),
        (200, b'{"code": 486, "msg": "timeout"}', Problem.NOT_STARTED),
        (200, b'{"code": 401, "msg": "sign in"}', Problem.UNAUTHORISED),
        (200, b'{"code": 404, "msg": "no such channel"}', Problem.NOT_FOUND),
        (200, b'"rtsp://10.0.0.7/a"', Problem.NOT_STARTED),
        (200, b"<html>", Problem.PROTOCOL),
        (200, b"[" * 50_000, Problem.PROTOCOL),
        (200, b" " * (MOST_BYTES + 1), Problem.PROTOCOL),
        (302, b"", Problem.PROTOCOL),
        (401, b"", Problem.UNAUTHORISED),
        (403, b"", Problem.UNAUTHORISED),
        (404, b"", Problem.NOT_FOUND),
        (500, b"", Problem.NOT_STARTED),
    ],
)
def test_everything_else_is_a_named_problem(status: int, body: bytes, expected: Problem) -> None:
    assert problem(status, body) is expected


@given(st.integers(100, 599), st.binary(max_size=200))
def test_no_answer_raises_anything_but_a_named_problem(status: int, body: bytes) -> None:
    problem(status, body)


def test_a_platforms_token_is_in_no_text() -> None:
    assert "topsecret" not in repr(replace(PLATFORM, start_url="http://10.0.0.8/"))
    assert PLATFORM.place == "10.0.0.8:18080"
