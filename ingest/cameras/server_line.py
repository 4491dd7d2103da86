"""The way to the server for a share on another machine: a few HTTP requests with the share's token. Blocks: call it in a thread.

The address of the server comes from the settings of this machine; an answer never leads anywhere else.
"""

import http.client
import json
import ssl
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

CONNECT_WITHIN_S = 10.0
"""Of each wait for the server, not of all together."""
MOST_ANSWER_BYTES = 64 * 1024
SENDING_ERRORS: tuple[type[Exception], ...] = (OSError, http.client.HTTPException)
"""What a server that is away looks like: worth another try."""


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """`url`: http(s)://host:port, without a path."""

    url: str
    token: str = field(repr=False)


class RefusedError(Exception):
    """The server does not take it. `key` says why; `is_passing`: later it may."""

    def __init__(self, status: int, key: str) -> None:
        super().__init__(f"{status} {key}")
        self.status = status
        self.key = key

    @property
    def is_passing(self) -> bool:
        return self.status in (408, 429) or (self.status >= 500 and self.status != 507)


class ServerLine:
    """One connection, opened when it is needed and again after an error. One that the server closed while it was idle costs a
    quiet second try: asking twice changes nothing. Not thread-safe."""

    def __init__(self, address: ServerAddress) -> None:
        parts = urlsplit(address.url)
        host, port = parts.hostname or "", parts.port
        self._connection: http.client.HTTPConnection
        if parts.scheme == "https":
            tls = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(host, port, timeout=CONNECT_WITHIN_S, context=tls)
        else:
            self._connection = http.client.HTTPConnection(host, port, timeout=CONNECT_WITHIN_S)
        self._token = address.token

    def shares(self) -> list[str]:
        """Whose the token is. Raises SENDING_ERRORS, RefusedError."""
        said = json.loads(self._ask("GET", "", {}, None))
        return [str(share) for share in said["shares"]]

    def put_evidence(self, sha256: str, chunks: Iterable[bytes], size_bytes: int) -> None:
        """The server has the bytes durably when this returns. `chunks` may be gone through twice. Raises SENDING_ERRORS,
        RefusedError, and what `chunks` raises."""
        self._put(f"/evidence/{sha256}", "application/octet-stream", chunks, size_bytes)

    def put_live(self, camera: str, jpeg: bytes) -> None:
        """Raises SENDING_ERRORS, RefusedError."""
        self._put(f"/live/{quote(camera, safe='')}", "image/jpeg", [jpeg], len(jpeg))

    def close(self) -> None:
        self._connection.close()

    def _put(self, path: str, media_type: str, chunks: Iterable[bytes], size_bytes: int) -> None:
        headers = {"Content-Type": media_type, "Content-Length": str(size_bytes)}
        self._ask("PUT", path, headers, chunks)

    def _ask(self, method: str, path: str, headers: dict[str, str], body: Iterable[bytes] | None) -> bytes:
        is_fresh = self._connection.sock is None
        try:
            return self._answer(method, path, headers, body)
        except (ConnectionError, ssl.SSLError):
            if is_fresh:
                raise
            return self._answer(method, path, headers, body)

    def _answer(self, method: str, path: str, headers: dict[str, str], body: Iterable[bytes] | None) -> bytes:
        done = False
        try:
            self._connection.request(
                method, f"/api/v1/worker{path}", body, headers | {"Authorization": f"Bearer {self._token}"}
            )
            answer = self._connection.getresponse()
            said = answer.read(MOST_ANSWER_BYTES)
            done = answer.isclosed()
        finally:
            if not done:
                self._connection.close()
        if answer.status not in (200, 204):
            raise RefusedError(answer.status, _key(said))
        return said


def _key(said: bytes) -> str:
    with suppress(ValueError, KeyError, TypeError):
        return str(json.loads(said)["error"]["key"])[:60]
    return "no_reason"
