"""What the camera benchmarks stand on: a server of cameras and peers as processes, a registry with cameras, `farwatch serve`."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.house import REPOSITORY
from farwatch.storage.database import Pool, transaction

WHOLE = [[0, 0], [1, 0], [1, 1], [0, 1]]
PURPOSES = ("ground", "sky")
"""Both rules look at the whole picture, which is the hardest case."""


@dataclass(frozen=True, slots=True)
class Show:
    """A loop under a path of the server."""

    path: str
    loop: Path


@contextmanager
def cameras_on_air(shows: Sequence[Show]) -> Iterator[str]:
    """Serves them from a process of its own; gives rtsp://host:port."""
    arguments = [f"{show.path}={show.loop}" for show in shows]
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.camera_server", *arguments],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        try:
            port = process.stdout.readline().strip()
            if not port:
                raise RuntimeError("the cameras' server did not start")
            yield f"rtsp://127.0.0.1:{port}"
        finally:
            process.stdin.close()


@dataclass(slots=True)
class Peer:
    """A running peer; `alarms` is complete once it has ended."""

    pid: int
    alarms: list[tuple[str, str, tuple[float, float, float, float]]] = field(default_factory=list)


@contextmanager
def peer_at_work(kind: str, urls: Sequence[str]) -> Iterator[Peer]:
    """Begins when every camera has shown a picture."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.camera_peers", kind, *urls],
        cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdin
        assert process.stdout
        peer = Peer(process.pid)
        try:
            while (line := process.stdout.readline()) not in ("ready\n", ""):
                _hear(peer, line)
            yield peer
        finally:
            process.stdin.close()
            for line in process.stdout:
                _hear(peer, line)


def _hear(peer: Peer, line: str) -> None:
    said = json.loads(line)
    peer.alarms.append((said["url"], said["rule"], tuple(said["box"])))


async def register(pool: Pool, urls: dict[str, str]) -> None:
    """Cameras by id, all zones over the whole picture."""
    async with transaction(pool) as connection:
        for camera, url in urls.items():
            await connection.execute(
                "INSERT INTO cameras (id, name, lat, lon, url) VALUES ($1, $1, 30, 120, $2)", camera, url
            )
            for purpose in PURPOSES:
                await connection.execute(
                    "INSERT INTO zones (camera, name, purpose, polygon) VALUES ($1, $2, $2, $3)",
                    camera, purpose, WHOLE,
                )  # fmt: skip
        await connection.execute("UPDATE registry_version SET version = version + 1, changed_at = now()")


async def online(pool: Pool) -> int:
    return int(await pool.fetchval("SELECT count(*) FROM camera_status WHERE state = 'online'") or 0)
