"""What a worker process tells of itself: a page of shared memory that its watcher reads.

It also tells of a process that hangs, was stopped or has crashed: nothing in it has to run for the page to be read.
Times are those of the machine's monotonic clock, which all its processes share.
"""

import mmap
import struct
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO

from farwatch.runtime.processes import OwnMemory

SLOTS = 32
"""Jobs at once that are told; more than these go on unwatched."""
_HEAD = struct.Struct("<dQ")
_SLOT = struct.Struct("<dQIH")
_SLOT_BYTES = 1024
_NAME_BYTES = _SLOT_BYTES - _SLOT.size
_SERVED, _BLAMED, _GROWN, _JOBS = (_HEAD.size + place * _SLOT_BYTES for place in range(4))
PAGE_BYTES = _JOBS + SLOTS * _SLOT_BYTES


@dataclass(frozen=True, slots=True)
class Job:
    """Work under way in a thread (its number in the system), for `subject`; later than `due_s` it counts as stuck.

    `began_bytes`: the memory of the whole process when it began.
    """

    subject: str
    due_s: float
    thread: int = 0
    began_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Signs:
    """`beat_s` is None until the loop has turned once; `subjects`: how many the process looks after.

    `served`: whom the loop serves just now; `blamed`: whose error ends the process; `grown`: during whose jobs, those that
    have ended, the process grew most, and by how many bytes. Empty: nobody.
    """

    beat_s: float | None
    subjects: int
    jobs: tuple[Job, ...]
    served: str = ""
    blamed: str = ""
    grown: tuple[str, int] = ("", 0)


@contextmanager
def make_page() -> Iterator[IO[bytes]]:
    """A file without a name, filled, so that writing to it can never want for room."""
    with tempfile.TemporaryFile() as page:
        page.write(bytes(PAGE_BYTES))
        page.flush()
        yield page


class Serving:
    """While it is entered the page tells that the loop serves this subject; it may be entered again and again, not twice."""

    def __init__(self, page: mmap.mmap, subject: str) -> None:
        name = subject.encode()[:_NAME_BYTES]
        self._page = page
        self._told = _SLOT.pack(0.0, 0, 0, len(name)) + name
        self._nobody = bytes(_SLOT.size)

    def __enter__(self) -> None:
        self._page[_SERVED : _SERVED + len(self._told)] = self._told

    def __exit__(self, *_: object) -> None:
        self._page[_SERVED : _SERVED + _SLOT.size] = self._nobody


class Vitals:
    """Writing costs no system call, but for a job's memory. Thread-safe."""

    def __init__(self, descriptor: int | None) -> None:
        """`descriptor`: of `make_page`'s file, which may be closed afterwards; None: nobody watches."""
        self._page = mmap.mmap(-1 if descriptor is None else descriptor, PAGE_BYTES)
        self._memory = OwnMemory()
        self._free = list(range(SLOTS))
        self._grown: Counter[str] = Counter()
        self._lock = threading.Lock()

    def beat(self, now_s: float, subjects: int) -> None:
        _HEAD.pack_into(self._page, 0, now_s, subjects)

    def serving(self, subject: str) -> Serving:
        return Serving(self._page, subject)

    def blame(self, subject: str) -> None:
        """The first counts: what it broke breaks others."""
        if not self.read().blamed:
            self._tell(_BLAMED, subject)

    @contextmanager
    def job(self, subject: str, due_s: float) -> Iterator[None]:
        with self._lock:
            slot = self._free.pop() if self._free else None
        if slot is None:
            yield
            return
        at = _JOBS + slot * _SLOT_BYTES
        began_bytes = self._memory.resident_bytes()
        self._tell(at, subject, due_s, began_bytes, threading.get_native_id())
        try:
            yield
        finally:
            _SLOT.pack_into(self._page, at, 0.0, 0, 0, 0)
            with self._lock:
                self._free.append(slot)
                self._grown[subject] += self._memory.resident_bytes() - began_bytes
                most, grown_bytes = self._grown.most_common(1)[0]
                self._tell(_GROWN, most, number=max(0, grown_bytes))

    def close(self) -> None:
        self._page.close()
        self._memory.close()

    def read(self) -> Signs:
        beat_s, subjects = _HEAD.unpack_from(self._page)
        jobs = []
        for at in range(_JOBS, PAGE_BYTES, _SLOT_BYTES):
            subject, due_s, began_bytes, thread = self._told(at)
            if due_s:
                jobs.append(Job(subject, due_s, thread, began_bytes))
        served, blamed, grown = self._told(_SERVED), self._told(_BLAMED), self._told(_GROWN)
        return Signs(beat_s or None, subjects, tuple(jobs), served[0], blamed[0], (grown[0], grown[2]))

    def _tell(self, at: int, subject: str, due_s: float = 0.0, number: int = 0, thread: int = 0) -> None:
        name = subject.encode()[:_NAME_BYTES]
        self._page[at + _SLOT.size : at + _SLOT.size + len(name)] = name
        _SLOT.pack_into(self._page, at, due_s, number, thread, len(name))

    def _told(self, at: int) -> tuple[str, float, int, int]:
        due_s, number, thread, length = _SLOT.unpack_from(self._page, at)
        name = self._page[at + _SLOT.size : at + _SLOT.size + length]
        return name.decode(errors="replace"), due_s, number, thread
