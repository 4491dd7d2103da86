"""The client's half against scripted cameras: only bytes, no server."""

import pytest

from ingest.rtsp.address import parse_address
from ingest.rtsp.auth import Credential
from ingest.rtsp.client import ClientSession
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.messages import Interleaved, MessageParser, Request, Response, serialise
from ingest.rtsp.rtp import SenderReport, build_bye, build_sender_report
from tests.unit.rtsp.wires import NOON, packet

URL = "rtsp://cam/live?channel=1"
VIDEO = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\na=control:track1\r\n"
SECRET = "s3cr3t"
DIGEST = (("WWW-Authenticate", 'Digest realm="r", nonce="n"'),)
BASIC = (("WWW-Authenticate", 'Basic realm="r"'),)


class Script:
    """A camera that answers each request with the next response, and keeps what was asked."""

    def __init__(self, client: ClientSession) -> None:
        self.client = client
        self.asked: list[Request] = []
        self._parser = MessageParser()
        self._look()

    def _look(self) -> None:
        self._parser.receive(self.client.outgoing())
        self.asked += [message for message in self._parser.messages() if isinstance(message, Request)]

    def answer(self, *responses: Response) -> Request:
        """The last request after these answers."""
        for response in responses:
            sequence = self.asked[-1].header("CSeq") or ""
            full = Response(response.status, "", (("CSeq", sequence), *response.headers), response.body)
            self.client.receive(serialise(full), NOON)
            self._look()
        return self.asked[-1]


def camera(url: str = URL, credential: Credential | None = None) -> Script:
    client = ClientSession(parse_address(url)[0], credential)
    client.start()
    return Script(client)


OK = Response(200)
DESCRIBED = Response(200, headers=(("Content-Base", "rtsp://cam/live?channel=1/"),), body=VIDEO)
SET_UP = Response(
    200, headers=(("Session", "ab;timeout=20"), ("Transport", "RTP/AVP/TCP;unicast;interleaved=4-5"))
)


def playing(credential: Credential | None = None) -> Script:
    script = camera(credential=credential)
    script.answer(OK, DESCRIBED, SET_UP, OK)
    return script


def test_the_way_to_the_first_frame() -> None:
    script = playing()

    assert [request.method for request in script.asked] == ["OPTIONS", "DESCRIBE", "SETUP", "PLAY"]
    assert [request.url for request in script.asked] == [URL, URL, "rtsp://cam/live?channel=1/track1", URL]
    assert script.asked[2].header("Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    assert script.asked[3].header("Session") == "ab"
    assert script.client.description is not None
    assert script.client.description.codec == "h264"
    assert script.client.keep_alive_s == 10


@pytest.mark.parametrize(
    ("base", "session", "track", "setup", "play"),
    [
        (None, "", "track1", f"{URL}/track1", URL),
        (None, "*", "track1", f"{URL}/track1", URL),
        ("/", "", "track1", f"{URL}/track1", URL),
        ("rtsp://cam/b/", "*", "track1", "rtsp://cam/b/track1", "rtsp://cam/b/"),
        ("rtsp://cam/b/", "rtsp://cam/all", "rtsp://cam/one", "rtsp://cam/one", "rtsp://cam/all"),
        (None, "", "", URL, URL),
    ],
)
def test_control_addresses_are_found_as_cameras_mean_them(
    base: str | None, session: str, track: str, setup: str, play: str
) -> None:
    whole, part = (f"a=control:{name}\r\n".encode() if name else b"" for name in (session, track))
    body = b"v=0\r\n" + whole + b"m=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" + part
    script = camera()
    script.answer(OK, Response(200, headers=(("Content-Base", base),) if base else (), body=body), SET_UP)

    assert [request.url for request in script.asked[2:]] == [setup, play]


def test_packets_are_taken_from_the_channels_that_the_camera_chose() -> None:
    script = playing()
    report = build_sender_report(SenderReport(ssrc=7, captured_at=NOON, timestamp=0), "c")
    stream = [
        (5, report),
        (0, packet(1, 0, b"\x65no", marker=True)),
        (4, packet(1, 0, b"\x65yes", marker=True)),
    ]
    for channel, data in stream:
        script.client.receive(serialise(Interleaved(channel, data)), NOON)

    (frame,) = script.client.frames
    assert (frame.packets, frame.captured_at) == ((b"\x65yes",), NOON)


@pytest.mark.parametrize(
    ("responses", "problem"),
    [
        ([OK, Response(404)], Problem.NOT_FOUND),
        ([OK, Response(403)], Problem.UNAUTHORISED),
        ([OK, Response(401, headers=BASIC)], Problem.UNAUTHORISED),
        ([OK, Response(503)], Problem.PROTOCOL),
        ([OK, Response(200, body=b"m=audio 0 RTP/AVP 0\r\n")], Problem.NO_VIDEO),
        ([OK, Response(200, body=b"")], Problem.NO_VIDEO),
        ([OK, Response(200, body=VIDEO.replace(b"H264", b"VP8"))], Problem.UNSUPPORTED_CODEC),
        ([OK, Response(200, body=b"m=video 0 RTP/AVP 32\r\n")], Problem.UNSUPPORTED_CODEC),
        ([OK, DESCRIBED, Response(461)], Problem.PROTOCOL),
        ([OK, DESCRIBED, Response(200)], Problem.PROTOCOL),
        (
            [OK, DESCRIBED, Response(200, headers=(("Session", "a"), ("Transport", "RTP/AVP;unicast")))],
            Problem.PROTOCOL,
        ),
        ([OK, DESCRIBED, SET_UP, Response(454)], Problem.PROTOCOL),
        ([Response(302, headers=(("Location", "http://other/"),))], Problem.PROTOCOL),
        ([Response(302, headers=(("Location", "rtsp://[bad"),))], Problem.PROTOCOL),
    ],
)
def test_what_goes_wrong_has_a_name(responses: list[Response], problem: Problem) -> None:
    script = camera()
    script.answer(*responses[:-1])

    with pytest.raises(RtspError) as caught:
        script.answer(responses[-1])
    assert caught.value.reason is problem


def test_a_camera_that_does_not_know_options_is_asked_on() -> None:
    assert camera().answer(Response(501)).method == "DESCRIBE"


def test_a_challenge_is_answered_once_and_then_on_every_request() -> None:
    script = camera(credential=Credential("u", SECRET))
    again = script.answer(OK, Response(401, headers=(*DIGEST, *BASIC)))

    assert again.method == "DESCRIBE"
    assert (again.header("Authorization") or "").startswith("Digest ")
    assert "Digest" in (script.answer(DESCRIBED).header("Authorization") or "")
    assert not any(SECRET.encode() in serialise(request) for request in script.asked)


def test_a_wrong_password_is_tried_once_only() -> None:
    script = camera(credential=Credential("u", SECRET))
    script.answer(OK, Response(401, headers=DIGEST))

    with pytest.raises(RtspError) as caught:
        script.answer(Response(401, headers=(("WWW-Authenticate", 'Digest realm="r", nonce="other"'),)))
    assert caught.value.reason is Problem.UNAUTHORISED
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("location", "target"), [("rtsp://u:p@other:8554/x", "rtsp://other:8554/x"), ("/new", "rtsp://cam/new")]
)
def test_a_redirect_is_told_without_an_account(location: str, target: str) -> None:
    script = camera()
    script.answer(OK, Response(301, headers=(("Location", location),)))

    assert script.client.redirect is not None
    assert script.client.redirect.url == target
    assert script.client.description is None


def test_keep_alive_asks_what_the_camera_knows_and_reports_reception() -> None:
    script = camera()
    script.answer(Response(200, headers=(("Public", "DESCRIBE, GET_PARAMETER"),)), DESCRIBED, SET_UP, OK)
    script.client.receive(serialise(Interleaved(4, packet(1, 0, b"\x65", marker=True))), NOON)
    script.client.keep_alive()
    sent = script.client.outgoing()

    assert sent.startswith(b"GET_PARAMETER " + URL.encode())
    assert b"Session: ab\r\n" in sent
    assert sent[sent.index(b"\r\n\r\n") + 4 :].startswith(b"$\x05")


@pytest.mark.parametrize("status", [405, 501, 451])
def test_keep_alive_falls_back_to_options(status: int) -> None:
    script = playing()
    script.client.keep_alive()
    script._look()
    assert script.asked[-1].method == "GET_PARAMETER"
    script.answer(Response(status))
    script.client.keep_alive()
    script._look()

    assert script.asked[-1].method == "OPTIONS"


def test_keep_alive_with_an_old_nonce_signs_in_anew() -> None:
    script = camera(credential=Credential("u", SECRET))
    script.answer(OK, Response(401, headers=DIGEST), DESCRIBED, SET_UP, OK)
    script.client.keep_alive()
    script._look()
    again = script.answer(
        Response(401, headers=(("WWW-Authenticate", 'Digest realm="r", nonce="two", stale=true'),))
    )

    assert again.method == "GET_PARAMETER"
    assert 'nonce="two"' in (again.header("Authorization") or "")


@pytest.mark.parametrize(
    "data",
    [
        serialise(Interleaved(5, build_bye(7))),
        serialise(Request("TEARDOWN", URL, (("CSeq", "1"),))),
        serialise(Request("REDIRECT", URL, (("CSeq", "1"),))),
    ],
)
def test_the_cameras_own_end_is_an_end_and_frames_before_it_count(data: bytes) -> None:
    script = playing()
    last = serialise(Interleaved(4, packet(1, 0, b"\x65k", marker=True)))

    with pytest.raises(RtspError) as caught:
        script.client.receive(last + data, NOON)
    assert caught.value.reason is Problem.CLOSED
    assert len(script.client.frames) == 1


def test_a_forgotten_session_is_an_end() -> None:
    script = playing()
    script.client.keep_alive()
    script._look()

    with pytest.raises(RtspError) as caught:
        script.answer(Response(454))
    assert caught.value.reason is Problem.CLOSED


def test_a_camera_may_ask_too() -> None:
    script = playing()
    script.client.receive(serialise(Request("OPTIONS", "*", (("CSeq", "77"),))), NOON)
    script.client.receive(serialise(Request("RECORD", "*", (("CSeq", "78"),))), NOON)
    answers = script.client.outgoing()

    assert answers.startswith(b"RTSP/1.0 200 OK\r\nCSeq: 77\r\n")
    assert b"501 Not Implemented\r\nCSeq: 78\r\n" in answers


def test_answers_to_other_requests_and_early_packets_are_passed_over() -> None:
    script = camera()
    script.client.receive(serialise(Response(200, headers=(("CSeq", "99"),))), NOON)
    script.client.receive(serialise(Interleaved(0, packet(1, 0, b"\x65", marker=True))), NOON)

    assert script.client.outgoing() == b""
    assert script.client.frames == []


def test_tear_down_names_the_session_and_says_nothing_before_there_is_one() -> None:
    early = camera()
    early.client.tear_down()
    assert early.client.outgoing() == b""
    script = playing()
    script.client.tear_down()

    assert b"TEARDOWN" in (sent := script.client.outgoing())
    assert b"Session: ab\r\n" in sent
