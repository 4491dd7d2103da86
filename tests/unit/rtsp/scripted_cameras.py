"""Cameras that answer what a client asks by a script: only bytes, no server."""

from ingest.rtsp.address import parse_address
from ingest.rtsp.auth import Credential
from ingest.rtsp.client import ClientSession
from ingest.rtsp.messages import MessageParser, Request, Response, serialise
from tests.unit.rtsp.wires import NOON

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
