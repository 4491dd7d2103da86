"""Bytes of evidence: a folder addressed by content. The bytes are durable before any row may name them."""

import errno
import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives import hashes

CHUNK_BYTES = 1 << 20
_SHA256_DIGITS = frozenset("0123456789abcdef")
_TAKEN = re.compile(r"[0-9a-f]{32}\.([0-9a-f]{64})")
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True)
class Digests:
    """Of the same bytes, both as lower-case hex: SHA-256 names them everywhere, SM3 (GB/T 32905) is the national one."""

    sha256: str
    sm3: str


class BlobStore:
    """`FOLDER/ab/abcdef…` holds the bytes whose SHA-256 is `abcdef…`; nothing is ever changed or written twice.

    Everything here blocks on the disk: call it in a thread. OSError (no room, no right) goes to the caller.
    """

    def __init__(self, folder: Path, floor_bytes: int = 0) -> None:
        self._folder = folder
        self._unfinished = folder / "unfinished"
        self._floor_bytes = floor_bytes

    @property
    def is_short(self) -> bool:
        """Less than `floor_bytes` of the disk are free: what is large is not begun any more."""
        return self.room()[1]

    def room(self) -> tuple[int, bool]:
        """Free bytes of the disk, and whether these are less than `floor_bytes`."""
        folder = self._folder if self._folder.exists() else self._folder.parent
        free = shutil.disk_usage(folder).free
        return free, free < self._floor_bytes

    def spare_bytes(self) -> int:
        """How many more leave `floor_bytes` of the disk free."""
        return self.room()[0] - self._floor_bytes

    def path(self, sha256: str) -> Path:
        """Where these bytes are or would be. Raises ValueError for what is not 64 lower-case hex digits."""
        if len(sha256) != 64 or not _SHA256_DIGITS.issuperset(sha256):
            raise ValueError("not a SHA-256 in lower-case hex digits")
        return self._folder / sha256[:2] / sha256

    def put_bytes(self, content: bytes) -> Digests:
        """Keeps the bytes; on return they survive a power cut."""
        return self._put([content])

    def put_file(self, source: Path) -> Digests:
        """Keeps the bytes of a file from `scratch`. The file itself becomes the kept one."""
        found = digests(_chunks(source))
        _make_durable(source)
        self._shelve(source, found.sha256)
        return found

    def remove(self, sha256: str, *, older_than: datetime) -> bool:
        """Deletes the bytes unless somebody kept the same ones since `older_than`; True when they are not there any more.

        Taken off the shelf before its age is asked: who keeps the same bytes meanwhile finds none and writes his own.
        """
        try:
            target = self.path(sha256)
        except ValueError:  # nothing was ever kept under such a name
            return True
        self._unfinished.mkdir(parents=True, exist_ok=True)
        taken = self._unfinished / f"{uuid.uuid4().hex}.{sha256}"
        try:
            target.rename(taken)
        except FileNotFoundError:
            return True
        # Who is killed or fails from here on leaves what `sweep` puts back.
        if taken.stat().st_mtime >= older_than.timestamp():
            taken.rename(target)
            return False
        taken.unlink()
        _sync_folder(target.parent)
        return True

    def verify(self, sha256: str) -> bool:
        """True when the bytes are there and still are what they were."""
        try:
            return _sha256(_chunks(self.path(sha256))) == sha256
        except (FileNotFoundError, ValueError):
            return False

    def digests(self, sha256: str) -> Digests:
        """Of the bytes that are kept under this name, whether they are still right or not. Raises FileNotFoundError."""
        return digests(_chunks(self.path(sha256)))

    def all(self) -> Iterator[str]:
        """The SHA-256 of everything that is kept, by file name."""
        for shelf in sorted(self._folder.glob("[0-9a-f][0-9a-f]")):
            yield from sorted(entry.name for entry in shelf.iterdir())

    @contextmanager
    def scratch(self, suffix: str) -> Iterator[Path]:
        """The name of a file to be made on the same disk; whatever is there at the end is removed."""
        self._unfinished.mkdir(parents=True, exist_ok=True)
        path = self._unfinished / f"{uuid.uuid4().hex}{suffix}"
        try:
            yield path
        finally:
            path.unlink(missing_ok=True)

    def sweep(self, older_than: datetime) -> int:
        """Removes what a killed process left unfinished before `older_than`, and returns how many files.

        What it had taken off the shelf is put back: a row may name it.
        """
        removed = 0
        for path in self._unfinished.glob("*"):
            with suppress(FileNotFoundError):  # its owner finished it meanwhile
                taken, known = _TAKEN.fullmatch(path.name), path.stat()
                # Bytes on the shelf may be years old; since when they are off it is the time of their renaming.
                since_s = known.st_ctime if taken else known.st_mtime
                if since_s >= older_than.timestamp():
                    continue
                if taken:
                    self._put_back(path, taken[1])
                else:
                    path.unlink()
                    removed += 1
        return removed

    def _put_back(self, path: Path, sha256: str) -> None:
        target = self.path(sha256)
        if target.exists():  # kept anew meanwhile
            path.unlink()
        else:
            path.rename(target)
            _sync_folder(target.parent)

    def _put(self, chunks: Iterable[bytes]) -> Digests:
        with self.scratch("") as unfinished:
            found = _write_durably(unfinished, chunks)
            self._shelve(unfinished, found.sha256)
        return found

    def _shelve(self, finished: Path, sha256: str) -> None:
        target = self.path(sha256)
        try:
            os.utime(target)  # kept anew: `remove` leaves it
        except FileNotFoundError:
            target.parent.mkdir(exist_ok=True)
            finished.rename(target)
        # Also when the bytes were there already: their first writer may not have got as far as this.
        _sync_folder(target.parent)
        _sync_folder(self._folder)


def why_not_kept(error: OSError) -> str:
    """The reason under which evidence is lost: `disk_full` or `store_failed`."""
    return "disk_full" if error.errno in _NO_ROOM else "store_failed"


def live_still_path(data_dir: Path, camera: str) -> Path:
    """Where a camera's latest small picture is; safe for any camera id."""
    readable = re.sub(r"[^A-Za-z0-9_-]", "_", camera)[:60]
    return data_dir / "live" / f"{readable}-{hashlib.sha256(camera.encode()).hexdigest()[:12]}.jpg"


def live_wish_path(data_dir: Path, camera: str) -> Path:
    """Touched while somebody looks at a camera's live picture: its age is how long ago somebody last did."""
    return live_still_path(data_dir, camera).with_suffix(".wish")


def write_atomically(path: Path, content: bytes) -> None:
    """Replaces a file so that a reader sees the old bytes or the new ones. Not durable: for what is made again soon."""
    unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        unfinished.write_bytes(content)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def digests(chunks: Iterable[bytes]) -> Digests:
    """However the bytes are cut into chunks."""
    sha256, sm3 = hashlib.sha256(), hashes.Hash(hashes.SM3())
    for chunk in chunks:
        sha256.update(chunk)
        sm3.update(chunk)
    return Digests(sha256.hexdigest(), sm3.finalize().hex())


def _write_durably(path: Path, chunks: Iterable[bytes]) -> Digests:
    with path.open("xb") as file:
        found = digests(_written(file, chunks))
    _make_durable(path)
    return found


def _written(file: BinaryIO, chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        file.write(chunk)
        yield chunk


def _make_durable(path: Path) -> None:
    with path.open("rb") as file:
        os.fchmod(file.fileno(), 0o440)
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(chunks: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            yield chunk
