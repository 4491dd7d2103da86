"""Latest pictures of a share on another machine, sent to the server: the newest of each camera, some a second."""

import asyncio
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NoReturn

from farwatch.storage.blobs import live_still_path
from ingest.cameras.server_line import RefusedError, ServerLine
from ingest.cameras.standing import Standing

LOOK_EVERY_S = 1.0
REFUSED_EVERY_S = 60.0
"""While the server knows no such worker."""
MOST_A_SECOND = 25


class Showing:
    """Which stills on this machine are newer than what the server was shown. Blocks."""

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._shown_ns: dict[str, int] = {}

    def newer(self, cameras: Collection[str]) -> dict[str, bytes]:
        """At most MOST_A_SECOND, those first that were not shown for longest."""
        found: dict[str, bytes] = {}
        for camera in sorted(cameras, key=lambda c: self._shown_ns.get(c, 0)):
            path = live_still_path(self._data_dir, camera)
            try:
                changed_ns = path.stat().st_mtime_ns
                if changed_ns == self._shown_ns.get(camera):
                    continue
                self._shown_ns[camera] = changed_ns
                found[camera] = path.read_bytes()
            except FileNotFoundError:
                continue
            if len(found) == MOST_A_SECOND:
                break
        return found


async def show(
    data_dir: Path, cameras: Callable[[], Collection[str]], line: Callable[[], ServerLine], standing: Standing
) -> NoReturn:
    """Raises SENDING_ERRORS when the server is away."""
    showing, sending = Showing(data_dir), line()
    try:
        while True:
            for camera, jpeg in (await asyncio.to_thread(showing.newer, list(cameras()))).items():
                try:
                    await asyncio.to_thread(sending.put_live, camera, jpeg)
                    standing.taken(camera)
                except RefusedError as error:
                    standing.refused("picture", error, camera)
                    if standing.is_refused:
                        break
            await asyncio.sleep(REFUSED_EVERY_S if standing.is_refused else LOOK_EVERY_S)
    finally:
        sending.close()
