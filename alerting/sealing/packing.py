"""Writes the ZIP of a case: entries stored as they are, one after the other, each hashed while it is written."""

import hashlib
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from alerting.verifier.hashes import new_sm3
from alerting.verifier.layout import BIG, Entry, directory, local_header


@dataclass(frozen=True, slots=True)
class Packed:
    path: str
    size: int
    sha256: str
    sm3: str


class Package:
    """`out` must be seekable. Blocks on the disk: call it in a thread."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._entries: list[Entry] = []

    def add(self, path: str, chunks: Iterable[bytes], expected_bytes: int = 0) -> Packed:
        """Raises ValueError when it is 4 GiB or more and was not expected to be, or the other way round."""
        name, at = path.encode(), self._out.tell()
        self._out.write(local_header(name, 0, expected_bytes))
        size, crc, sha256, sm3 = 0, 0, hashlib.sha256(), new_sm3()
        for chunk in chunks:
            self._out.write(chunk)
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
            sha256.update(chunk)
            sm3.update(chunk)
        if (size >= BIG) != (expected_bytes >= BIG):
            raise ValueError(f"{path} has {size} bytes, not some {expected_bytes}")
        end = self._out.tell()
        self._out.seek(at)
        self._out.write(local_header(name, crc, size))
        self._out.seek(end)
        self._entries.append(Entry(name, crc, size, at))
        return Packed(path, size, sha256.hexdigest(), sm3.hexdigest())

    def finish(self) -> int:
        """Writes the directory; returns the size of all."""
        at = self._out.tell()
        self._out.write(directory(self._entries, at))
        return self._out.tell()
