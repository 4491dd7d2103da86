"""The camera worker on streams of every codec, and on cameras that change theirs."""

import asyncio
from functools import cache
from pathlib import Path

import av
import pytest

from farwatch.runtime.clock import SystemClock
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from ingest.rtsp.frames import Codec
from simulators.coded_loop import CodedLoop
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.integration.test_camera_worker import become, pieces
from tests.support.camera_house import Script, at_work, on_air, register, worker_of
from tests.support.cameras import squares
from tests.support.waiting import until

DECODER_NAMES = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}


@cache
def loop(codec: Codec, width: int = 320) -> CodedLoop:
    return encode_pictures(squares(20, width, width * 3 // 4), rate=10, codec=codec)


async def more_pictures(script: Script, camera: str = "c1") -> None:
    before = len(script.seen.get(camera, []))
    await until(
        lambda: asyncio.sleep(0, len(script.seen.get(camera, []))), lambda n: n >= before + 2, within_s=15
    )


@pytest.mark.parametrize("codec", [Codec.H265, Codec.MJPEG])
async def test_a_finding_has_stills_and_a_clip_whatever_the_codec(
    pool: Pool, data_dir: Path, codec: Codec
) -> None:
    script, server = Script(), RtspServer(SystemClock())
    server.show("/stack", loop(codec))
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        await become(pool, "c1", "online")
        await more_pictures(script)
        script.sights = True
        await until(lambda: pieces(pool), bool)
        await more_pictures(script)
        script.sights = False
        rows = await until(lambda: pieces(pool), lambda seen: seen["clip"].state != "pending", within_s=15)

    blobs, clip = BlobStore(data_dir / "evidence"), rows["clip"]
    assert (clip.state, clip.meta["codec"], clip.meta["cut_short"]) == ("stored", codec, None)
    assert {rows[kind].state for kind in ("still", "still_marked")} == {"stored"}
    with av.open(str(blobs.path(clip.sha256 or ""))) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.width, stream.height) == (DECODER_NAMES[codec], 320, 240)
        assert sum(1 for _ in container.decode(stream)) == clip.meta["frames"]


async def test_a_clip_ends_where_the_picture_gets_another_size_and_looking_goes_on(
    pool: Pool, data_dir: Path
) -> None:
    script, server = Script(), RtspServer(SystemClock())
    server.show("/stack", loop(Codec.H264))
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        await become(pool, "c1", "online")
        script.sights = True
        await until(lambda: pieces(pool), bool)
        server.show("/stack", loop(Codec.H264, 160))
        rows = await until(lambda: pieces(pool), lambda seen: seen["clip"].state != "pending", within_s=15)
        await more_pictures(script)

    clip = rows["clip"]
    assert (clip.state, clip.meta["cut_short"]) == ("stored", "stream_changed")
    assert (clip.meta["width"], clip.meta["height"]) == (320, 240)


async def test_looking_goes_on_when_a_camera_changes_its_codec(pool: Pool, data_dir: Path) -> None:
    script, server = Script(), RtspServer(SystemClock())
    server.show("/stack", loop(Codec.H264))
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        await become(pool, "c1", "online")
        for codec in (Codec.H265, Codec.MJPEG, Codec.H264):
            await more_pictures(script)
            server.show("/stack", loop(codec))
            await more_pictures(script)
        await become(pool, "c1", "online")
