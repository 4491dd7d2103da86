"""The evidence's disk is full: a real one of a megabyte. Pictures and clips are lost with the reason, findings never."""

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from farwatch.runtime.clock import SystemClock
from farwatch.storage import evidence
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from farwatch.storage.evidence import EvidenceKind
from ingest.cameras import metrics
from ingest.cameras.clips import KeptClip, keep
from ingest.cameras.footage import Footage
from ingest.rtsp.frames import CodedFrame
from simulators.coded_loop import CodedLoop
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.support.camera_house import Script, at_work, on_air, register, worker_of
from tests.support.cameras import AT, H264
from tests.support.waiting import until

DISK_BYTES = 1 << 20
PAGE = 4096


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """An empty disk of DISK_BYTES."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("no right to mount a small disk")
    yield folder
    subprocess.run(["umount", folder], check=True)


def fill(disk: Path, but_bytes: int) -> Path:
    """A file that leaves so much free, to a page."""
    filler = disk / "filler"
    filler.write_bytes(bytes(max(0, DISK_BYTES - but_bytes) // PAGE * PAGE))
    return filler


def left_in(store: Path) -> list[Path]:
    return [path for path in store.rglob("*") if path.is_file()]


def test_bytes_that_find_no_room_leave_nothing_behind(disk: Path) -> None:
    store = BlobStore(disk / "evidence")
    kept = store.put_bytes(b"kept before").sha256
    filler = fill(disk, but_bytes=100_000)
    with pytest.raises(OSError, match="No space") as refused:
        store.put_bytes(os.urandom(200_000))
    assert refused.value.errno == errno.ENOSPC
    assert left_in(disk / "evidence") == [store.path(kept)]
    filler.unlink()
    assert store.verify(store.put_bytes(os.urandom(200_000)).sha256)


def test_a_clip_is_whole_or_lost_wherever_in_its_writing_the_disk_is_full(disk: Path) -> None:
    frames = tuple(
        CodedFrame(
            packets=picture.packets, rtp_time=picture.pts, received_at=AT, captured_at=None, is_key=picture.is_key
        )
        for picture in noise(count=12, width=160).pictures
    )  # fmt: skip
    footage = Footage(frames=frames, description=H264, onset_at=AT)
    whole = keep(footage, BlobStore(disk / "evidence"))
    assert isinstance(whole, KeptClip)
    assert DISK_BYTES / 3 > whole.size_bytes > 20 * PAGE
    outcomes = []
    for but_bytes in range(
        PAGE, whole.size_bytes + 12 * PAGE, max(PAGE, whole.size_bytes // 40 // PAGE * PAGE)
    ):
        BlobStore(disk / "evidence").path(whole.sha256).unlink()
        filler = fill(disk, but_bytes)
        kept = keep(footage, BlobStore(disk / "evidence"))
        outcomes.append(kept if isinstance(kept, str) else "kept")
        filler.unlink()
        if isinstance(kept, KeptClip):
            assert kept == whole
            assert BlobStore(disk / "evidence").verify(kept.sha256)
        else:
            assert left_in(disk / "evidence") == []
            assert keep(footage, BlobStore(disk / "evidence")) == whole
    assert outcomes == sorted(outcomes)
    assert set(outcomes) == {"disk_full", "kept"}


def noise(count: int = 20, width: int = 320) -> CodedLoop:
    """Pictures that are hard to make small."""
    random = np.random.default_rng(7)
    shape = (width * 3 // 4, width, 3)
    return encode_pictures((random.integers(0, 255, shape, np.uint8) for _ in range(count)), rate=10)


@pytest.mark.parametrize(
    ("floor_bytes", "free_bytes", "still", "clip"),
    [
        pytest.param(800_000, 700_000, ("stored", None), ("lost", "disk_full"), id="below the floor"),
        pytest.param(0, 8192, ("lost", "disk_full"), ("lost", "disk_full"), id="full"),
    ],
)
async def test_a_full_disk_costs_pictures_but_no_finding(
    pool: Pool,
    data_dir: Path,
    disk: Path,
    floor_bytes: int,
    free_bytes: int,
    still: tuple[str, str | None],
    clip: tuple[str, str],
) -> None:
    async def rows() -> dict[str, tuple[str, str | None]]:
        found = await pool.fetch("SELECT kind, state, reason FROM evidence")
        return {row["kind"]: (row["state"], row["reason"]) for row in found}

    fill(disk, but_bytes=free_bytes)
    before = metrics.EVIDENCE_LOST.labels("disk_full")._value.get()
    script, server = Script(), RtspServer(SystemClock())
    server.show("/stack", noise())
    blobs = BlobStore(disk / "evidence", floor_bytes)
    async with on_air(server) as port, at_work(worker_of(pool, data_dir, script, blobs=blobs)):
        await register(pool, "c1", f"rtsp://127.0.0.1:{port}/stack")
        script.sights = True
        await until(rows, bool)
        script.sights = False
        said = await until(rows, lambda seen: seen["clip"][0] != "pending")
    assert said == {EvidenceKind.STILL: still, EvidenceKind.STILL_MARKED: still, EvidenceKind.CLIP: clip}
    assert await pool.fetchval("SELECT count(*) FROM findings WHERE rule = 'smoke'") == 1
    assert metrics.EVIDENCE_LOST.labels("disk_full")._value.get() > before
    async with pool.acquire() as connection:
        assert set(blobs.all()) == set(await evidence.stored_hashes(connection))
