"""RTSP requests, responses and interleaved data, to bytes and from a byte stream fed in pieces of any size.

Lenient where cameras are sloppy (bare LF, missing reason phrase, header names in any case, continued lines, with
`most_rubbish` bytes of anything between two messages), strict about sizes.
"""

import re
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias

from ingest.rtsp.errors import Problem, RtspError

MAX_HEAD_BYTES = 32 * 1024
MAX_BODY_BYTES = 256 * 1024
_MAX_LINE_BYTES = 4096
_DOLLAR, _INTERLEAVED_HEAD = 0x24, 4
_START_BYTES = 6
"""So many must be seen to know whether a message begins there."""
_BINARY = re.compile(rb"[\x00-\x08]")
_VERSION = re.compile(rb"RTSP/\d", re.IGNORECASE)
_HEAD_END = re.compile(rb"\r?\n\r?\n")
_RESPONSE_LINE = re.compile(r"RTSP/(\d\.\d)\s+(\d{3})(?:\s+(.*))?", re.IGNORECASE)
_REQUEST_LINE = re.compile(r"([A-Z_]+)\s+(\S+)\s+RTSP/(\d\.\d)", re.IGNORECASE)

HeaderList: TypeAlias = tuple[tuple[str, str], ...]


def _first(headers: HeaderList, name: str) -> str | None:
    wanted = name.lower()
    return next((value for key, value in headers if key.lower() == wanted), None)


def _every(headers: HeaderList, name: str) -> list[str]:
    wanted = name.lower()
    return [value for key, value in headers if key.lower() == wanted]


@dataclass(frozen=True, slots=True)
class Request:
    method: str
    url: str
    headers: HeaderList = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value under that name, in any case of letters."""
        return _first(self.headers, name)

    def headers_named(self, name: str) -> list[str]:
        return _every(self.headers, name)


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    reason: str = ""
    headers: HeaderList = ()
    body: bytes = b""

    def header(self, name: str) -> str | None:
        """The first value under that name, in any case of letters."""
        return _first(self.headers, name)

    def headers_named(self, name: str) -> list[str]:
        return _every(self.headers, name)


class Interleaved(NamedTuple):
    """A binary packet inside the RTSP connection (RFC 2326 §10.12)."""

    channel: int
    payload: bytes


Message: TypeAlias = Request | Response | Interleaved
Taker: TypeAlias = Callable[[bytes, int], int]
"""Gets a stream and where a packet begins in it, and takes as many of the packets there as it likes: says where it stopped."""


def serialise(message: Message) -> bytes:
    """The bytes on the wire. Raises ValueError for a line break in a line, or a payload of more than 65535 bytes."""
    if isinstance(message, Interleaved):
        if len(message.payload) > 0xFFFF:
            raise ValueError("an interleaved payload holds at most 65535 bytes")
        return b"$%c%b%b" % (message.channel, len(message.payload).to_bytes(2, "big"), message.payload)
    if isinstance(message, Request):
        lines = [f"{message.method} {message.url} RTSP/1.0"]
    else:
        lines = [f"RTSP/1.0 {message.status} {message.reason}"]
    lines += [f"{name}: {value}" for name, value in message.headers if name.lower() != "content-length"]
    if message.body:
        lines.append(f"Content-Length: {len(message.body)}")
    if any("\r" in line or "\n" in line for line in lines):
        raise ValueError("a line break inside a line of an RTSP message")
    return "\r\n".join([*lines, "", ""]).encode() + message.body


class MessageParser:
    """Feed with `receive`, then take what is complete from `messages`.

    >>> parser = MessageParser()
    >>> parser.receive(b"RTSP/1.0 200 OK\\r\\nCSe"); list(parser.messages())
    []
    >>> parser.receive(b"q: 1\\r\\n\\r\\n"); [m.status for m in parser.messages()]
    [200]
    """

    def __init__(self, most_rubbish: int = 0) -> None:
        """`most_rubbish` bytes in a row that make no sense are passed over and counted in `rubbish`; more are an error."""
        self.rubbish = 0
        self._most_rubbish = most_rubbish
        self._in_a_row = 0
        self._channels: Container[int] = range(256)
        self._start = _start_of((0, 1))
        self._data = b""

    def expect(self, channels: tuple[int, int]) -> None:
        """A packet of another channel must look like one, and behind rubbish only these show where the stream goes on."""
        self._channels = channels
        self._start = _start_of(channels)

    def receive(self, data: bytes | memoryview) -> None:
        """Takes a copy: `data` may be a buffer that is used again."""
        self._data = b"".join((self._data, data))

    def messages(self, take: Taker | None = None) -> Iterator[Message]:
        """Complete messages in order, without the packets that `take` takes.

        Raises RtspError(PROTOCOL) where the stream makes no sense; it stays there.
        """
        data, at, end = self._data, 0, len(self._data)
        try:
            while at < end:
                first = data[at]
                if self._in_a_row:
                    at = self._pass_rubbish(data, at)
                    if self._in_a_row:
                        return
                elif first == _DOLLAR and take is not None and (further := take(data, at)) > at:
                    at = further
                elif first == _DOLLAR:
                    if end - at < _INTERLEAVED_HEAD:
                        return
                    begin = at + _INTERLEAVED_HEAD
                    stop = begin + (data[at + 2] << 8 | data[at + 3])
                    channel = data[at + 1]
                    if channel not in self._channels and begin < min(stop, end) and data[begin] >> 6 != 2:
                        at = self._begin_rubbish(at)
                        continue
                    if stop > end:
                        return
                    at = stop
                    yield Interleaved(channel, data[begin:stop])
                elif first in b"\r\n":
                    at += 1
                else:
                    try:
                        found = _text_message(data, at)
                    except RtspError:
                        if not self._most_rubbish:
                            raise
                        at = self._begin_rubbish(at)
                        continue
                    if found is None:
                        return
                    message, at = found
                    yield message
        finally:
            self._data = data[at:]

    def _begin_rubbish(self, at: int) -> int:
        self._in_a_row = 1
        self.rubbish += 1
        return at + 1

    def _pass_rubbish(self, data: bytes, at: int) -> int:
        """Where the stream may go on; still `_in_a_row` when that is not in sight."""
        match = self._start.search(data, at)
        stop = match.start() if match else max(at, len(data) - _START_BYTES + 1)
        self.rubbish += stop - at
        self._in_a_row += stop - at
        if self._in_a_row > self._most_rubbish:
            raise RtspError(Problem.PROTOCOL, f"more than {self._most_rubbish} bytes that make no sense")
        if match:
            self._in_a_row = 0
        return stop


def _start_of(channels: tuple[int, int]) -> re.Pattern[bytes]:
    """An answer, or a packet of RTP or RTCP, version 2, in one of these channels."""
    either = b"".join(re.escape(bytes([channel])) for channel in channels)
    return re.compile(rb"RTSP/\d|\$[" + either + rb"][\x00-\xff]{2}[\x80-\xbf]")


def _text_message(data: bytes, at: int) -> tuple[Request | Response, int] | None:
    """The message that begins at `at` and where it ends; None when it is not complete yet."""
    if not _may_be_text(data, at):
        raise RtspError(Problem.PROTOCOL, "bytes that are neither a message nor interleaved data")
    match = _HEAD_END.search(data, at, at + MAX_HEAD_BYTES)
    if match is None:
        if len(data) - at >= MAX_HEAD_BYTES:
            raise RtspError(Problem.PROTOCOL, f"a message head of more than {MAX_HEAD_BYTES} bytes")
        return None
    lines = _unfold(data[at : match.start()].decode("utf-8", "replace"))
    headers = tuple(pair for line in lines[1:] if (pair := _header(line)) is not None)
    length = _body_length(headers)
    stop = match.end() + length
    if stop > len(data):
        return None
    body = data[match.end() : stop]
    if match_response := _RESPONSE_LINE.fullmatch(lines[0]):
        status, reason = int(match_response[2]), (match_response[3] or "").strip()
        return Response(status, reason, headers, body), stop
    if match_request := _REQUEST_LINE.fullmatch(lines[0]):
        return Request(match_request[1].upper(), match_request[2], headers, body), stop
    raise RtspError(Problem.PROTOCOL, f"not an RTSP message: {lines[0][:80]!r}")


def _may_be_text(data: bytes, at: int) -> bool:
    """False once the first line shows that no message begins here: there is no need to wait for the end of its head."""
    if not data[at : at + 1].isalpha():
        return False
    line_end = data.find(b"\n", at, at + _MAX_LINE_BYTES)
    if line_end < 0:
        return len(data) - at < _MAX_LINE_BYTES and _BINARY.search(data, at) is None
    return _VERSION.search(data, at, line_end) is not None and _BINARY.search(data, at, line_end) is None


def _unfold(head: str) -> list[str]:
    """Lines of a head; a line that begins with white space goes on where the one before ended."""
    lines: list[str] = []
    for raw in head.split("\n"):
        line = raw.removesuffix("\r").replace("\r", " ")
        if line[:1] in (" ", "\t") and lines:
            lines[-1] = f"{lines[-1]} {line.strip()}"
        else:
            lines.append(line.strip())
    return lines


def _header(line: str) -> tuple[str, str] | None:
    """None for a line without a name: some cameras put remarks there."""
    name, colon, value = line.partition(":")
    return (name.strip(), value.strip()) if colon and name.strip() else None


def _body_length(headers: HeaderList) -> int:
    text = _first(headers, "content-length") or "0"
    if not text.isascii() or not text.isdigit() or len(text) > 9 or int(text) > MAX_BODY_BYTES:
        raise RtspError(Problem.PROTOCOL, f"Content-Length {text[:20]!r} is not within 0-{MAX_BODY_BYTES}")
    return int(text)
