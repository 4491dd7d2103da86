"""The client's half where pictures come as datagrams: only bytes, no server."""

import pytest

from farwatch.domain.registry import Transport
from ingest.rtsp.address import parse_address
from ingest.rtsp.client import ClientSession
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.messages import Interleaved, Response, serialise
from ingest.rtsp.rtp import SenderReport, build_bye, build_sender_report
from tests.unit.rtsp.scripted_cameras import DESCRIBED, OK, SET_UP, URL, Script, playing
from tests.unit.rtsp.wires import NOON, later, packet

UDP_SET_UP = Response(
    200,
    headers=(
        ("Session", "ab"),
        ("Transport", "RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001;ssrc=00000007"),
    ),
)
ASKED_UDP = "RTP/AVP;unicast;client_port=5000-5001"


def wired(transport: Transport) -> Script:
    client = ClientSession(parse_address(URL)[0], None, transport, lambda: (5000, 5001))
    client.start()
    script = Script(client)
    script.answer(OK, DESCRIBED)
    return script


@pytest.mark.parametrize("refusal", [Response(461), Response(406), UDP_SET_UP])
def test_datagrams_are_asked_for_where_tcp_is_refused(refusal: Response) -> None:
    script = wired(Transport.AUTO)
    assert script.asked[-1].header("Transport") == "RTP/AVP/TCP;unicast;interleaved=0-1"
    assert script.answer(refusal).header("Transport") == ASKED_UDP
    script.answer(UDP_SET_UP, OK)

    assert script.client.description is not None
    assert script.client.is_udp
    assert script.client.server_ports == (6000, 6001)


@pytest.mark.parametrize(
    ("transport", "answers"),
    [
        (Transport.TCP, [Response(461)]),
        (Transport.TCP, [UDP_SET_UP]),
        (Transport.AUTO, [Response(461), Response(461)]),
        (Transport.UDP, [Response(461)]),
    ],
)
def test_a_camera_that_refuses_what_is_left_is_named(transport: Transport, answers: list[Response]) -> None:
    script = wired(transport)
    script.answer(*answers[:-1])

    with pytest.raises(RtspError) as caught:
        script.answer(answers[-1])
    assert caught.value.reason is Problem.PROTOCOL


def test_a_camera_that_is_asked_for_datagrams_and_sends_over_the_connection_is_read_there() -> None:
    script = wired(Transport.UDP)
    script.answer(SET_UP, OK)
    script.client.receive(serialise(Interleaved(4, packet(1, 0, b"\x65", marker=True))), NOON)

    assert not script.client.is_udp
    assert len(script.client.frames) == 1


def test_datagrams_come_in_any_order_and_their_reports_go_their_own_way() -> None:
    script = wired(Transport.UDP)
    script.answer(UDP_SET_UP, OK)
    client = script.client
    one, two, three = (packet(n, n * 3600, bytes([0x65, n]), marker=True) for n in (1, 2, 3))
    client.receive_datagrams([one, three, two], NOON)
    client.receive_report(
        build_sender_report(SenderReport(ssrc=7, captured_at=NOON, timestamp=0), "c"), later(1)
    )
    client.tick(NOON)
    client.tick(later(5))

    assert [frame.packets[0][1] for frame in client.frames] == [1, 2, 3]
    assert client.clock_offset_s == 1.0
    assert len(client.outgoing_reports()) == 1
    assert client.outgoing_reports() == []
    with pytest.raises(RtspError):
        client.receive_report(build_bye(7), later(6))


def test_a_lost_datagram_is_waited_for_and_then_counted() -> None:
    script = wired(Transport.UDP)
    script.answer(UDP_SET_UP, OK)
    script.client.receive_datagrams([packet(n, n * 3600, b"\x65\x88k", marker=True) for n in (1, 3, 4)], NOON)
    script.client.tick(later(0.1))
    assert len(script.client.frames) == 1
    script.client.tick(later(1))

    assert [frame.damaged for frame in script.client.frames] == [False, True, False]
    assert script.client.counts.lost == 1


def test_datagrams_that_nobody_asked_for_are_passed_over() -> None:
    script = playing()
    script.client.receive_datagrams([packet(1, 0, b"\x65", marker=True)], NOON)
    script.client.receive_report(build_bye(7), NOON)

    assert script.client.frames == []
