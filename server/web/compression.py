"""Built files, made small once for phones on a bad line."""

import gzip
from collections import OrderedDict
from pathlib import Path

SUFFIXES = frozenset({".js", ".mjs", ".css", ".html", ".svg", ".json", ".webmanifest"})
LEAST_BYTES = 1024
KEPT_MAX = 128


class CompressedFiles:
    """Remembers the last KEPT_MAX files by path and time of change; a build has a few dozen."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[Path, int], bytes] = OrderedDict()

    def get(self, file: Path) -> bytes | None:
        """The file's bytes, gzipped; None when that is not worth it. Blocks: call it in a thread."""
        stat = file.stat()
        if file.suffix not in SUFFIXES or stat.st_size < LEAST_BYTES:
            return None
        key = (file, stat.st_mtime_ns)
        if key not in self._kept:
            self._kept[key] = gzip.compress(file.read_bytes(), 6, mtime=0)
            while len(self._kept) > KEPT_MAX:
                self._kept.popitem(last=False)
        return self._kept[key]
