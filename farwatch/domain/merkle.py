"""Seals of the log: a Merkle root stands for every entry of a range, in its order."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.chain import canonical

NO_ROOT = bytes(32)
"""Stands where the seal before the first one would."""


def leaf(task: int | None, entry_hash: bytes) -> bytes:
    """The task is part of it, so that whoever has all leaves of a seal knows every entry of a task."""
    return hashlib.sha256(b"\x00" + (task or 0).to_bytes(8, "big") + entry_hash).digest()


def node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """Takes leaves one after the other and keeps one node for each bit of their number; the shape is RFC 6962's."""

    def __init__(self) -> None:
        self._peaks: list[tuple[int, bytes]] = []

    def add(self, leaf: bytes) -> None:
        height, whole = 0, leaf
        while self._peaks and self._peaks[-1][0] == height:
            whole = node(self._peaks.pop()[1], whole)
            height += 1
        self._peaks.append((height, whole))

    def root(self) -> bytes:
        """Raises ValueError without any leaf."""
        if not self._peaks:
            raise ValueError("a tree without leaves has no root")
        _, whole = self._peaks[-1]
        for _, peak in reversed(self._peaks[:-1]):
            whole = node(peak, whole)
        return whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """Over the entries `n_first` to `n_last`. `hour` is the full hour, of the database's clock, at which it was cut."""

    hour: datetime
    n_first: int
    n_last: int
    root: bytes
    prev_root: bytes

    @property
    def text(self) -> str:
        """What is signed, byte for byte."""
        return canonical(
            {
                "hour": self.hour.isoformat(),
                "n_first": self.n_first,
                "n_last": self.n_last,
                "root": self.root.hex(),
                "prev_root": self.prev_root.hex(),
            }
        )


def fingerprint(public_key: bytes) -> str:
    """Of an Ed25519 key of 32 bytes: the first 128 bits of its SHA-256, eight groups of four hexadecimal digits."""
    digits = hashlib.sha256(public_key).hexdigest()
    return "-".join(digits[i : i + 4] for i in range(0, 32, 4))
