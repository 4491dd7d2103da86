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


class Piece:
    """An entry while it is written; `at` is where its header begins."""

    def __init__(self, out: BinaryIO, path: str, at: int, expected_bytes: int) -> None:
        self.path, self.at, self.expected_bytes = path, at, expected_bytes
        self.size, self.crc, self.sha256, self.sm3 = 0, 0, hashlib.sha256(), new_sm3()
        self._out = out

    def write(self, chunk: bytes) -> None:
        self._out.write(chunk)
        self.size += len(chunk)
        self.crc = zlib.crc32(chunk, self.crc)
        self.sha256.update(chunk)
        self.sm3.update(chunk)


class Package:
    """`out` must be seekable. Blocks on the disk: call it in a thread."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self._entries: list[Entry] = []

    def add(self, path: str, chunks: Iterable[bytes], expected_bytes: int = 0) -> Packed:
        """Raises ValueError when it is 4 GiB or more and was not expected to be, or the other way round."""
        piece = self.begin(path, expected_bytes)
        for chunk in chunks:
            piece.write(chunk)
        return self.end(piece)

    def begin(self, path: str, expected_bytes: int = 0) -> "Piece":
        """One entry that is written as it comes; until `end` there is no other."""
        piece = Piece(self._out, path, self._out.tell(), expected_bytes)
        self._out.write(local_header(path.encode(), 0, expected_bytes))
        return piece

    def end(self, piece: "Piece") -> Packed:
        """Raises ValueError as `add`."""
        name, size = piece.path.encode(), piece.size
        if (size >= BIG) != (piece.expected_bytes >= BIG):
            raise ValueError(f"{piece.path} has {size} bytes, not some {piece.expected_bytes}")
        end = self._out.tell()
        self._out.seek(piece.at)
        self._out.write(local_header(name, piece.crc, size))
        self._out.seek(end)
        self._entries.append(Entry(name, piece.crc, size, piece.at))
        return Packed(piece.path, size, piece.sha256.hexdigest(), piece.sm3.hexdigest())

    def finish(self) -> int:
        """Writes the directory; returns the size of all."""
        at = self._out.tell()
        self._out.write(directory(self._entries, at))
        return self._out.tell()
