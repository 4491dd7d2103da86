"""What goes wrong on the way from a camera, told to the metrics."""

from dataclasses import fields
from typing import Protocol

from farwatch.runtime.clock import Clock
from ingest.cameras import metrics
from ingest.cameras.watching import Reader
from ingest.rtsp.frames import CodedFrame, StreamDescription
from ingest.rtsp.receiving import Counts

TELL_EVERY_S = 10.0
_KINDS = tuple(field.name for field in fields(Counts))


class CountingReader(Reader, Protocol):
    @property
    def counts(self) -> Counts: ...


class CountedReader:
    """Reads on; every TELL_EVERY_S and at the end the counters get what was added since."""

    def __init__(self, reader: CountingReader, camera: str, clock: Clock) -> None:
        self.reader = reader
        self._camera = camera
        self._clock = clock
        self._told = Counts()
        self._told_at_s = clock.monotonic()

    @property
    def clock_offset_s(self) -> float | None:
        return self.reader.clock_offset_s

    async def open(self) -> StreamDescription:
        return await self.reader.open()

    async def read(self) -> list[CodedFrame]:
        frames = await self.reader.read()
        if self._clock.monotonic() - self._told_at_s >= TELL_EVERY_S:
            self._tell()
        return frames

    async def close(self) -> None:
        self._tell()
        await self.reader.close()

    def _tell(self) -> None:
        counts, self._told_at_s = self.reader.counts, self._clock.monotonic()
        for kind in _KINDS:
            added = getattr(counts, kind) - getattr(self._told, kind)
            if added > 0:  # a series only for what happens: there are thousands of cameras
                metrics.STREAM_TROUBLES.labels(self._camera, kind).inc(added)
        self._told = counts
