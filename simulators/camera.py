"""A video file as a camera: what `farwatch simulate camera` does."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from farwatch.runtime.clock import Clock
from ingest.rtsp.address import parse_address
from ingest.rtsp.auth import Credential
from ingest.rtsp.frames import Codec
from simulators.encoding import encode_clip
from simulators.rtsp_server import RtspServer


def _print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


async def serve_file(
    clip: Path,
    url: str,
    user: str | None,
    password: str | None,
    clock: Clock,
    stop: asyncio.Event,
    *,
    cache: Path | None = None,
    codec: Codec = Codec.H264,
    announce: Callable[[str], None] = _print_line,
) -> None:
    """Serves `clip` at `url` in a loop, at its own pace, until `stop`. Port 0 takes a free one.

    `announce` gets the URL (without user and password) once it can be played. With a `user`, Basic is refused and Digest asked
    for. The coded loop is kept in the folder `cache` when one is given. Raises ClipError when the file is no video,
    RtspError when `url` is no rtsp:// address, OSError when its host and port cannot be listened on.
    """
    address, account = parse_address(url)
    credential = Credential(user, password or "") if user else account
    loop = await asyncio.to_thread(encode_clip, clip, cache, codec=codec)
    if stop.is_set():
        return
    server = RtspServer(clock)
    server.show(address.target.partition("?")[0].rstrip("/"), loop, credential)
    await server.serve(
        address.host, address.port, stop, lambda port: announce(replace(address, port=port).url)
    )
