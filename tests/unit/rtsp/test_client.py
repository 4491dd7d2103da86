"""The client's half against scripted cameras: only bytes, no server."""

from dataclasses import replace

import pytest

from ingest.rtsp.auth import Credential
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.messages import Interleaved, Request, Response, serialise
from ingest.rtsp.rtp import SenderReport, build_bye, build_sender_report
from tests.unit.rtsp.scripted_cameras import (
    BASIC,
    DESCRIBED,
    DIGEST,
    OK,
    SECRET,
    SET_UP,
    URL,
    VIDEO,
    Script,
    camera,
    playing,
)
from tests.unit.rtsp.wires import NOON, later, packet


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
        ([OK, Response(503)], Problem.BUSY),
        ([OK, DESCRIBED, Response(453)], Problem.BUSY),
        ([OK, Response(500)], Problem.PROTOCOL),
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
    sent = [after(script, seconds) for seconds in (0, 4.9, 5, 9.9, 10, 19)]

    assert sent[0] == sent[1] == sent[3] == b""
    assert sent[2].startswith(b"$\x05")
    assert b"GET_PARAMETER " + URL.encode() in sent[4]
    assert b"Session: ab\r\n" in sent[4]
    assert b"GET_PARAMETER" not in sent[5], "half the camera's timeout of 20 s"


def after(script: Script, seconds: float) -> bytes:
    """What is sent when the client looks at its watch."""
    script.client.tick(later(seconds))
    return script.client.outgoing()


def keep_alive(script: Script, *answers: Response) -> Request:
    """The next way to keep alive, after the first ones were answered so."""
    for answer in answers:
        script.client.keep_alive()
        script._look()
        script.answer(answer)
    script.client.keep_alive()
    script._look()
    return script.asked[-1]


@pytest.mark.parametrize("status", [405, 501, 451, 454])
def test_keep_alive_falls_back_to_options_and_a_refusal_never_ends_a_stream(status: int) -> None:
    assert keep_alive(playing()).method == "GET_PARAMETER"
    assert keep_alive(playing(), Response(status)).method == "OPTIONS"
    assert keep_alive(playing(), *[Response(status)] * 6).header("Session") is None


def test_keep_alive_that_is_not_answered_is_sent_again_and_ends_nothing() -> None:
    script = playing()
    for _ in range(3):
        script.client.keep_alive()
    script.client.receive(serialise(Interleaved(4, packet(1, 0, b"\x65", marker=True))), NOON)

    assert len(script.client.frames) == 1


def test_a_camera_that_wants_no_sign_in_for_keep_alive_is_asked_in_another_way() -> None:
    script = playing(Credential("u", SECRET))
    script.client.keep_alive()
    script._look()
    refused = Response(401, headers=DIGEST)
    script.answer(refused, refused)
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


def test_a_camera_may_ask_too() -> None:
    script = playing()
    script.client.receive(serialise(Request("OPTIONS", "*", (("CSeq", "77"),))), NOON)
    script.client.receive(serialise(Request("RECORD", "*", (("CSeq", "78"),))), NOON)
    answers = script.client.outgoing()

    assert answers.startswith(b"RTSP/1.0 200 OK\r\nCSeq: 77\r\n")
    assert b"501 Not Implemented\r\nCSeq: 78\r\n" in answers


def test_answers_that_nobody_waits_for_and_early_packets_are_passed_over() -> None:
    script = camera()
    script.client.receive(serialise(Interleaved(0, packet(1, 0, b"\x65", marker=True))), NOON)
    script.answer(OK, DESCRIBED, SET_UP, OK)
    script.client.receive(serialise(Response(454)), NOON)

    assert script.client.outgoing() == b""
    assert script.client.frames == []


@pytest.mark.parametrize(
    ("header", "session", "period_s"),
    [
        ("12345678;timeout=60", "12345678", 30),
        (" a+b/c==$ ; timeout = 20 ;x=y", "a+b/c==$", 10),
        ("1;TimeOut=8", "1", 4),
        ("1;timeout=", "1", 30),
        ("1;timeout=-5", "1", 30),
        ("s with blanks;timeout=5;timeout=9", "s with blanks", 2.5),
    ],
)
def test_sessions_are_named_as_the_camera_does(header: str, session: str, period_s: float) -> None:
    script = camera()
    script.answer(OK, DESCRIBED, Response(200, headers=(("session", header),)))

    assert script.asked[-1].header("Session") == session
    assert script.client.keep_alive_s == period_s


@pytest.mark.parametrize("number", [None, "0", "7", "x"])
def test_a_camera_that_counts_requests_in_its_own_way_is_understood(number: str | None) -> None:
    script = camera()
    headers = (("Cseq", number),) if number is not None else ()
    for response in (OK, DESCRIBED, SET_UP, OK):
        script.client.receive(serialise(replace(response, headers=(*headers, *response.headers))), NOON)
        script._look()

    assert script.client.description is not None


def test_tear_down_names_the_session_and_says_nothing_before_there_is_one() -> None:
    early = camera()
    early.client.tear_down()
    assert early.client.outgoing() == b""
    script = playing()
    script.client.tear_down()

    assert b"TEARDOWN" in (sent := script.client.outgoing())
    assert b"Session: ab\r\n" in sent


def test_rubbish_between_packets_is_passed_over_and_counted() -> None:
    script = playing()
    stream = [serialise(Interleaved(4, packet(n, n * 3600, b"\x65k", marker=True))) for n in range(3)]
    script.client.receive(b"\x00\xff garbage ".join(stream), NOON)

    assert len(script.client.frames) == 3
    assert script.client.counts.rubbish == 22


def test_a_clock_that_is_moved_is_told_by_the_new_time_only() -> None:
    script = playing()
    for second, said in ((0, 0.0), (5, 5.0), (10, 3610.0)):
        report = SenderReport(ssrc=7, captured_at=later(said), timestamp=second * 90_000)
        script.client.receive(serialise(Interleaved(5, build_sender_report(report, "c"))), later(second))
        data = packet(second, second * 90_000, b"\x65k", marker=True)
        script.client.receive(serialise(Interleaved(4, data)), later(second))

    assert [frame.captured_at for frame in script.client.frames] == [NOON, later(5), later(3610)]
    assert script.client.clock_offset_s == -3600
    assert script.client.counts.clock_moved == 1


@pytest.mark.parametrize("named_once", [False, True])
def test_reports_of_a_camera_that_never_names_its_stream_right_are_believed(named_once: bool) -> None:
    script = playing()

    def report(seconds: int, ssrc: int) -> None:
        said = SenderReport(ssrc=ssrc, captured_at=later(seconds - 60), timestamp=seconds * 90_000)
        script.client.receive(serialise(Interleaved(5, build_sender_report(said, "c"))), later(seconds))
        data = packet(seconds, seconds * 90_000, b"\x65\x88", marker=True)
        script.client.receive(serialise(Interleaved(4, data)), later(seconds))

    report(0, 7 if named_once else 0)
    report(5, 7 if named_once else 0)
    report(10, 0)

    told = [frame.captured_at for frame in script.client.frames]
    assert told == ([later(-60), later(-55), None] if named_once else [None, later(-55), later(-50)])


@pytest.mark.parametrize(
    ("status", "location", "target"),
    [
        (305, "rtsp://proxy:8554", "rtsp://proxy:8554/live?channel=1"),
        (305, "rtsp://proxy/", "rtsp://proxy/live?channel=1"),
        (302, " rtsp://other/x ", "rtsp://other/x"),
    ],
)
def test_a_place_without_a_path_is_asked_for_the_same_one(status: int, location: str, target: str) -> None:
    script = camera()
    script.answer(OK, Response(status, headers=(("Location", location),)))

    assert script.client.redirect is not None
    assert script.client.redirect.url == target


def test_a_camera_may_ask_to_be_left_before_it_plays() -> None:
    script = camera()
    request = Request("REDIRECT", URL, (("CSeq", "1"), ("Location", "rtsp://other/x")))
    script.client.receive(serialise(request), NOON)

    assert script.client.redirect is not None
    assert script.client.redirect.url == "rtsp://other/x"
    assert script.client.outgoing().startswith(b"RTSP/1.0 200 OK")


@pytest.mark.parametrize(
    ("base", "track", "setup"),
    [
        ("rtsp://rtsp://cam/b/", "track1", "rtsp://cam/b/track1"),
        ("rtsp://cam/b", "/track1", "rtsp://cam/b/track1"),
        ("RTSP://cam/b/", "rtsp://rtsp://cam/b/track1", "rtsp://cam/b/track1"),
        ("rtsp://cam/cam/realmonitor?channel=1&subtype=0/", "trackID=0", "rtsp://cam/cam/realmonitor?channel=1&subtype=0/trackID=0"),
    ],
)  # fmt: skip
def test_odd_bases_lead_to_the_track(base: str, track: str, setup: str) -> None:
    body = b"v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n" + f"a=control:{track}\r\n".encode()
    script = camera()
    script.answer(OK, Response(200, headers=(("Content-Base", base),), body=body))

    assert script.asked[-1].url == setup


def test_of_several_tracks_the_video_is_taken() -> None:
    """As a Hikvision camera describes itself: sound first, metadata last."""
    sections = [
        "m=audio 0 RTP/AVP 8\r\na=control:rtsp://cam/t/audio\r\na=rtpmap:8 PCMA/8000",
        "m=video 0 RTP/AVP 96\r\na=control:rtsp://cam/t/video\r\na=rtpmap:96 H264/90000",
        "m=application 0 RTP/AVP 107\r\na=control:rtsp://cam/t/meta\r\na=rtpmap:107 vnd.onvif.metadata/90000",
    ]
    body = ("v=0\r\n" + "\r\n".join(sections) + "\r\n").encode()

    assert camera().answer(OK, Response(200, body=body)).url == "rtsp://cam/t/video"


def test_a_clock_that_is_set_back_does_not_end_the_keeping_alive() -> None:
    script = camera()
    script.answer(Response(200, headers=(("Public", "DESCRIBE, GET_PARAMETER"),)), DESCRIBED, SET_UP, OK)
    sent = [after(script, seconds) for seconds in (0, 9, 9 - 3600, 19 - 3600, 29 - 3600)]

    assert [b"GET_PARAMETER" in data for data in sent] == [False, False, True, True, True]
