"""The server's half of an RTSP connection, without I/O: what the simulated cameras speak.

Feed bytes with `receive`, do what its events say, send what `outgoing` gives.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from farwatch.domain.registry import Transport
from ingest.rtsp.address import parse_address
from ingest.rtsp.auth import Credential, Verifier
from ingest.rtsp.errors import RtspError
from ingest.rtsp.frames import Codec, StreamDescription
from ingest.rtsp.messages import HeaderList, Interleaved, MessageParser, Request, Response, serialise
from ingest.rtsp.sdp import write_sdp
from ingest.rtsp.transports import Pair, ask_for_tcp, ask_for_udp, parse_transport

PAYLOAD_TYPES = {Codec.H264: 96, Codec.H265: 97, Codec.MJPEG: 26}
"""Each its own, so that a reader notices when a camera changes its codec without a word."""
SESSION_TIMEOUT_S = 60
_TRACK = "track0"
_REALM = "farwatch"
_METHODS = ("OPTIONS", "DESCRIBE", "SETUP", "PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER", "SET_PARAMETER")
_IN_SESSION = ("PLAY", "PAUSE", "TEARDOWN")
_PHRASES = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    405: "Method Not Allowed",
    454: "Session Not Found",
    455: "Method Not Valid in This State",
    459: "Aggregate Operation Not Allowed",
    461: "Unsupported Transport",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What a path has to show, and who may see it (everybody when `credential` is None)."""

    description: StreamDescription
    credential: Credential | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlayStarted:
    """From now on the client wants the path's packets, interleaved on these channels, or as datagrams to its ports."""

    path: str
    data_channel: int
    control_channel: int
    client_ports: Pair | None = None


@dataclass(frozen=True, slots=True)
class PlayStopped:
    """The client wants no more packets, for now or for ever."""


Event: TypeAlias = PlayStarted | PlayStopped


class ServerSession:
    """One connection, one session. `find` tells what a path (`/name`) offers, None where there is nothing."""

    def __init__(
        self,
        find: Callable[[str], Offer | None],
        schemes: Sequence[str] = ("sha-256", "md5"),
        ways: Sequence[Transport] = (Transport.TCP,),
        open_ports: Callable[[], Pair] | None = None,
    ) -> None:
        """`ways` are those of tcp and udp that are offered; for udp `open_ports` gives two ports to send from."""
        self._find = find
        self._schemes = schemes
        self._ways = ways
        self._open_ports = open_ports
        self._parser = MessageParser()
        self._outgoing = bytearray()
        self._verifier: tuple[Credential, Verifier] | None = None
        self._session = ""
        self._path = ""
        self._channels = (0, 1)
        self._client_ports: Pair | None = None
        self._events: list[Event] = []

    def outgoing(self) -> bytes:
        """What to send now; given out once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def receive(self, data: bytes) -> list[Event]:
        """Answers requests. Raises RtspError(PROTOCOL) for a client that speaks something else."""
        self._parser.receive(data)
        for message in self._parser.messages():
            if isinstance(message, Request):
                self._answer(message)
        events, self._events = self._events, []
        return events

    def _answer(self, request: Request) -> None:
        sequence = request.header("CSeq")
        status, headers, body = self._handle(request) if sequence is not None else (400, (), b"")
        leading = (("CSeq", sequence or "0"), ("Server", "Farwatch simulator"))
        phrase = _PHRASES[status]
        self._outgoing += serialise(Response(status, phrase, (*leading, *headers), body))

    def _handle(self, request: Request) -> tuple[int, HeaderList, bytes]:
        if request.method == "OPTIONS":
            return 200, (("Public", ", ".join(_METHODS)),), b""
        if request.method not in _METHODS:
            return 405, (("Allow", ", ".join(_METHODS)),), b""
        try:
            path = _path_of(request.url)
        except RtspError:
            return 400, (), b""
        offer = self._find(path)
        if offer is None:
            return 404, (), b""
        if (refused := self._refuse(request, offer)) is not None:
            return refused
        if request.method == "DESCRIBE":
            return self._describe(request, path, offer)
        if request.method == "SETUP":
            return self._set_up(request, path)
        if request.method in _IN_SESSION:
            return self._control(request, path)
        return 200, self._session_header(), b""

    def _refuse(self, request: Request, offer: Offer) -> tuple[int, HeaderList, bytes] | None:
        if offer.credential is None:
            return None
        if self._verifier is None or self._verifier[0] != offer.credential:
            self._verifier = (offer.credential, Verifier(offer.credential, _REALM, self._schemes))
        verifier = self._verifier[1]
        if verifier.verify(request.method, request.url, request.header("Authorization")):
            return None
        return 401, tuple(("WWW-Authenticate", value) for value in verifier.challenges()), b""

    def _describe(self, request: Request, path: str, offer: Offer) -> tuple[int, HeaderList, bytes]:
        text = write_sdp(
            offer.description,
            name=path.strip("/") or "camera",
            payload_type=PAYLOAD_TYPES[offer.description.codec],
            control=_TRACK,
        )
        base = request.url.partition("?")[0].rstrip("/") + "/"
        return 200, (("Content-Base", base), ("Content-Type", "application/sdp")), text.encode()

    def _set_up(self, request: Request, path: str) -> tuple[int, HeaderList, bytes]:
        if self._session and path != self._path:
            return 459, (), b""
        transport = self._agree(request.header("Transport") or "")
        if transport is None:
            return 461, (), b""
        self._session, self._path = secrets.token_hex(8), path
        return 200, (("Transport", transport), *self._session_header()), b""

    def _agree(self, wanted: str) -> str | None:
        """The first of the client's ways that is offered here, as it is answered."""
        for spec in wanted.split(","):
            asked = parse_transport(spec)
            if asked is None:
                continue
            if asked.is_tcp and Transport.TCP in self._ways:
                if asked.channels is None and "interleaved" in spec.lower():
                    continue
                self._channels, self._client_ports = asked.channels or (0, 1), None
                return ask_for_tcp(self._channels)
            if asked.client_ports and not asked.is_tcp and Transport.UDP in self._ways and self._open_ports:
                self._client_ports = asked.client_ports
                first, second = self._open_ports()
                return f"{ask_for_udp(asked.client_ports)};server_port={first}-{second}"
        return None

    def _control(self, request: Request, path: str) -> tuple[int, HeaderList, bytes]:
        named = (request.header("Session") or "").partition(";")[0].strip()
        if not self._session:
            return 455, (), b""
        if named != self._session or path != self._path:
            return 454, (), b""
        headers = self._session_header()
        if request.method == "PLAY":
            base = request.url.rstrip("/").removesuffix(f"/{_TRACK}")
            self._events.append(
                PlayStarted(
                    path=path,
                    data_channel=self._channels[0],
                    control_channel=self._channels[1],
                    client_ports=self._client_ports,
                )
            )
            return 200, (("Range", "npt=now-"), ("RTP-Info", f"url={base}/{_TRACK}"), *headers), b""
        self._events.append(PlayStopped())
        if request.method == "TEARDOWN":
            self._session = ""
            return 200, (), b""
        return 200, headers, b""

    def _session_header(self) -> HeaderList:
        return (("Session", f"{self._session};timeout={SESSION_TIMEOUT_S}"),) if self._session else ()


def _path_of(url: str) -> str:
    """The path without query, slash at the end and track. Raises RtspError(PROTOCOL) for what is no address."""
    return parse_address(url)[0].target.partition("?")[0].rstrip("/").removesuffix(f"/{_TRACK}")


def interleave(packets: Sequence[bytes], channel: int) -> bytes:
    """Packets as they travel inside the RTSP connection."""
    return b"".join(serialise(Interleaved(channel, packet)) for packet in packets)
