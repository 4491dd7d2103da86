"""The server's half, alone and joined to the client's half by a wire in memory."""

import pytest

from ingest.rtsp.address import parse_address
from ingest.rtsp.auth import Credential
from ingest.rtsp.client import ClientSession
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import Codec, StreamDescription
from ingest.rtsp.messages import MessageParser, Request, Response, serialise
from ingest.rtsp.nal import join_annex_b
from ingest.rtsp.server import Offer, PlayStarted, PlayStopped, ServerSession
from tests.unit.rtsp.wires import converse

SETS = join_annex_b([b"\x67\x42\x00\x1e\xaa", b"\x68\xce\x3c\x80"])
STREAM = StreamDescription(codec=Codec.H264, parameter_sets=SETS, clock_rate=90_000)
ACCOUNT = Credential("viewer", "s3cr3t")
OFFERS = {
    "/open": Offer(description=STREAM),
    "/deep/er": Offer(description=STREAM),
    "/closed": Offer(description=STREAM, credential=ACCOUNT),
}
TCP = "RTP/AVP/TCP;unicast;interleaved=2-3"


def server(*schemes: str) -> ServerSession:
    return ServerSession(OFFERS.get, schemes or ("sha-256", "md5"))


def ask(
    one: ServerSession, method: str, url: str, *headers: tuple[str, str], sequence: str | None = "1"
) -> Response:
    leading = (("CSeq", sequence),) if sequence is not None else ()
    one.receive(serialise(Request(method, url, (*leading, *headers))))
    parser = MessageParser()
    parser.receive(one.outgoing())
    (response,) = parser.messages()
    assert isinstance(response, Response)
    return response


@pytest.mark.parametrize("schemes", [("md5",), ("sha-256",), ("basic",), ("basic", "md5", "sha-256")])
@pytest.mark.parametrize("path", ["/open", "/open/", "/deep/er", "/open?x=1", "/closed"])
def test_both_halves_come_to_play(schemes: tuple[str, ...], path: str) -> None:
    client = ClientSession(parse_address(f"rtsp://127.0.0.1:8554{path}")[0], ACCOUNT)
    client.start()
    events = converse(client, one := server(*schemes))

    bare = path.rstrip("/").partition("?")[0]
    assert events == [PlayStarted(path=bare, data_channel=0, control_channel=1)]
    assert client.description is not None
    assert client.description.parameter_sets == SETS
    client.keep_alive()
    assert converse(client, one) == []
    client.tear_down()
    assert converse(client, one) == [PlayStopped()]


@pytest.mark.parametrize(
    ("url", "account", "problem"),
    [
        ("rtsp://h/nothing", None, Problem.NOT_FOUND),
        ("rtsp://h/closed", None, Problem.UNAUTHORISED),
        ("rtsp://h/closed", Credential("viewer", "wrong"), Problem.UNAUTHORISED),
    ],
)
def test_the_client_learns_why_not(url: str, account: Credential | None, problem: Problem) -> None:
    client = ClientSession(parse_address(url)[0], account)
    client.start()

    with pytest.raises(RtspError) as caught:
        converse(client, server())
    assert caught.value.reason is problem


def test_udp_is_declined_and_tcp_behind_it_taken() -> None:
    one = server()

    assert (
        ask(one, "SETUP", "rtsp://h/open/track0", ("Transport", "RTP/AVP;unicast;client_port=4-5")).status
        == 461
    )
    taken = ask(one, "SETUP", "rtsp://h/open/track0", ("Transport", f"RTP/AVP;unicast;client_port=4-5,{TCP}"))
    assert (taken.status, taken.header("Transport")) == (200, TCP)


@pytest.mark.parametrize("transport", ["RTP/AVP/TCP;interleaved=3-3", "RTP/AVP/TCP;interleaved=255", ""])
def test_impossible_channels_are_declined(transport: str) -> None:
    assert ask(server(), "SETUP", "rtsp://h/open/track0", ("Transport", transport)).status == 461


def test_the_order_of_a_session_is_kept() -> None:
    one = server()
    assert ask(one, "PLAY", "rtsp://h/open").status == 455
    session = ask(one, "SETUP", "rtsp://h/open/track0", ("Transport", TCP)).header("Session") or ""
    named = ("Session", session.partition(";")[0])

    assert ask(one, "PLAY", "rtsp://h/open", ("Session", "other")).status == 454
    assert ask(one, "PLAY", "rtsp://h/deep/er", named).status == 454
    assert ask(one, "SETUP", "rtsp://h/deep/er/track0", ("Transport", TCP)).status == 459
    assert ask(one, "PLAY", "rtsp://h/open/", named).status == 200
    assert ask(one, "PAUSE", "rtsp://h/open/", named).status == 200
    assert ask(one, "TEARDOWN", "rtsp://h/open/", named).status == 200
    assert ask(one, "PLAY", "rtsp://h/open", named).status == 455


@pytest.mark.parametrize(
    ("method", "url", "sequence", "status"),
    [
        ("OPTIONS", "*", "1", 200),
        ("RECORD", "rtsp://h/open", "1", 405),
        ("DESCRIBE", "rtsp://h/open", None, 400),
        ("DESCRIBE", "http://h/open", "1", 400),
        ("GET_PARAMETER", "rtsp://h/open", "1", 200),
    ],
)
def test_odd_requests_get_a_plain_answer(method: str, url: str, sequence: str | None, status: int) -> None:
    assert ask(server(), method, url, sequence=sequence).status == status


def test_every_request_for_a_closed_path_needs_its_account() -> None:
    for method in ("DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER"):
        response = ask(server(), method, "rtsp://h/closed", ("Transport", TCP))

        assert response.status == 401
        assert len(response.headers_named("WWW-Authenticate")) == 2
