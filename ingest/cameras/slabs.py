"""Packets side by side in large pieces of memory, so that a ring of thousands of small ones never scatters the heap. Pure."""

import mmap
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import overload

from ingest.rtsp.frames import CodedFrame

SLAB_BYTES = 512 << 10
"""A second of 4 Mbit/s. A piece goes back to the system when the last frame in it is let go."""
LARGEST_SHARED = SLAB_BYTES // 4
"""A larger frame has a piece of its own: it could leave half of a shared one empty, and a ring would take twice its bound."""

_PRIVATE = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
"""All of it at once costs half of what page by page does."""


class Laid(Sequence[bytes]):
    """Packets that lie in a slab one after the other; each is copied out when it is asked for."""

    __slots__ = ("_begin", "_sizes", "_slab", "size_bytes")

    def __init__(self, slab: mmap.mmap, begin: int, sizes: Sequence[int], size_bytes: int) -> None:
        self._slab = slab
        self._begin = begin
        self._sizes = sizes
        self.size_bytes = size_bytes

    def __len__(self) -> int:
        return len(self._sizes)

    def __iter__(self) -> Iterator[bytes]:
        begin = self._begin
        for size in self._sizes:
            yield self._slab[begin : begin + size]
            begin += size

    @overload
    def __getitem__(self, index: int) -> bytes: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[bytes, ...]: ...

    def __getitem__(self, index: int | slice) -> bytes | tuple[bytes, ...]:
        return tuple(self)[index]


class Slabs:
    """Where one stream's frames are laid down. Its pages are the system's own, not the heap's: glibc keeps what is free between
    packets of 1.4 kB for ever, and a worker of sixty cameras grew by two megabytes a minute.
    """

    def __init__(self) -> None:
        self._slab: mmap.mmap | None = None
        self._used = 0

    def lay(self, frame: CodedFrame) -> CodedFrame:
        """The same frame, its packets in a slab."""
        together = b"".join(frame.packets)
        size = len(together)
        if not size:
            return frame
        slab, begin = self._room(size)
        slab[begin : begin + size] = together
        return replace(frame, packets=Laid(slab, begin, array("I", map(len, frame.packets)), size))

    def _room(self, size: int) -> tuple[mmap.mmap, int]:
        if size > LARGEST_SHARED:
            return mmap.mmap(-1, size, flags=_PRIVATE), 0
        if self._slab is None or self._used + size > SLAB_BYTES:
            self._slab, self._used = mmap.mmap(-1, SLAB_BYTES, flags=_PRIVATE), 0
        self._used += size
        return self._slab, self._used - size
