"""Camera addresses: taken apart once, so that user, password and path never reach a log."""

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

from ingest.rtsp.auth import Credential
from ingest.rtsp.errors import Problem, RtspError

DEFAULT_PORT = 554
_UNQUOTED = "!#$%&'()*+,-./:;=?@[]_~"


@dataclass(frozen=True, slots=True)
class Address:
    """`target` is path and query, which some cameras fill with passwords: it is in no text that is shown."""

    host: str
    port: int
    target: str = field(repr=False)

    @property
    def url(self) -> str:
        """What goes on the wire."""
        return f"rtsp://{self.place}{self.target}"

    @property
    def place(self) -> str:
        """Host and port, fit to be shown."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORT else f"{host}:{self.port}"


def parse_address(url: str) -> tuple[Address, Credential | None]:
    """Address and, when the URL holds one, the account. Raises RtspError(PROTOCOL) for what is no rtsp:// URL."""
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if host is None or parts.scheme.lower() != "rtsp" or any(c.isspace() for c in host):
        raise RtspError(Problem.PROTOCOL, "not an address of the form rtsp://host:port/path")
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    account = Credential(unquote(parts.username), unquote(parts.password or "")) if parts.username else None
    return Address(host, DEFAULT_PORT if port is None else port, quote(target, safe=_UNQUOTED)), account
