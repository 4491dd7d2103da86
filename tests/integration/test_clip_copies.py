"""Copies of clips for browsers: made once, by a child that may fail without harm."""

import asyncio
import errno
import signal
import sys
import uuid
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import av
import pytest

from farwatch.runtime.clock import SystemClock
from farwatch.storage import evidence
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool, transaction
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState
from ingest.cameras import copies
from ingest.cameras.clips import MEDIA_TYPE, KeptClip, keep
from ingest.cameras.copies import Copyist
from ingest.cameras.copying import fitted
from ingest.cameras.footage import Footage
from ingest.rtsp.frames import Codec
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import Script, at_work, on_air, register, worker_of
from tests.support.cameras import AT, H264, coded, squares
from tests.support.waiting import until

pytestmark = pytest.mark.process


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "evidence")


def a_clip(blobs: BlobStore, codec: Codec, *, count: int = 20, width: int = 320) -> KeptClip:
    frames = coded(count, codec=codec, width=width)
    kept = keep(Footage(frames=frames, description=replace(H264, codec=codec), onset_at=AT), blobs)
    assert isinstance(kept, KeptClip)
    return kept


async def rows_of(pool: Pool, sha256: str) -> tuple[uuid.UUID, uuid.UUID]:
    """A stored clip and the pending copy of it."""
    clip = Evidence(
        id=uuid.uuid4(), kind=EvidenceKind.CLIP, state=EvidenceState.STORED, media_type=MEDIA_TYPE, camera="c1",
        captured_at=AT, sha256=sha256, size_bytes=1,
    )  # fmt: skip
    copy = replace(
        clip, id=uuid.uuid4(), kind=EvidenceKind.CLIP_COPY, state=EvidenceState.PENDING, derived_from=clip.id,
        sha256=None, size_bytes=None,
    )  # fmt: skip
    async with transaction(pool) as connection:
        for row in (clip, copy):
            await evidence.add(connection, row)
    return clip.id, copy.id


async def fetch(pool: Pool, id_: uuid.UUID) -> Evidence:
    async with pool.acquire() as connection:
        row = await evidence.fetch(connection, id_)
    assert row is not None
    return row


@pytest.mark.parametrize("codec", [Codec.H265, Codec.MJPEG])
async def test_a_copy_is_h264_with_every_picture_at_its_time_and_the_original_stays(
    pool: Pool, blobs: BlobStore, codec: Codec
) -> None:
    kept = a_clip(blobs, codec)
    clip, copy = await rows_of(pool, kept.sha256)
    assert await Copyist(pool, blobs).make_one()
    made = await fetch(pool, copy)
    assert (made.state, made.derived_from, made.captured_at) == (EvidenceState.STORED, clip, AT)
    assert made.meta == {"codec": "h264", "width": 320, "height": 240, "frames": 20}
    assert made.sha256 is not None
    assert blobs.verify(made.sha256)
    assert blobs.verify(kept.sha256)
    assert made.size_bytes == blobs.path(made.sha256).stat().st_size
    with av.open(str(blobs.path(made.sha256))) as container:
        assert container.streams.video[0].codec_context.name == "h264"
        times = [float(picture.pts * picture.time_base) for picture in container.decode(video=0)]
    assert times == pytest.approx([i / 10 for i in range(20)], abs=0.001)
    assert not await Copyist(pool, blobs).make_one()


async def test_what_no_decoder_makes_sense_of_is_lost_and_leaves_nothing_behind(
    pool: Pool, blobs: BlobStore
) -> None:
    sha256 = blobs.put_bytes(bytes(range(256)) * 100).sha256
    _, copy = await rows_of(pool, sha256)
    assert await Copyist(pool, blobs).make_one()
    assert ((row := await fetch(pool, copy)).state, row.reason) == (EvidenceState.LOST, "copy_failed")
    assert list(blobs.all()) == [sha256]
    assert [*blobs.path(sha256).parents[1].glob("unfinished/*")] == []


async def test_a_copy_that_takes_too_long_is_lost_and_its_maker_ended(
    pool: Pool, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    children: list[asyncio.subprocess.Process] = []
    create = asyncio.create_subprocess_exec

    async def noted(*arguments: str, **more: object) -> asyncio.subprocess.Process:
        children.append(await create(*arguments, **more))  # type: ignore[arg-type]
        return children[0]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    _, copy = await rows_of(pool, a_clip(blobs, Codec.H265).sha256)
    assert await Copyist(pool, blobs, deadline_s=0.01).make_one()
    assert ((row := await fetch(pool, copy)).state, row.reason) == (EvidenceState.LOST, "copy_too_slow")
    assert [child.returncode is not None for child in children] == [True]


def hindering(
    monkeypatch: pytest.MonkeyPatch, hindrances: Sequence[Callable[[asyncio.subprocess.Process], object]]
) -> list[int]:
    """The first makers meet one hindrance each; returns the list that counts them all."""
    makers: list[int] = []
    create = asyncio.create_subprocess_exec

    async def hindered(*arguments: str, **more: object) -> asyncio.subprocess.Process:
        child = await create(*arguments, **more)  # type: ignore[arg-type]
        makers.append(child.pid)
        if len(makers) <= len(hindrances):
            hindrances[len(makers) - 1](child)
        return child

    monkeypatch.setattr(copies, "TRIES_AFTER_S", (0, 0.01, 0.01))
    monkeypatch.setattr(asyncio, "create_subprocess_exec", hindered)
    return makers


def killed(child: asyncio.subprocess.Process) -> None:
    child.kill()


def refused(child: asyncio.subprocess.Process) -> None:
    child.kill()
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


async def test_a_copy_whose_maker_the_machine_refused_or_killed_is_made_at_the_next_try(
    pool: Pool, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers = hindering(monkeypatch, [refused, killed])
    _, copy = await rows_of(pool, a_clip(blobs, Codec.MJPEG).sha256)
    assert await Copyist(pool, blobs).make_one()
    assert (await fetch(pool, copy)).state is EvidenceState.STORED
    assert len(makers) == 3


async def test_a_copy_whose_makers_are_all_killed_is_lost(
    pool: Pool, blobs: BlobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    makers = hindering(monkeypatch, [killed] * 9)
    _, copy = await rows_of(pool, a_clip(blobs, Codec.MJPEG).sha256)
    assert await Copyist(pool, blobs).make_one()
    assert ((row := await fetch(pool, copy)).state, row.reason) == (EvidenceState.LOST, "copy_failed")
    assert len(makers) == 3


_BUSY_MAKER = """
from ingest.cameras import copying
copying.CPU_MAX_S = 1
copying.copy = lambda *_: any(iter(int, 1))
copying.main("", "")
"""


async def test_a_maker_that_takes_too_much_of_a_core_ends_otherwise_than_one_that_the_machine_killed() -> (
    None
):
    maker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _BUSY_MAKER, stdin=asyncio.subprocess.PIPE, cwd=copies.CODE
    )
    async with asyncio.timeout(30):
        assert await maker.wait() == -signal.SIGXCPU


async def test_two_workers_make_a_copy_once_and_the_one_a_dead_maker_left_is_made_again(
    pool: Pool, blobs: BlobStore
) -> None:
    _, copy = await rows_of(pool, a_clip(blobs, Codec.MJPEG).sha256)
    async with pool.acquire() as maker:
        claimed = await evidence.claim_copy(maker)
        assert claimed is not None
        assert claimed.id == copy
        assert not await Copyist(pool, blobs).make_one()
        await maker.close()
    made: Sequence[bool] = await asyncio.gather(*(Copyist(pool, blobs).make_one() for _ in range(2)))
    assert sorted(made) == [False, True]
    assert (await fetch(pool, copy)).state is EvidenceState.STORED


async def test_a_claim_ends_when_its_connection_goes_back_to_the_pool(pool: Pool, blobs: BlobStore) -> None:
    _, copy = await rows_of(pool, a_clip(blobs, Codec.MJPEG).sha256)
    async with pool.acquire() as next_maker:
        async with pool.acquire() as failing:
            assert await evidence.claim_copy(failing)
            assert not await evidence.claim_copy(next_maker)
        claimed = await evidence.claim_copy(next_maker)
    assert claimed is not None
    assert claimed.id == copy


_MAKER = """
import asyncio, sys
from pathlib import Path
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import open_pool
from ingest.cameras.copies import Copyist

async def main(url, folder):
    async with open_pool(url) as pool:
        await Copyist(pool, BlobStore(Path(folder))).make_one()

asyncio.run(main(*sys.argv[1:]))
"""


async def test_a_worker_killed_over_a_copy_leaves_no_process_and_the_next_makes_it(
    pool: Pool, database_url: str, blobs: BlobStore, tmp_path: Path
) -> None:
    def children(of: int) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{of}/task/{of}/children").read_text().split()]

    async def at_it() -> list[Path]:
        return [path for path in (tmp_path / "evidence" / "unfinished").glob("*") if path.stat().st_size]

    kept = a_clip(blobs, Codec.MJPEG, count=300, width=640)
    _, copy = await rows_of(pool, kept.sha256)
    command = (sys.executable, "-c", _MAKER, database_url, str(tmp_path / "evidence"))
    maker = await asyncio.create_subprocess_exec(*command)
    (half,) = await until(at_it, bool)
    (child,) = children(maker.pid)
    maker.send_signal(signal.SIGKILL)
    await maker.wait()
    await until(lambda: asyncio.sleep(0, Path(f"/proc/{child}").exists()), lambda there: not there)
    assert (await fetch(pool, copy)).state is EvidenceState.PENDING
    assert list(blobs.all()) == [kept.sha256]
    assert await Copyist(pool, blobs).make_one()
    assert (await fetch(pool, copy)).meta["frames"] == 300
    blobs.sweep(datetime.fromtimestamp(half.stat().st_mtime + 1, UTC))
    assert await at_it() == []


async def test_copies_wait_while_the_disk_is_short(pool: Pool, blobs: BlobStore, tmp_path: Path) -> None:
    _, copy = await rows_of(pool, a_clip(blobs, Codec.MJPEG).sha256)
    copyist = Copyist(pool, BlobStore(tmp_path / "evidence", floor_bytes=1 << 62))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await copyist.run()
    assert (await fetch(pool, copy)).state is EvidenceState.PENDING


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((3840, 2160), (1280, 720)),
        ((2560, 1920), (960, 720)),
        ((1080, 1920), (404, 720)),
        ((704, 576), (704, 576)),
        ((353, 287), (352, 286)),
        ((5000, 2), (1280, 2)),
    ],
)
def test_a_copy_has_at_most_720_lines_and_keeps_the_shape(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert fitted(*size) == expected


@pytest.mark.parametrize("codec", [Codec.H265, Codec.MJPEG])
async def test_a_worker_keeps_the_clip_as_it_came_and_a_copy_of_it(
    pool: Pool, data_dir: Path, monkeypatch: pytest.MonkeyPatch, codec: Codec
) -> None:
    async def pieces() -> dict[str, Evidence]:
        async with pool.acquire() as connection:
            ids = [row["id"] for row in await connection.fetch("SELECT id FROM findings")]
            return {str(piece.kind): piece for piece in await evidence.of_findings(connection, ids)}

    monkeypatch.setattr(copies, "LOOK_EVERY_S", 0.1)
    script, server = Script(), RtspServer(SystemClock())
    server.show("/stack", encode_pictures(squares(20), rate=10, codec=codec))
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        await until(lambda: asyncio.sleep(0, script.seen.get("c1", [])), lambda seen: len(seen) >= 2)
        script.sights = True
        await until(pieces, bool)
        script.sights = False
        made = await until(
            pieces, lambda seen: "clip_copy" in seen and seen["clip_copy"].state != "pending", within_s=30
        )
    clip, copy = made["clip"], made["clip_copy"]
    assert (clip.state, clip.meta["codec"], clip.meta["time_source"]) == ("stored", codec.value, "rtcp")
    assert abs(clip.meta["clock_offset_s"]) < 1
    assert (copy.state, copy.derived_from, copy.meta["codec"]) == ("stored", clip.id, "h264")
    assert copy.meta["frames"] == clip.meta["frames"]
    assert [made[kind].meta["time_source"] for kind in ("still", "still_marked")] == ["rtcp", "rtcp"]
