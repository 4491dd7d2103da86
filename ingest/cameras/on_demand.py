"""Cameras that send only when asked (GB/T 28181 behind WVP and the like): what is asked, and what an answer means. Pure."""

import json
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from farwatch.domain.registry import Camera
from ingest.rtsp.address import parse_address
from ingest.rtsp.errors import Problem, RtspError

MOST_BYTES = 64 * 1024
"""WVP's answer has two dozen addresses, some 4 kB."""
_GOOD_CODES = (0, 200)
"""WVP says 0 in its JSON, others 200; all of them answer failures with HTTP 200 too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """How one camera's stream is started and let go. `hosts`: where it may be read; `header` is sent with both calls."""

    start_url: str
    stop_url: str
    start_key: str
    hosts: frozenset[str]
    header: tuple[str, str] | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        """Host and port, for logs: paths and queries may hold a key."""
        return urlsplit(self.start_url).netloc


def platform_of(camera: Camera, header: tuple[str, str] | None) -> Platform:
    """The camera must have a `start_url`. Only hosts that the registry names are ever spoken to."""
    hosts = {urlsplit(camera.start_url).hostname, urlsplit(camera.url).hostname}
    return Platform(
        start_url=camera.start_url, stop_url=camera.stop_url, start_key=camera.start_key,
        hosts=frozenset(host for host in hosts if host), header=header,
    )  # fmt: skip


def stream_url(platform: Platform, status: int, body: bytes) -> str:
    """The RTSP address that the platform's answer gives. Raises RtspError that says why there is none."""
    if 300 <= status < 400:
        raise RtspError(Problem.PROTOCOL, f"{platform.place} answers with a redirect, which is not followed")
    if status != 200:
        raise RtspError(_problem_of(status), f"{platform.place} answers {status}")
    if len(body) > MOST_BYTES:
        raise RtspError(Problem.PROTOCOL, f"{platform.place} answers more than {MOST_BYTES} bytes")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise RtspError(Problem.PROTOCOL, f"{platform.place} does not answer JSON") from None
    code = answer.get("code") if isinstance(answer, dict) else None
    if isinstance(code, int) and code not in _GOOD_CODES:
        raise RtspError(_problem_of(code), f"{platform.place} answers code {code}")
    return _checked(platform, _pick(answer, platform.start_key))


def _problem_of(code: int) -> Problem:
    match code:
        case 401 | 403:
            return Problem.UNAUTHORISED
        case 404:
            return Problem.NOT_FOUND
        case _:
            return Problem.NOT_STARTED


def _pick(answer: object, key: str) -> object:
    for name in key.split("."):
        answer = answer.get(name) if isinstance(answer, dict) else None
    return answer


def _checked(platform: Platform, url: object) -> str:
    if not isinstance(url, str) or not url:
        raise RtspError(Problem.NOT_STARTED, f"{platform.place} answers without {platform.start_key}")
    address, _ = parse_address(url.strip())
    if address.host not in platform.hosts:
        raise RtspError(
            Problem.FOREIGN_HOST,
            f"{platform.place} names a stream on {address.host}, a host that the camera's row does not",
        )
    return url.strip()
