"""Packs a case so that it proves itself: its originals, its entries of the log, their seals, and a signed manifest of all."""

import asyncio
import functools
import json
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from importlib.metadata import version
from typing import Any, BinaryIO

from alerting.sealing.keys import SigningKey
from alerting.sealing.packing import Package, Packed
from alerting.verifier import single
from farwatch.runtime.clock import Clock
from farwatch.storage import case_export, custody, seals
from farwatch.storage.blobs import CHUNK_BYTES, BlobStore
from farwatch.storage.case_export import Case
from farwatch.storage.custody import Purpose
from farwatch.storage.database import Pool, snapshot, transaction
from farwatch.storage.heartbeats import database_now
from farwatch.storage.seals import SignedSeal

LOG_WITHIN_S, LOOK_AGAIN_S = 5.0, 0.1
FORMAT = "farwatch-evidence-1"
Leaves = Callable[[int, int], AsyncIterator[Sequence[tuple[int | None, bytes]]]]
"""(task, hash) of the log's entries from one n to another, page by page."""
_SUFFIX = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "video/mp4": "mp4",
    "application/json": "json",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who takes the case out, and what for."""

    by: str
    purpose: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """`unsealed` entries of the log lie under no seal yet. `broken` are pieces whose bytes are not what they were, or gone."""

    size: int
    pieces: int
    unsealed: int
    broken: Sequence[str]


class LogBehindError(Exception):
    """Events of the case have had no number for LOG_WITHIN_S: no engine numbers them, or too many wait before them."""


async def take_out(
    pool: Pool,
    blobs: BlobStore,
    key: SigningKey,
    out: BinaryIO,
    *,
    task: int,
    by: str,
    purpose: Purpose,
    clock: Clock,
) -> Exported | None:
    """Writes a case to `out`, which must be seekable and empty, after saying so in the log. None when there is no such task.
    Raises LogBehindError."""
    read = await _told(pool, task, clock)
    if read is None:
        return None
    case, at = read
    async with transaction(pool) as connection:
        await custody.note(connection, actor=by, action="exported", task=task, purpose=purpose)
    asked = Asked(by=by, purpose=purpose, at=at)
    return await export(case, functools.partial(seals.leaves, pool), blobs, key, asked, out)


async def _told(pool: Pool, task: int, clock: Clock) -> tuple[Case, datetime] | None:
    """The case at a moment at which the log tells all that its rows do: without its last entries it would look forged."""
    until_s = clock.monotonic() + LOG_WITHIN_S
    while True:
        async with snapshot(pool) as connection:
            if not await case_export.is_behind(connection, task):
                case = await case_export.read(connection, task)
                return None if case is None else (case, await database_now(connection))
        if clock.monotonic() >= until_s:
            raise LogBehindError
        await asyncio.sleep(LOOK_AGAIN_S)


@dataclass(slots=True)
class _Parts:
    package: Package
    files: list[Packed] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def add(self, path: str, chunks: Iterable[bytes], expected_bytes: int = 0) -> Packed:
        packed = self.package.add(path, chunks, expected_bytes)
        self.files.append(packed)
        return packed


async def export(
    case: Case, leaves: Leaves, blobs: BlobStore, key: SigningKey, asked: Asked, out: BinaryIO
) -> Exported:
    """Writes the ZIP to `out`, which must be seekable and empty. OSError goes to the caller."""
    parts = _Parts(Package(out))
    pieces = [await asyncio.to_thread(_piece, parts, blobs, row) for row in case.facts["evidence"]]
    await asyncio.to_thread(parts.add, "log.jsonl", _log_lines(case))
    # Page by page into the file: an hour may hold a million entries.
    piece = parts.package.begin("seals.json")
    async for text in _seal_texts(case, leaves):
        await asyncio.to_thread(piece.write, text.encode())
    parts.files.append(await asyncio.to_thread(parts.package.end, piece))
    await asyncio.to_thread(parts.add, "verify.py", [single.command()])
    await asyncio.to_thread(parts.add, "verify.html", [single.page()])
    manifest = _manifest(case, pieces, parts.files, key, asked)
    size = await asyncio.to_thread(_finish, parts.package, key, manifest)
    return Exported(
        size=size,
        pieces=sum("path" in piece for piece in pieces),
        unsealed=_unsealed(case),
        broken=parts.broken,
    )


def _piece(parts: _Parts, blobs: BlobStore, row: dict[str, Any]) -> dict[str, Any]:
    """The row, with the path of its bytes where there are any: what is given up is there until the log tells its end."""
    if row["state"] != "stored" and (row["state"] != "purged" or row.get("erased_at")):
        return row
    path = f"evidence/{row['id']}.{_SUFFIX.get(row['media_type'], 'bin')}"
    try:
        # Open, it stays whole even if it is purged meanwhile.
        file = blobs.path(row["sha256"]).open("rb")
    except FileNotFoundError:
        parts.broken.append(f"{row['id']} is missing")
        return {**row, "missing": True}
    with file:
        packed = parts.add(path, _chunks(file), os.fstat(file.fileno()).st_size)
    if packed.sha256 == row["sha256"]:
        return {**row, "path": path}
    parts.broken.append(f"{row['id']} is damaged")
    return {**row, "path": path, "damaged": True}


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def _log_lines(case: Case) -> Iterator[bytes]:
    for e in case.entries:
        line = {"n": e.n, "prev_hash": e.prev_hash.hex(), "hash": e.hash.hex(), "text": e.text}
        yield json.dumps(line, ensure_ascii=False).encode() + b"\n"


async def _seal_texts(case: Case, leaves: Leaves) -> AsyncIterator[str]:
    """For each seal all its leaves: only they show that none of the case's entries is left out."""
    yield '{"seals": ['
    for i, signed in enumerate(case.seals):
        told = json.dumps(_seal(case, signed), ensure_ascii=False)
        yield (",\n" if i else "\n") + told[:-1] + ', "leaves": ['
        separator = ""
        async for page in leaves(signed.seal.n_first, signed.seal.n_last):
            yield separator + ",\n".join(f'[{task or 0}, "{digest.hex()}"]' for task, digest in page)
            separator = ",\n"
        yield "]}"
    yield "\n]}\n"


def _seal(case: Case, signed: SignedSeal) -> dict[str, Any]:
    stamps = [
        {"authority": s.authority, "stamped_at": s.stamped_at.isoformat(), "token": s.token.hex()}
        for s in case.stamps
        if s.hour == signed.seal.hour
    ]
    public_key = case.keys[signed.key].hex()
    return {"text": signed.seal.text, "public_key": public_key, "signature": signed.signature.hex(), "stamps": stamps}  # fmt: skip


def _unsealed(case: Case) -> int:
    return sum(entry.n > case.sealed_up_to for entry in case.entries)


def _manifest(
    case: Case, pieces: list[dict[str, Any]], files: list[Packed], key: SigningKey, asked: Asked
) -> bytes:
    last = case.entries[-1] if case.entries else None
    told = {
        "format": FORMAT,
        "program": {"name": "farwatch", "version": version("farwatch")},
        "key": key.fingerprint,
        "exported_at": asked.at.isoformat(),
        "exported_by": asked.by,
        "purpose": asked.purpose,
        **case.facts,
        "evidence": pieces,
        "events": {
            "count": len(case.entries),
            "last_n": last.n if last else 0,
            "last_hash": last.hash.hex() if last else "",
            "unsealed": _unsealed(case),
        },
        "files": [asdict(file) for file in files],
    }
    return json.dumps(told, ensure_ascii=False, indent=1).encode() + b"\n"


def _finish(package: Package, key: SigningKey, manifest: bytes) -> int:
    package.add("manifest.json", [manifest])
    signature = f"farwatch-manifest-1 {key.public_key.hex()} {key.sign(manifest).hex()}\n"
    package.add("manifest.sig", [signature.encode()])
    return package.finish()
