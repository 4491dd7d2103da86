"""`farwatch cameras gateway`: the registry's cameras as the configuration of a city's own WebRTC and HLS gateway.

The gateway plays in full what is small in our own live picture. It listens on this machine only: the proxy in
front asks Farwatch who may look (docs/reference/cameras.md).
"""

import json
import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from urllib.parse import quote, urlsplit

from farwatch.domain.registry import Camera
from farwatch.storage import registry
from farwatch.storage.database import Pool
from server.city import camera_accounts
from server.registry.commands import Report
from server.registry.secret_file import SecretsError, load_secrets, write_private

Accounts = Mapping[str, tuple[str, str]]


class Gateway(StrEnum):
    """Whose configuration is written."""

    GO2RTC = "go2rtc"
    MEDIAMTX = "mediamtx"


_NOTE = """# Written by farwatch from the registry; it holds passwords of cameras. Write it anew after an import.
# Nothing leaves the intranet: no STUN server is asked.
"""
_GO2RTC = (
    _NOTE
    + """api:
  listen: "127.0.0.1:1984"
  base_path: "/video"
rtsp:
  listen: ""
webrtc:
  listen: ":8555"
  ice_servers: []
streams:
"""
)
_MEDIAMTX = (
    _NOTE
    + """logLevel: info
authMethod: internal
authInternalUsers:
  - user: any
    ips: ["127.0.0.1", "::1"]
    permissions:
      - action: read
rtsp: false
rtmp: false
srt: false
hls: true
hlsAddress: "127.0.0.1:8888"
webrtc: true
webrtcAddress: "127.0.0.1:8889"
webrtcLocalUDPAddress: ":8189"
webrtcICEServers2: []
paths:
"""
)
_PATH = re.compile(r"[0-9A-Za-z_][0-9A-Za-z_.:-]*")
"""What MediaMTX takes as the name of a path, without the slash, which no id has."""


async def write(pool: Pool, data_dir: Path, gateway: Gateway, out: Path) -> Report:
    """Writes the file, readable by its owner only. Prints names, never addresses or passwords."""
    async with pool.acquire() as connection:
        cameras = (await registry.load(connection)).cameras
    try:
        accounts = camera_accounts(load_secrets(data_dir))
    except SecretsError as error:
        return Report(lines=(f"{data_dir}/secrets.toml: {error}: nothing was written",), exit_code=1)
    text, left_out = configuration(gateway, cameras.values(), accounts)
    write_private(out, text)
    notes = [f"note: {camera} left out: {why}" for camera, why in left_out.items()]
    written = len(cameras) - len(left_out)
    return Report(lines=(*notes, f"{written} cameras written to {out}, readable by its owner only"))


def configuration(
    gateway: Gateway, cameras: Iterable[Camera], accounts: Accounts
) -> tuple[str, dict[str, str]]:
    """The file's text, and by camera why one is not in it. Each is read from its camera only while somebody looks."""
    lines, left_out = [_GO2RTC if gateway is Gateway.GO2RTC else _MEDIAMTX], {}
    for camera in cameras:
        if why := _unfit(gateway, camera, accounts):
            left_out[camera.id] = why
            continue
        source = _source(camera.url, accounts.get(camera.credential))
        if gateway is Gateway.GO2RTC:
            lines.append(f"  {_quoted(camera.id)}: {_quoted(source)}\n")
        else:
            transport = "automatic" if camera.transport == "auto" else camera.transport.value
            lines.append(
                f"  {_quoted(camera.id)}:\n    source: {_quoted(source)}\n    sourceOnDemand: true\n"
                f"    rtspTransport: {transport}\n"
            )
    return "".join(lines), left_out


def _unfit(gateway: Gateway, camera: Camera, accounts: Accounts) -> str | None:
    if camera.start_url:
        return "its platform starts it only when asked; let the platform's own gateway play it"
    if camera.credential and camera.credential not in accounts:
        return f"secrets.toml has no [credentials.{camera.credential}]"
    if gateway is Gateway.MEDIAMTX and not _PATH.fullmatch(camera.id):
        return "MediaMTX takes only ASCII letters, digits and . : _ - in a name"
    return None


def _source(url: str, account: tuple[str, str] | None) -> str:
    """The address with its account; what is not a letter or digit is escaped, so that nothing in it is a sign of the URL's or
    a variable of the gateway's."""
    if account is None:
        return url
    parts = urlsplit(url)
    user, password = (quote(part, safe="") for part in account)
    return parts._replace(netloc=f"{user}:{password}@{parts.netloc}").geturl()


def _quoted(text: str) -> str:
    """A YAML string: JSON's are a part of YAML's."""
    return json.dumps(text, ensure_ascii=False)
