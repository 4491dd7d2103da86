"""Evidence that was kept before there was a second hash gets it later, marked so; what is not what it was gets none."""

import os
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from farwatch.storage.hashing import NICE, LaterHashes, _be_nice


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return BlobStore(tmp_path / "evidence")


async def old(pool: Pool, sha256: str) -> uuid.UUID:
    id_ = uuid.uuid4()
    await pool.execute(
        "INSERT INTO evidence (id, kind, state, sha256, size_bytes, media_type, stored_at)"
        " VALUES ($1, 'clip', 'stored', $2, 9, 'video/mp4', now())",
        id_,
        sha256,
    )
    return id_


async def test_each_old_piece_is_hashed_once_and_the_log_says_that_it_was_later(
    pool: Pool, blobs: BlobStore
) -> None:
    kept = [blobs.put_bytes(os.urandom(9)) for _ in range(3)]
    ids = [await old(pool, one.sha256) for one in kept]
    later = LaterHashes(pool, blobs)
    with ThreadPoolExecutor(1) as thread:
        assert [await later.hash_one(thread) for _ in range(4)] == [True, True, True, False]
    rows = {r["id"]: r for r in await pool.fetch("SELECT id, sm3, meta FROM evidence")}
    assert [rows[i]["sm3"] for i in ids] == [one.sm3 for one in kept]
    assert all(r["meta"] == {"sm3_later": True} for r in rows.values())
    told = [r["event"] for r in await pool.fetch("SELECT event FROM event_queue ORDER BY id")]
    assert {(e["type"], e["evidence"], e["later"]) for e in told} == {
        ("evidence_hashed", str(i), True) for i in ids
    }


async def test_what_is_missing_or_changed_gets_no_hash_and_keeps_nothing_else_waiting(
    pool: Pool, blobs: BlobStore
) -> None:
    gone, forged, well = (blobs.put_bytes(os.urandom(9)) for _ in range(3))
    for one in (gone, forged, well):
        await old(pool, one.sha256)
    blobs.path(gone.sha256).unlink()
    blobs.path(forged.sha256).chmod(0o600)
    blobs.path(forged.sha256).write_bytes(b"forged")
    later = LaterHashes(pool, blobs)
    with ThreadPoolExecutor(1) as thread:
        assert [await later.hash_one(thread) for _ in range(4)] == [True, True, True, False]
    assert [tuple(r) for r in await pool.fetch("SELECT sha256, sm3 FROM evidence WHERE sm3 IS NOT NULL")] == [
        (well.sha256, well.sm3)
    ]


@pytest.mark.parametrize("name", ["zz", "../../../etc/passwd"])
async def test_a_name_that_is_no_hash_keeps_nothing_else_waiting(
    pool: Pool, blobs: BlobStore, name: str
) -> None:
    await old(pool, name)
    well = await old(pool, blobs.put_bytes(b"well").sha256)
    later = LaterHashes(pool, blobs)
    with ThreadPoolExecutor(1) as thread:
        while await later.hash_one(thread):
            pass
    assert [r["id"] for r in await pool.fetch("SELECT id FROM evidence WHERE sm3 IS NOT NULL")] == [well]


def test_the_thread_that_hashes_yields_to_everybody() -> None:
    with ThreadPoolExecutor(1, initializer=_be_nice) as thread:
        assert thread.submit(os.getpriority, os.PRIO_PROCESS, 0).result() == NICE
    assert os.getpriority(os.PRIO_PROCESS, 0) < NICE
