"""A real conversation with broken bytes in it: only the named errors come out, whatever is changed and however it is cut."""

import contextlib

from hypothesis import given, settings
from hypothesis import strategies as st

from farwatch.domain.registry import Transport
from ingest.rtsp.address import parse_address
from ingest.rtsp.auth import Credential
from ingest.rtsp.client import ClientSession
from ingest.rtsp.errors import RtspError
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription, access_unit
from ingest.rtsp.h264 import packetise
from ingest.rtsp.messages import Interleaved, serialise
from ingest.rtsp.rtp import SenderReport, build_bye, build_sender_report
from ingest.rtsp.server import ServerSession
from ingest.rtsp.transports import parse_transport
from tests.unit.rtsp.test_server import ACCOUNT, OFFERS
from tests.unit.rtsp.wires import NOON, cut, cuts, later, mutate, mutations, packet

ADDRESS = parse_address("rtsp://h/closed")[0]


def media() -> bytes:
    """A report and three frames, interleaved."""
    report = build_sender_report(SenderReport(ssrc=7, captured_at=NOON, timestamp=0), "c")
    stream = serialise(Interleaved(1, report))
    sequence = 65_534
    for number, unit in enumerate(
        [b"\x65\x88" + b"k" * 90, b"\x41\x9a" + b"d" * 30, b"\x41\x9a" + b"e" * 40]
    ):
        payloads = packetise([b"\x06s", unit], 40)
        for payload in payloads:
            data = packet(sequence, number * 3600, payload, marker=payload is payloads[-1])
            stream += serialise(Interleaved(0, data))
            sequence += 1
    return stream


def conversation() -> tuple[list[bytes], list[bytes]]:
    """What client and server say in turn until the stream plays, and the stream."""
    client, server = ClientSession(ADDRESS, ACCOUNT), ServerSession(OFFERS.get, ("md5",))
    client.start()
    asked, answered = [], []
    while request := client.outgoing():
        server.receive(request)
        asked.append(request)
        answered.append(server.outgoing())
        client.receive(answered[-1], NOON)
    return asked, [*answered, media()]


ASKED, ANSWERED = conversation()


def read(answers: list[bytes], places: list[int]) -> tuple[list[CodedFrame], str | None]:
    """What a client makes of these answers, each in pieces: frames, and the error that ended it."""
    client = ClientSession(ADDRESS, Credential(ACCOUNT.user, ACCOUNT.password))
    client.start()
    try:
        for answer in answers:
            for piece in cut(answer, places):
                client.receive(piece, NOON)
        client.keep_alive()
        client.tear_down()
    except RtspError as error:
        return client.frames, str(error)
    return client.frames, None


@given(cuts)
def test_frames_are_the_same_however_the_stream_is_cut(places: list[int]) -> None:
    frames, error = read(ANSWERED, places)

    assert error is None
    assert frames == read(ANSWERED, list(range(5_000)))[0]
    assert [(frame.is_key, frame.rtp_time, frame.damaged) for frame in frames] == [
        (True, 0, False),
        (False, 3600, False),
        (False, 7200, False),
    ]


@settings(max_examples=300)
@given(st.lists(st.none() | mutations, min_size=len(ANSWERED), max_size=len(ANSWERED)), cuts)
def test_a_client_that_hears_nonsense_has_a_name_for_it(
    changes: list[list[tuple[int, int, bytes]] | None], places: list[int]
) -> None:
    answers = [mutate(a, c) if c else a for a, c in zip(ANSWERED, changes, strict=True)]
    frames, error = read(answers, places)

    assert (frames, error) == read(answers, [])
    assert ACCOUNT.password not in (error or "")
    for frame in frames:
        access_unit(frame, StreamDescription(codec=Codec.H264, parameter_sets=b"", clock_rate=90_000))


@settings(max_examples=300)
@given(st.lists(st.none() | mutations, min_size=len(ASKED), max_size=len(ASKED)), cuts)
def test_a_server_that_hears_nonsense_has_a_name_for_it(
    changes: list[list[tuple[int, int, bytes]] | None], places: list[int]
) -> None:
    server = ServerSession(OFFERS.get, ("md5", "basic"))
    with contextlib.suppress(RtspError):
        for request, change in zip(ASKED, changes, strict=True):
            for piece in cut(mutate(request, change) if change else request, places):
                server.receive(piece)

    assert ACCOUNT.password.encode() not in server.outgoing()


def playing_udp() -> ClientSession:
    client = ClientSession(ADDRESS, ACCOUNT, Transport.UDP, lambda: (5000, 5001))
    server = ServerSession(OFFERS.get, ("md5",), (Transport.UDP,), lambda: (6000, 6001))
    client.start()
    while request := client.outgoing():
        server.receive(request)
        client.receive(server.outgoing(), NOON)
    return client


@given(
    st.lists(
        st.tuples(st.booleans(), st.binary(max_size=60) | mutations.map(lambda c: mutate(media()[4:90], c))),
        max_size=30,
    )
)
def test_whatever_datagrams_come_only_the_named_errors_come_out(datagrams: list[tuple[bool, bytes]]) -> None:
    client = playing_udp()
    assert client.description is not None
    with contextlib.suppress(RtspError):
        for number, (is_report, data) in enumerate(datagrams):
            if is_report:
                client.receive_report(data, later(number))
            else:
                client.receive_datagrams([data], later(number))
            client.tick(later(number))
    for frame in client.frames:
        access_unit(frame, client.description)


@given(st.text(max_size=60) | st.text("RTP/AVCPUD;interleaved=client_port server-0123456789,", max_size=80))
def test_any_transport_header_is_an_agreement_or_none(text: str) -> None:
    agreed = parse_transport(text)
    for pair in (agreed.channels, agreed.server_ports, agreed.client_ports) if agreed else ():
        assert pair is None or 0 <= min(pair) <= max(pair) <= 65_535


@given(mutations)
def test_broken_packets_never_end_the_session(changes: list[tuple[int, int, bytes]]) -> None:
    client = ClientSession(ADDRESS, ACCOUNT)
    client.start()
    for answer in ANSWERED[:-1]:
        client.receive(answer, NOON)
    client.receive(serialise(Interleaved(0, mutate(media()[4:80], changes))), NOON)
    with contextlib.suppress(RtspError):
        client.receive(serialise(Interleaved(1, mutate(build_bye(7), changes))), NOON)

    assert client.description is not None
