"""The client's half of an RTSP session, without I/O: from OPTIONS to frames, over one TCP connection and, if need be, UDP.

Feed bytes with `receive` (and datagrams with theirs), send what `outgoing` gives, take the `frames`, call `tick` now
and then.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from urllib.parse import urljoin

from farwatch.domain.registry import Transport
from ingest.rtsp.address import Address, parse_address
from ingest.rtsp.auth import Authenticator, Credential
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import CodedFrame, StreamDescription, is_due
from ingest.rtsp.keep_alive import KeepAlive, period_s
from ingest.rtsp.messages import Interleaved, MessageParser, Request, Response, serialise
from ingest.rtsp.receiving import Counts, Receiving
from ingest.rtsp.tracks import Track, find_track
from ingest.rtsp.transports import Agreed, Pair, ask_for_tcp, ask_for_udp, parse_transport

_AGENT = "Farwatch"
_MOST_RUBBISH = 256 * 1024
"""Bytes in a row that make no sense, as behind a packet whose length is wrong: those of a large key frame."""
_REPORT_EVERY_S = 5.0
"""RFC 3550 §6.2."""
_TIMEOUT = re.compile(r"timeout\s*=\s*(\d{1,6})", re.IGNORECASE)
_REDIRECTS = (301, 302, 303, 305, 307, 308)
_TCP_REFUSED = (400, 406, 415, 461, 501)
"""461 by the book; the others are what some cameras answer that only know datagrams."""
_PROBLEMS = {403: Problem.UNAUTHORISED, 404: Problem.NOT_FOUND, 453: Problem.BUSY, 503: Problem.BUSY}
_SESSION_NOT_FOUND = 454


class ClientSession:
    """One connection's session. After an RtspError only the frames before it are of use.

    `frames` are those that have ended and nobody has taken yet. `description` is set once the stream plays;
    `redirect` when the camera wants to be asked elsewhere instead. `is_udp`: the packets come to the ports that
    `open_ports` opened, from `server_ports` if the camera names them.
    """

    def __init__(
        self,
        address: Address,
        credential: Credential | None,
        transport: Transport = Transport.AUTO,
        open_ports: Callable[[], Pair] | None = None,
    ) -> None:
        """`open_ports` gives two UDP ports next to each other, or raises RtspError; without it there is only TCP."""
        self.frames: list[CodedFrame] = []
        self.description: StreamDescription | None = None
        self.redirect: Address | None = None
        self.is_udp = False
        self.server_ports: Pair | None = None
        self.keep_alive_s = period_s(None)
        self._address = address
        self._transport = transport
        self._open_ports = open_ports
        self._messages = 0
        self._parser = MessageParser(_MOST_RUBBISH)
        self._auth = Authenticator(credential)
        self._outgoing = bytearray()
        self._reports: list[bytes] = []
        self._sequence = 0
        self._pending: tuple[str, str, tuple[tuple[str, str], ...]] | None = None
        self._session: str | None = None
        self._aggregate_url = address.url
        self._keep_alive = KeepAlive(None)
        self._kept_alive_at: datetime | None = None
        self._reported_at: datetime | None = None
        self._track: Track | None = None
        self._receiving: Receiving | None = None
        self._data_channel, self._control_channel = 0, 1

    @property
    def clock_offset_s(self) -> float | None:
        """Our clock minus the camera's, in seconds; None while the camera has told no time."""
        return self._receiving.clock_offset_s if self._receiving is not None else None

    @property
    def counts(self) -> Counts:
        counts = self._receiving.counts if self._receiving is not None else Counts()
        return replace(counts, rubbish=self._parser.rubbish)

    @property
    def heard(self) -> int:
        """Messages and packets that came over the RTSP connection."""
        return self._messages + (self._receiving.taken if self._receiving is not None else 0)

    def start(self) -> None:
        self._ask("OPTIONS", self._address.url)

    def outgoing(self) -> bytes:
        """What to send now; given out once."""
        data = bytes(self._outgoing)
        self._outgoing.clear()
        return data

    def outgoing_reports(self) -> Sequence[bytes]:
        """What to send now to the second of `server_ports`; given out once."""
        reports, self._reports = self._reports, []
        return reports

    def receive(self, data: bytes | memoryview, now: datetime) -> None:
        """Goes on by `data`, which came at `now`. Raises RtspError with the reason why the stream ends here."""
        self._parser.receive(data)
        receiving, channel = self._receiving, self._data_channel
        take = receiving.taker(channel, now, self.frames) if receiving is not None else None
        for message in self._parser.messages(take):
            self._messages += 1
            if isinstance(message, Interleaved):
                if self._receiving is None:
                    continue
                if message.channel == self._data_channel:
                    self.frames += self._receiving.packet(message.payload, now)
                elif message.channel == self._control_channel:
                    self._receiving.control(message.payload, now)
            elif isinstance(message, Response):
                self._receive_response(message)
            else:
                self._receive_request(message)

    def receive_datagrams(self, datagrams: Sequence[bytes], now: datetime) -> None:
        """Packets that came to the first of our ports. Raises RtspError as `receive` does."""
        if self._receiving is not None and self.is_udp:
            for datagram in datagrams:
                self.frames += self._receiving.datagram(datagram, now)

    def receive_report(self, datagram: bytes, now: datetime) -> None:
        """What came to the second of our ports. Raises RtspError(CLOSED) when it ends the stream."""
        if self._receiving is not None and self.is_udp:
            self._receiving.control(datagram, now)

    def tick(self, now: datetime) -> None:
        """Once the stream plays, once a second or so: keeps the session alive and reports what was received."""
        if self.description is None or self._receiving is None:
            return
        if self._kept_alive_at is None or self._reported_at is None:
            self._kept_alive_at = self._reported_at = now
        self.frames += self._receiving.wait_no_longer(now)
        if is_due(self._reported_at, now, min(_REPORT_EVERY_S, self.keep_alive_s)):
            self._reported_at = now
            self.report(now)
        if is_due(self._kept_alive_at, now, self.keep_alive_s):
            self._kept_alive_at = now
            self.keep_alive()

    def keep_alive(self) -> None:
        """Tells the camera that we are still here. It need not answer: what counts is that it sends."""
        way = self._keep_alive.way
        self._ask(way.method, self._aggregate_url, names_session=way.names_session)

    def report(self, now: datetime) -> None:
        """Tells the camera what was received."""
        report = self._receiving.receiver_report(now) if self._receiving is not None else None
        if report is not None and self.is_udp:
            self._reports = [report]
        elif report is not None:
            self._outgoing += serialise(Interleaved(self._control_channel, report))

    def tear_down(self) -> None:
        """Ends the session politely; there is no need to wait for the answer."""
        if self._session is not None:
            self._ask("TEARDOWN", self._aggregate_url)

    def _ask(self, method: str, url: str, *extra: tuple[str, str], names_session: bool = True) -> None:
        self._sequence += 1
        headers = [("CSeq", str(self._sequence)), ("User-Agent", _AGENT)]
        if self._session is not None and names_session:
            headers.append(("Session", self._session))
        if (answer := self._auth.authorization(method, url)) is not None:
            headers.append(("Authorization", answer))
        self._pending = (method, url, extra)
        self._outgoing += serialise(Request(method, url, (*headers, *extra)))

    def _receive_request(self, request: Request) -> None:
        """Cameras may ask too; only that they are answered matters, save for the end of the session."""
        known = request.method in _ANSWERED
        status, reason = (200, "OK") if known else (501, "Not Implemented")
        sequence = request.header("CSeq")
        headers = (("CSeq", sequence),) if sequence is not None else ()
        self._outgoing += serialise(Response(status, reason, headers))
        if request.method == "REDIRECT" and self.description is None and (to := request.header("Location")):
            self._follow(to)
        elif request.method in ("TEARDOWN", "REDIRECT"):
            raise RtspError(Problem.CLOSED, f"the camera ended the session ({request.method})")

    def _receive_response(self, response: Response) -> None:
        """To the one request that is open, whatever number it bears: some cameras count otherwise, or not at all."""
        if self._pending is None:
            return
        (method, url, extra), self._pending = self._pending, None
        if self.description is not None:
            self._receive_while_playing(response)
        elif response.status == 401:
            self._auth.challenged(response.headers_named("WWW-Authenticate"))
            self._ask(method, url, *extra)
        else:
            self._auth.accepted()
            self._go_on(method, response)

    def _go_on(self, method: str, response: Response) -> None:
        if response.status in _REDIRECTS and response.header("Location"):
            self._follow(response.header("Location") or "")
        elif method == "OPTIONS":
            self._keep_alive = KeepAlive(response.header("Public"))
            self._ask("DESCRIBE", self._address.url, ("Accept", "application/sdp"))
        elif method == "SETUP" and response.status in _TCP_REFUSED and self._may_try_udp:
            self._set_up_udp()
        elif not 200 <= response.status < 300:
            problem = _PROBLEMS.get(response.status, Problem.PROTOCOL)
            raise RtspError(problem, f"the camera answers {method} with {response.status}")
        elif method == "DESCRIBE":
            self._receive_description(response)
        elif method == "SETUP":
            self._receive_setup(response)
        elif method == "PLAY" and self._track is not None:
            self.description = self._track.stream

    def _receive_while_playing(self, response: Response) -> None:
        """While pictures come nothing that the camera answers ends the session: it is kept alive in another way."""
        if response.status == 401:
            try:
                self._auth.challenged(response.headers_named("WWW-Authenticate"))
            except RtspError:
                self._keep_alive.refused(response.status)
            else:
                self.keep_alive()
        elif response.status >= 400:
            self._keep_alive.refused(response.status)
        else:
            self._auth.accepted()

    def _follow(self, location: str) -> None:
        """An account in the new address is the camera's idea, not ours: it is left out. A place without a path gets ours."""
        try:
            absolute = urljoin(self._address.url, location.strip())
        except ValueError:
            absolute = location
        there, _ = parse_address(absolute)
        self.redirect = replace(there, target=self._address.target) if there.target in ("", "/") else there

    def _receive_description(self, response: Response) -> None:
        self._track = find_track(response, self._address.url)
        self._aggregate_url = self._track.aggregate_url
        if self._transport is Transport.UDP:
            self._set_up_udp()
        else:
            channels = (self._data_channel, self._control_channel)
            self._ask("SETUP", self._track.url, ("Transport", ask_for_tcp(channels)))

    @property
    def _may_try_udp(self) -> bool:
        return self._transport is Transport.AUTO and self._open_ports is not None and not self.is_udp

    def _set_up_udp(self) -> None:
        assert self._track is not None
        if self._open_ports is None:
            raise RtspError(Problem.PROTOCOL, "there are no ports for datagrams")
        self.is_udp = True
        self._ask("SETUP", self._track.url, ("Transport", ask_for_udp(self._open_ports())))

    def _receive_setup(self, response: Response) -> None:
        assert self._track is not None
        session_id, _, parameters = (response.header("Session") or "").partition(";")
        if not session_id.strip():
            raise RtspError(Problem.PROTOCOL, "the camera names no session")
        self._session = session_id.strip()
        timeout = _TIMEOUT.search(parameters)
        self.keep_alive_s = period_s(int(timeout[1]) if timeout else None)
        agreed = parse_transport(response.header("Transport") or "") or Agreed(is_tcp=not self.is_udp)
        if not agreed.is_tcp and not self.is_udp:
            if not self._may_try_udp:
                raise RtspError(Problem.PROTOCOL, "the camera does not send over the RTSP connection")
            self._set_up_udp()
            return
        self.is_udp, self.server_ports = not agreed.is_tcp, agreed.server_ports
        self._data_channel, self._control_channel = agreed.channels or (0, 1)
        self._parser.expect((self._data_channel, self._control_channel))
        self._receiving = Receiving(self._track.stream, self._track.payload_type)
        self._ask("PLAY", self._aggregate_url, ("Range", "npt=0.000-"))


_ANSWERED = ("OPTIONS", "GET_PARAMETER", "SET_PARAMETER", "ANNOUNCE", "TEARDOWN", "REDIRECT")
