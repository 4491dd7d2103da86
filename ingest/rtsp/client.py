"""The client's half of an RTSP session, without I/O: from OPTIONS to frames, over one TCP connection.

Feed bytes with `receive`, send what `outgoing` gives, take the `frames`, call `keep_alive` every `keep_alive_s`.
"""

import re
import secrets
from datetime import datetime
from urllib.parse import urljoin

from ingest.rtsp import sdp
from ingest.rtsp.address import Address, parse_address
from ingest.rtsp.assembler import FrameAssembler
from ingest.rtsp.auth import Authenticator, Credential
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription
from ingest.rtsp.messages import Interleaved, MessageParser, Request, Response, serialise
from ingest.rtsp.rtp import Bye, ReceptionCount, SenderReport, build_receiver_report, parse_rtcp

_AGENT = "Farwatch"
_DEFAULT_TIMEOUT_S = 60
"""RFC 2326 §12.37."""
_LONGEST_KEEP_ALIVE_S, _SHORTEST_KEEP_ALIVE_S = 30.0, 0.5
_INTERLEAVED = re.compile(r"interleaved\s*=\s*(\d{1,3})(?:\s*-\s*(\d{1,3}))?", re.IGNORECASE)
_TIMEOUT = re.compile(r"timeout\s*=\s*(\d{1,6})", re.IGNORECASE)
_REDIRECTS = (301, 302, 303, 307, 308)
_PROBLEMS = {403: Problem.UNAUTHORISED, 404: Problem.NOT_FOUND}
_SESSION_NOT_FOUND = 454


class ClientSession:
    """One connection's session. After an RtspError only the frames before it are of use.

    `frames` are those that have ended and nobody has taken yet. `description` is set once the stream plays;
    `redirect` when the camera wants to be asked elsewhere instead.
    """

    def __init__(self, address: Address, credential: Credential | None) -> None:
        self.frames: list[CodedFrame] = []
        self.description: StreamDescription | None = None
        self.redirect: Address | None = None
        self.keep_alive_s = _LONGEST_KEEP_ALIVE_S
        self._address = address
        self._parser = MessageParser()
        self._auth = Authenticator(credential)
        self._outgoing = bytearray()
        self._sequence = 0
        self._pending: tuple[int, str, str, tuple[tuple[str, str], ...]] | None = None
        self._session: str | None = None
        self._aggregate_url = address.url
        self._has_get_parameter = True
        self._media: sdp.Media | None = None
        self._stream: StreamDescription | None = None
        self._assembler: FrameAssembler | None = None
        self._data_channel, self._control_channel = 0, 1
        self._own_ssrc = secrets.randbits(32)

    def start(self) -> None:
        self._ask("OPTIONS", self._address.url)

    def outgoing(self) -> bytes:
        """What to send now; given out once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def receive(self, data: bytes, now: datetime) -> None:
        """Goes on by `data`, which came at `now`. Raises RtspError with the reason why the stream ends here."""
        self._parser.receive(data)
        for message in self._parser.messages():
            if isinstance(message, Interleaved):
                if self._assembler is None:
                    continue
                if message.channel == self._data_channel:
                    self.frames += self._assembler.receive(message.payload, now)
                elif message.channel == self._control_channel:
                    self._receive_reports(message.payload, self._assembler)
            elif isinstance(message, Response):
                self._receive_response(message)
            else:
                self._receive_request(message)

    def keep_alive(self) -> None:
        """Tells the camera that we are still here, once the stream plays."""
        if self.description is None or self._assembler is None:
            return
        self._ask("GET_PARAMETER" if self._has_get_parameter else "OPTIONS", self._aggregate_url)
        if (source := self._assembler.ssrc) is not None:
            count = ReceptionCount(
                source_ssrc=source,
                highest_sequence=self._assembler.highest_sequence,
                lost=self._assembler.lost,
            )
            report = build_receiver_report(self._own_ssrc, [count], _AGENT)
            self._outgoing += serialise(Interleaved(self._control_channel, report))

    def tear_down(self) -> None:
        """Ends the session politely; there is no need to wait for the answer."""
        if self._session is not None:
            self._ask("TEARDOWN", self._aggregate_url)

    def _ask(self, method: str, url: str, *extra: tuple[str, str]) -> None:
        self._sequence += 1
        headers = [("CSeq", str(self._sequence)), ("User-Agent", _AGENT)]
        if self._session is not None:
            headers.append(("Session", self._session))
        if (answer := self._auth.authorization(method, url)) is not None:
            headers.append(("Authorization", answer))
        self._pending = (self._sequence, method, url, extra)
        self._outgoing += serialise(Request(method, url, (*headers, *extra)))

    def _receive_reports(self, payload: bytes, assembler: FrameAssembler) -> None:
        for report in parse_rtcp(payload):
            if isinstance(report, SenderReport):
                assembler.report(report)
            elif isinstance(report, Bye):
                raise RtspError(Problem.CLOSED, "the camera ended the stream")

    def _receive_request(self, request: Request) -> None:
        """Cameras may ask too; only that they are answered matters, save for the end of the session."""
        known = request.method in ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE", "TEARDOWN")
        status, reason = (200, "OK") if known else (501, "Not Implemented")
        sequence = request.header("CSeq")
        headers = (("CSeq", sequence),) if sequence is not None else ()
        self._outgoing += serialise(Response(status, reason, headers))
        if request.method in ("TEARDOWN", "REDIRECT"):
            raise RtspError(Problem.CLOSED, f"the camera ended the session ({request.method})")

    def _receive_response(self, response: Response) -> None:
        sequence = response.header("CSeq")
        if self._pending is None or (sequence is not None and sequence != str(self._pending[0])):
            return
        (_, method, url, extra), self._pending = self._pending, None
        if response.status == 401:
            self._auth.challenged(response.headers_named("WWW-Authenticate"))
            self._ask(method, url, *extra)
            return
        self._auth.accepted()
        if self.description is not None:
            self._receive_keep_alive(method, response.status)
        elif response.status in _REDIRECTS and response.header("Location"):
            self._follow(response.header("Location") or "")
        elif method == "OPTIONS":
            public = response.header("Public")
            self._has_get_parameter = public is None or "GET_PARAMETER" in public.upper()
            self._ask("DESCRIBE", self._address.url, ("Accept", "application/sdp"))
        elif response.status != 200:
            problem = _PROBLEMS.get(response.status, Problem.PROTOCOL)
            raise RtspError(problem, f"the camera answers {method} with {response.status}")
        elif method == "DESCRIBE":
            self._receive_description(response)
        elif method == "SETUP":
            self._receive_setup(response)
        elif method == "PLAY":
            self._receive_play()

    def _receive_keep_alive(self, method: str, status: int) -> None:
        if status == _SESSION_NOT_FOUND:
            raise RtspError(Problem.CLOSED, "the camera has forgotten the session")
        if method == "GET_PARAMETER" and status >= 400:
            self._has_get_parameter = False

    def _follow(self, location: str) -> None:
        """An account in the new address is the camera's idea, not ours: it is left out."""
        try:
            absolute = urljoin(self._address.url, location)
        except ValueError:
            absolute = location
        self.redirect, _ = parse_address(absolute)

    def _receive_description(self, response: Response) -> None:
        session = sdp.parse_sdp(response.body.decode("utf-8", "replace"))
        named = response.header("Content-Base") or response.header("Content-Location") or ""
        base = named if named.lower().startswith("rtsp://") else self._address.url
        self._media, codec = _choose_video(session)
        self._stream = sdp.describe(self._media, codec)
        if session.control:
            self._aggregate_url = _control_url(base, session.control)
        url = _control_url(base, self._media.control)
        transport = f"RTP/AVP/TCP;unicast;interleaved={self._data_channel}-{self._control_channel}"
        self._ask("SETUP", url, ("Transport", transport))

    def _receive_setup(self, response: Response) -> None:
        assert self._media is not None
        assert self._stream is not None
        session_id, _, parameters = (response.header("Session") or "").partition(";")
        if not session_id.strip():
            raise RtspError(Problem.PROTOCOL, "the camera names no session")
        self._session = session_id.strip()
        timeout = _TIMEOUT.search(parameters)
        timeout_s = int(timeout[1]) if timeout else _DEFAULT_TIMEOUT_S
        self.keep_alive_s = max(_SHORTEST_KEEP_ALIVE_S, min(timeout_s / 2, _LONGEST_KEEP_ALIVE_S))
        transport = response.header("Transport") or ""
        if "TCP" not in transport.upper() and transport:
            raise RtspError(Problem.PROTOCOL, "the camera does not send over the RTSP connection")
        if channels := _INTERLEAVED.search(transport):
            self._data_channel = int(channels[1])
            self._control_channel = int(channels[2] or self._data_channel + 1)
        self._assembler = FrameAssembler(self._stream, payload_type=self._media.payload_type)
        self._ask("PLAY", self._aggregate_url, ("Range", "npt=0.000-"))

    def _receive_play(self) -> None:
        self.description = self._stream


def _choose_video(session: sdp.SessionDescription) -> tuple[sdp.Media, Codec]:
    """The first track of a codec that is read here, MJPEG last. Raises RtspError(NO_VIDEO or UNSUPPORTED_CODEC)."""
    videos = [media for media in session.media if media.kind == "video"]
    if not videos:
        raise RtspError(Problem.NO_VIDEO, "the camera describes no video")
    known = [(media, codec) for media in videos if (codec := sdp.codec_of(media)) is not None]
    if known:
        return min(known, key=lambda track: track[1] is Codec.MJPEG)
    raise RtspError(
        Problem.UNSUPPORTED_CODEC, f"the camera sends {videos[0].codec[:20] or 'an unnamed codec'}"
    )


def _control_url(base: str, control: str) -> str:
    """RFC 2326 §C.1.1, joined by a slash and not by the rules of URLs, as cameras with a query in the path expect."""
    if control in ("", "*"):
        return base
    if control.lower().startswith(("rtsp://", "rtspu://")):
        return control
    return f"{base.removesuffix('/')}/{control.removeprefix('/')}"
