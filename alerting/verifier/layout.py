"""The ZIP of a case: stored entries one after the other, and only one way to write each byte between them."""

import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

CHUNK_BYTES = 1 << 20
MOST_TEXT_BYTES = 1 << 30
BIG, MANY = 0xFFFFFFFF, 0xFFFF
_PART = "[A-Za-z0-9_-][A-Za-z0-9._-]*"
_NAME = re.compile(rf"{_PART}(/{_PART})*")


@dataclass(frozen=True, slots=True)
class Found:
    """`name` is one of docs/reference/evidence-export.md; `place` a path, an n, or an hour."""

    name: str
    place: str
    detail: str = ""

    def __str__(self) -> str:
        line = f"{self.name} ({self.place})" + (f": {self.detail}" if self.detail else "")
        return line.encode("unicode_escape").decode()  # a hostile file's names do not steer the terminal


class Entry(NamedTuple):
    """`at` is where its header begins."""

    name: bytes
    crc: int
    size: int
    at: int


def local_header(name: bytes, crc: int, size: int) -> bytes:
    extra = struct.pack("<2H2Q", 1, 16, size, size) if size >= BIG else b""
    told = min(size, BIG)
    return (
        struct.pack("<4s5H3I2H", b"PK\3\4", 45 if extra else 20, 0x800, 0, 0, 0x21, crc, told, told, len(name), len(extra))
        + name + extra
    )  # fmt: skip


def directory(entries: Sequence[Entry], at: int) -> bytes:
    """All that follows the last entry, which ends at `at`."""
    lines = [_directory_line(entry) for entry in entries]
    size, count = sum(map(len, lines)), len(lines)
    end = struct.pack(
        "<4s4H2IH", b"PK\5\6", 0, 0, min(count, MANY), min(count, MANY), min(size, BIG), min(at, BIG), 0
    )
    if count >= MANY or size >= BIG or at >= BIG:
        big = struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, at)
        end = big + struct.pack("<4sIQI", b"PK\6\7", 0, at + size, 1) + end
    return b"".join(lines) + end


def _directory_line(entry: Entry) -> bytes:
    name, crc, size, at = entry
    large = ([size, size] if size >= BIG else []) + ([at] if at >= BIG else [])
    extra = struct.pack(f"<2H{len(large)}Q", 1, 8 * len(large), *large) if large else b""
    told, needed = min(size, BIG), 45 if large else 20
    numbers = (
        0x031E,
        needed,
        0x800,
        0,
        0,
        0x21,
        crc,
        told,
        told,
        len(name),
        len(extra),
        0,
        0,
        0,
        0o100644 << 16,
        min(at, BIG),
    )
    return struct.pack("<4s6H3I5H2I", b"PK\1\2", *numbers) + name + extra


class Archive:
    """An open ZIP. `damage` says what in it is not as it must be; `entries` are what could be made out all the same."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._size = file.seek(0, 2)
        self.damage: list[Found] = []
        walked, end = self._walk()
        expected = directory(walked, end)
        tail = self._read(end, len(expected) + 1)
        if not walked or tail != expected:
            first = next(
                (i for i, (a, b) in enumerate(zip(tail, expected, strict=False)) if a != b), len(tail)
            )
            self.damage.append(Found("zip_damaged", f"byte {end + min(first, len(expected))}"))
            walked = max(walked, self._from_directory(), key=len)
        self.entries: dict[str, Entry] = {}
        for entry in walked:
            name = entry.name.decode("utf-8", "replace")
            if not _NAME.fullmatch(name) or name in self.entries:
                why = "twice" if name in self.entries else "no name of ours"
                self.damage.append(Found("zip_damaged", name, why))
            else:
                self.entries[name] = entry

    def _read(self, at: int, size: int) -> bytes:
        self._file.seek(at)
        return self._file.read(size)

    def _walk(self) -> tuple[list[Entry], int]:
        entries: list[Entry] = []
        at = 0
        while len(head := self._read(at, 30)) == 30 and head.startswith(b"PK\3\4"):
            crc, _, size, name_bytes, extra_bytes = struct.unpack("<3I2H", head[14:])
            rest = self._read(at + 30, name_bytes + extra_bytes)
            if size == BIG and extra_bytes == 20 and len(rest) == name_bytes + 20:
                size = struct.unpack("<Q", rest[-8:])[0]
            entry = Entry(rest[:name_bytes], crc, size, at)
            header = local_header(entry.name, crc, size)
            if head + rest != header or at + len(header) + size > self._size:
                break
            entries.append(entry)
            at += len(header) + size
        return entries, at

    def _from_directory(self) -> list[Entry]:
        """Only to say more about a damaged one; what lies in it is never more than the file."""
        entries: list[Entry] = []
        end = self._read(max(0, self._size - 22), 22)
        if len(end) == 22 and end.startswith(b"PK\5\6"):
            at = struct.unpack("<I", end[16:20])[0]
            while len(line := self._read(at, 46)) == 46 and line.startswith(b"PK\1\2"):
                crc, size, _, name_bytes, extra_bytes = struct.unpack("<3I2H", line[16:32])
                entries.append(
                    Entry(self._read(at + 46, name_bytes), crc, size, struct.unpack("<I", line[42:])[0])
                )
                at += 46 + name_bytes + extra_bytes
        return entries if sum(e.size for e in entries) <= self._size else []

    def chunks(self, name: str) -> Iterator[bytes]:
        entry = self.entries[name]
        at, left = entry.at + len(local_header(entry.name, entry.crc, entry.size)), entry.size
        while left and (chunk := self._read(at, min(left, CHUNK_BYTES))):
            yield chunk
            at, left = at + len(chunk), left - len(chunk)

    def read(self, name: str) -> bytes:
        """Raises ValueError and KeyError."""
        if self.entries[name].size > MOST_TEXT_BYTES:
            raise ValueError(f"{name} is too large")
        return b"".join(self.chunks(name))
