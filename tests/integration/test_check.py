"""`farwatch check`: what the rows say, and what lies in the store."""

import os
import uuid
from pathlib import Path

import pytest

from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Pool
from server.commands import check
from server.settings import Settings


async def row(pool: Pool, sha256: str, state: str, *, erased: bool = False) -> None:
    await pool.execute(
        "INSERT INTO evidence (id, kind, state, sha256, size_bytes, media_type, purged_at, erased_at)"
        " VALUES ($1, 'clip', $2, $3, 1, 'video/mp4', CASE WHEN $2 = 'purged' THEN now() END, CASE WHEN $4 THEN now() END)",
        uuid.uuid4(), state, sha256, erased,
    )  # fmt: skip


async def test_purged_evidence_is_neither_missing_nor_orphaned(
    pool: Pool, database_url: str, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = BlobStore(data_dir / "evidence")
    (data_dir / "evidence").mkdir(parents=True)
    settings = Settings(database_url=database_url, data_dir=data_dir)
    stored, leaving, gone = (blobs.put_bytes(os.urandom(9)).sha256 for _ in range(3))
    blobs.path(gone).unlink()
    await row(pool, stored, "stored")
    await row(pool, leaving, "purged")
    await row(pool, gone, "purged", erased=True)
    assert await check(settings) == 0
    assert capsys.readouterr().out == (
        "the log's chain holds; 1 pieces of evidence are there and unchanged\n"
        "2 more were purged by quota: their rows, hashes and the log's entries stay\n"
    )


async def test_what_is_missing_changed_or_named_by_no_row_is_named(
    pool: Pool, database_url: str, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = BlobStore(data_dir / "evidence")
    (data_dir / "evidence").mkdir(parents=True)
    missing, changed, orphaned = (blobs.put_bytes(os.urandom(9)).sha256 for _ in range(3))
    blobs.path(missing).unlink()
    blobs.path(changed).chmod(0o600)
    blobs.path(changed).write_bytes(b"forged")
    for sha256 in (missing, changed):
        await row(pool, sha256, "stored")
    assert await check(Settings(database_url=database_url, data_dir=data_dir)) == 1
    said = capsys.readouterr().out.splitlines()
    assert said == [f"missing: {missing}", f"changed: {changed}", f"orphaned: {orphaned}"]


async def test_bytes_whose_second_hash_is_another_than_their_row_says_are_named(
    pool: Pool, database_url: str, data_dir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    blobs = BlobStore(data_dir / "evidence")
    (data_dir / "evidence").mkdir(parents=True)
    right, wrong = blobs.put_bytes(b"right"), blobs.put_bytes(b"wrong")
    for one in (right, wrong):
        await row(pool, one.sha256, "stored")
    await pool.execute("UPDATE evidence SET sm3 = $1", right.sm3)
    assert await check(Settings(database_url=database_url, data_dir=data_dir)) == 1
    assert capsys.readouterr().out.splitlines() == [f"changed: {wrong.sha256}"]
