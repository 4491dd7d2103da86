"""What a worker process tells of itself: a page of shared memory that its watcher reads.

It also tells of a process that hangs, was stopped or has crashed: nothing in it has to run for the page to be read.
Times are those of the machine's monotonic clock, which all its processes share.
"""

import mmap
import struct
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

SLOTS = 32
"""Jobs at once that are told; more than these go on unwatched."""
_HEAD = struct.Struct("<dQ")
_SLOT = struct.Struct("<dIH")
_SLOT_BYTES = 1024
_NAME_BYTES = _SLOT_BYTES - _SLOT.size
PAGE_BYTES = _HEAD.size + SLOTS * _SLOT_BYTES


@dataclass(frozen=True, slots=True)
class Job:
    """Work under way in a thread (its number in the system), for `subject`; later than `due_s` it counts as stuck."""

    subject: str
    due_s: float
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Signs:
    """`beat_s` is None until the loop has turned once; `subjects`: how many the process looks after."""

    beat_s: float | None
    subjects: int
    jobs: tuple[Job, ...]


@contextmanager
def make_page() -> Iterator[IO[bytes]]:
    """A file without a name, filled, so that writing to it can never want for room."""
    with tempfile.TemporaryFile() as page:
        page.write(bytes(PAGE_BYTES))
        page.flush()
        yield page


class Vitals:
    """Writing costs no system call. Thread-safe."""

    def __init__(self, descriptor: int | None) -> None:
        """`descriptor`: of `make_page`'s file, which may be closed afterwards; None: nobody watches."""
        self._page = mmap.mmap(-1 if descriptor is None else descriptor, PAGE_BYTES)
        self._free = list(range(SLOTS))
        self._lock = threading.Lock()

    def beat(self, now_s: float, subjects: int) -> None:
        _HEAD.pack_into(self._page, 0, now_s, subjects)

    @contextmanager
    def job(self, subject: str, due_s: float) -> Iterator[None]:
        with self._lock:
            slot = self._free.pop() if self._free else None
        if slot is None:
            yield
            return
        at = _HEAD.size + slot * _SLOT_BYTES
        name = subject.encode()[:_NAME_BYTES]
        self._page[at + _SLOT.size : at + _SLOT.size + len(name)] = name
        _SLOT.pack_into(self._page, at, due_s, threading.get_native_id(), len(name))
        try:
            yield
        finally:
            _SLOT.pack_into(self._page, at, 0.0, 0, 0)
            with self._lock:
                self._free.append(slot)

    def close(self) -> None:
        self._page.close()

    def read(self) -> Signs:
        beat_s, subjects = _HEAD.unpack_from(self._page)
        jobs = []
        for at in range(_HEAD.size, PAGE_BYTES, _SLOT_BYTES):
            due_s, thread, length = _SLOT.unpack_from(self._page, at)
            if due_s:
                name = self._page[at + _SLOT.size : at + _SLOT.size + length]
                jobs.append(Job(name.decode(errors="replace"), due_s, thread))
        return Signs(beat_s or None, subjects, tuple(jobs))
