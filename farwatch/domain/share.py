"""How cameras are divided among processes and machines."""

import hashlib
import re
from dataclasses import dataclass

MOST_SHARES = 1000
_WRITTEN = re.compile(r"([1-9][0-9]{0,3})/([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class Share:
    """Part `index` (from 0) of `count`: each camera belongs to exactly one, by a hash of its id that never changes."""

    index: int = 0
    count: int = 1

    def holds(self, camera: str) -> bool:
        return Share.of(camera, self.count) == self

    @classmethod
    def of(cls, camera: str, count: int) -> "Share":
        """The one of `count` that has this camera."""
        digest = hashlib.sha256(camera.encode()).digest()
        return cls(int.from_bytes(digest[:8], "big") % count, count)

    def __str__(self) -> str:
        return f"{self.index + 1}/{self.count}"

    @classmethod
    def parse(cls, text: str) -> "Share":
        """Of `i/n` with 1 <= i <= n <= MOST_SHARES, as `str` writes it. Raises ValueError."""
        written = _WRITTEN.fullmatch(text)
        if not written or not int(written[1]) <= int(written[2]) <= MOST_SHARES:
            raise ValueError(f"a share looks like 2/4, the second of four; not {text!r}")
        return cls(int(written[1]) - 1, int(written[2]))


WHOLE = Share()
