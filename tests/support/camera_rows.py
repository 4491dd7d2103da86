"""What camera workers leave in the database, and servers and players for their tests."""

import json
import subprocess
from pathlib import Path

from farwatch.runtime.clock import SystemClock
from farwatch.storage import evidence
from farwatch.storage.database import Pool
from ingest.rtsp.auth import Credential
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import (
    small_loop,
)
from tests.support.waiting import until


def serving(*paths: str, credential: Credential | None = None) -> RtspServer:
    server = RtspServer(SystemClock())
    for path in paths:
        server.show(path, small_loop(), credential)
    return server


async def status(pool: Pool, camera: str) -> tuple[str, str]:
    row = await pool.fetchrow("SELECT state, reason FROM camera_status WHERE camera = $1", camera)
    return ("none", "") if row is None else (row["state"], row["reason"])


async def become(pool: Pool, camera: str, state: str, reason: str = "") -> None:
    await until(lambda: status(pool, camera), lambda seen: seen == (state, reason), within_s=15)


async def events(pool: Pool, type_: str) -> list[dict]:
    return [
        r["event"]
        for r in await pool.fetch("SELECT event FROM event_queue ORDER BY id")
        if r["event"]["type"] == type_
    ]


async def pieces(pool: Pool) -> dict[str, evidence.Evidence]:
    async with pool.acquire() as connection:
        ids = [r["id"] for r in await connection.fetch("SELECT id FROM findings")]
        return {str(e.kind): e for e in await evidence.of_findings(connection, ids)}


async def findings(pool: Pool) -> list[dict]:
    return [dict(r) for r in await pool.fetch("SELECT * FROM findings ORDER BY found_at")]


def play(path: Path) -> dict:
    command = [
        "ffprobe",
        "-v",
        "error",
        "-f",
        "mp4",
        "-count_frames",
        "-show_streams",
        "-show_entries",
        "packet=flags",
        "-of",
        "json",
        path,
    ]
    said = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert said.stderr == b""
    return json.loads(said.stdout)
