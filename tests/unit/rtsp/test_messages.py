import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.messages import (
    MAX_HEAD_BYTES,
    Interleaved,
    Message,
    MessageParser,
    Request,
    Response,
    serialise,
)
from tests.unit.rtsp.wires import cut, cuts, mutate, mutations

_word = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=":"), min_size=1, max_size=20
)
_value = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=40).map(str.strip)
_headers = st.lists(
    st.tuples(_word.filter(lambda name: name.lower() != "content-length"), _value), max_size=5
).map(tuple)
_body = st.binary(max_size=200)


def _with_length(message: Request | Response) -> Request | Response:
    """As it comes back: a body is announced by a header."""
    extra = (("Content-Length", str(len(message.body))),) if message.body else ()
    if isinstance(message, Request):
        return Request(message.method, message.url, (*message.headers, *extra), message.body)
    return Response(message.status, message.reason, (*message.headers, *extra), message.body)


_requests = st.builds(Request, st.sampled_from(["OPTIONS", "GET_PARAMETER"]), _word, _headers, _body).map(
    _with_length
)
_responses = st.builds(Response, st.integers(100, 999), _value, _headers, _body).map(_with_length)
_frames = st.builds(Interleaved, st.integers(0, 255), st.binary(max_size=300))
_messages = st.lists(st.one_of(_requests, _responses, _frames), max_size=6)


def parse(pieces: list[bytes], most_rubbish: int = 0) -> tuple[list[Message], str | None]:
    """All messages, and the error that ended them."""
    parser, found = MessageParser(most_rubbish), []
    try:
        for piece in pieces:
            parser.receive(piece)
            for message in parser.messages():
                found.append(message)  # noqa: PERF402 - what came before an error counts
    except RtspError as error:
        return found, str(error)
    return found, None


@given(_messages, cuts)
def test_what_is_sent_is_understood_however_it_is_cut(messages: list[Message], places: list[int]) -> None:
    stream = b"".join(serialise(message) for message in messages)

    assert parse(list(cut(stream, places))) == (messages, None)


@given(_messages, mutations, cuts)
def test_broken_bytes_mean_the_same_however_they_are_cut(
    messages: list[Message], changes: list[tuple[int, int, bytes]], places: list[int]
) -> None:
    stream = mutate(b"".join(serialise(message) for message in messages), changes)
    whole = parse([stream])

    assert parse(list(cut(stream, places))) == whole
    assert parse([stream[i : i + 1] for i in range(len(stream))]) == whole


@given(_messages, mutations, cuts)
def test_rubbish_is_passed_over_in_the_same_way_however_it_is_cut(
    messages: list[Message], changes: list[tuple[int, int, bytes]], places: list[int]
) -> None:
    stream = mutate(b"".join(serialise(message) for message in messages), changes)
    whole = parse([stream], 300)

    assert parse(list(cut(stream, places)), 300) == whole
    assert parse([stream[i : i + 1] for i in range(len(stream))], 300) == whole


PACKET = Interleaved(1, b"\x80\x60" + bytes(20))


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x00\x01",
        bytes(range(0x25, 0x80)),
        b"RTSP",
        b"$",
        b"$\x09",
        b"a=control:left over\r\na=range:npt=now-\r\n",
        serialise(PACKET)[9:],
        b"RTSP/1.0 200 OK\r\nContent-Length: x\r\n\r\n",
    ],
)
@pytest.mark.parametrize("after", [PACKET, Response(200, "OK", (("CSeq", "3"),))])
def test_a_stream_goes_on_behind_rubbish(rubbish: bytes, after: Message) -> None:
    parser = MessageParser(most_rubbish=300)
    parser.expect((0, 1))
    parser.receive(serialise(PACKET) + rubbish + serialise(after) + serialise(PACKET))
    found = list(parser.messages())

    assert (found[0], found[-1]) == (PACKET, PACKET)
    assert after in found[1:]
    assert parser.rubbish == len(rubbish)


def test_behind_rubbish_only_the_cameras_own_channels_count() -> None:
    parser = MessageParser(most_rubbish=300)
    parser.expect((4, 5))
    inner = serialise(Interleaved(1, b"\x80" + bytes(30)))
    parser.receive(b"\x00" + inner + serialise(packet := Interleaved(5, b"\x80" + bytes(9))))

    assert list(parser.messages()) == [packet]


def test_rubbish_has_a_limit() -> None:
    assert parse([bytes(310)], 300)[1] is not None
    assert parse([bytes(300)], 300)[1] is None
    assert parse([(bytes(200) + serialise(PACKET)) * 4], 300) == ([PACKET] * 4, None)


@pytest.mark.parametrize(
    ("sloppy", "understood"),
    [
        (b"RTSP/1.0 200 OK\nCSeq: 3\n\n", Response(200, "OK", (("CSeq", "3"),))),
        (b"RTSP/1.0 200\r\ncseq:3\r\n\r\n", Response(200, "", (("cseq", "3"),))),
        (b"RTSP/2.0 200 OK\r\nCSEQ : 3\r\n\r\n", Response(200, "OK", (("CSEQ", "3"),))),
        (b"rtsp/1.0 404 Not Found \r\n\r\n", Response(404, "Not Found")),
        (b"\r\n\r\nRTSP/1.0 200 OK\r\n\r\n", Response(200, "OK")),
        (
            b"RTSP/1.0 200 OK\r\nPublic: PLAY,\r\n  PAUSE\r\n\r\n",
            Response(200, "OK", (("Public", "PLAY, PAUSE"),)),
        ),
        (b"RTSP/1.0 200 OK\r\nno name here\r\nCSeq: 1\r\n\r\n", Response(200, "OK", (("CSeq", "1"),))),
        (
            b"RTSP/1.0 200 OK\r\nCONTENT-LENGTH: 2\r\n\r\nab",
            Response(200, "OK", (("CONTENT-LENGTH", "2"),), b"ab"),
        ),
        (b"options * RTSP/1.0\r\n\r\n", Request("OPTIONS", "*")),
    ],
)
def test_sloppy_cameras_are_understood(sloppy: bytes, understood: Message) -> None:
    assert parse([sloppy]) == ([understood], None)


@pytest.mark.parametrize(
    "stream",
    [
        b"\x00\x01\x02",
        b"GET / HTTP/1.1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nContent-Length: 99999999\r\n\r\n",
        b"RTSP/1.0 200 OK\r\nX: " + b"a" * MAX_HEAD_BYTES,
    ],
)
def test_nonsense_and_too_much_are_a_named_error(stream: bytes) -> None:
    parser = MessageParser()
    parser.receive(stream)

    with pytest.raises(RtspError) as caught:
        list(parser.messages())
    assert caught.value.reason is Problem.PROTOCOL


def test_header_names_are_found_in_any_case() -> None:
    response = Response(401, headers=(("WWW-Authenticate", "a"), ("Www-authenticate", "b")))

    assert response.header("www-AUTHENTICATE") == "a"
    assert response.headers_named("www-authenticate") == ["a", "b"]


@pytest.mark.parametrize(
    "message",
    [
        Request("PLAY", "rtsp://a\r\nX: y"),
        Response(200, "OK", (("A", "b\nc"),)),
        Interleaved(0, bytes(65536)),
    ],
)
def test_what_would_break_the_stream_is_not_sent(message: Message) -> None:
    with pytest.raises(ValueError, match=r"line break|65535"):
        serialise(message)
