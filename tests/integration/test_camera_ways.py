"""What a camera's row says of its reader and its packets' way: whatever it is, a sighting becomes still and clip."""

import io
from pathlib import Path

import av
import pytest

from farwatch.domain.registry import Transport
from farwatch.runtime.clock import SystemClock
from farwatch.storage import evidence
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import Script, announce, at_work, on_air, register, small_loop, worker_of
from tests.support.waiting import until


async def kept(pool: Pool) -> dict[str, evidence.Evidence]:
    async with pool.acquire() as connection:
        ids = [row["id"] for row in await connection.fetch("SELECT id FROM findings")]
        return {str(piece.kind): piece for piece in await evidence.of_findings(connection, ids)}


@pytest.mark.parametrize(
    ("reader", "transport", "offered"),
    [
        ("ffmpeg", "auto", (Transport.TCP,)),
        ("own", "udp", (Transport.TCP, Transport.UDP)),
        ("own", "auto", (Transport.UDP,)),
    ],
)
async def test_a_clip_is_kept_of_a_camera_read_in_any_way(
    pool: Pool, data_dir: Path, reader: str, transport: str, offered: tuple[Transport, ...]
) -> None:
    script, server = Script(), RtspServer(SystemClock(), ways=offered)
    server.show("/stack", small_loop())
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        await pool.execute("UPDATE cameras SET reader = $1, transport = $2", reader, transport)
        await announce(pool)
        async with pool.acquire() as connection:
            await until(
                lambda: connection.fetchval("SELECT state FROM camera_status"),
                lambda state: state == "online",
            )
        script.sights = True
        await until(lambda: kept(pool), lambda rows: "still" in rows)
        script.sights = False
        rows = await until(lambda: kept(pool), lambda rows: rows["clip"].state == "stored")

    clip = BlobStore(data_dir / "evidence").path(rows["clip"].sha256).read_bytes()
    with av.open(io.BytesIO(clip)) as container:
        pictures = list(container.decode(video=0))
    assert len(pictures) == rows["clip"].meta["frames"]
    assert {(picture.width, picture.height) for picture in pictures} == {(320, 240)}
    told = rows["clip"].meta["time_source"]
    assert told == ("rtcp" if reader == "own" else "receive")
