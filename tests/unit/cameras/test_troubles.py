"""What goes wrong on the way is on the metrics within seconds, and at the latest when the session ends."""

from datetime import UTC, datetime

from ingest.cameras.metrics import STREAM_TROUBLES
from ingest.cameras.troubles import CountedReader
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription
from ingest.rtsp.receiving import Counts


class HandClock:
    seconds = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 22, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


class Camera:
    def __init__(self) -> None:
        self.counts = Counts()
        self.clock_offset_s = 1.5

    async def open(self) -> StreamDescription:
        return StreamDescription(codec=Codec.H264, parameter_sets=b"", clock_rate=90_000)

    async def read(self) -> list[CodedFrame]:
        return []

    async def close(self) -> None: ...


def told(camera: str) -> dict[str, float]:
    return {
        sample.labels["kind"]: sample.value
        for metric in STREAM_TROUBLES.collect()
        for sample in metric.samples
        if sample.labels.get("camera") == camera and sample.name.endswith("_total")
    }


async def test_counts_are_told_now_and_then_and_at_the_end_and_only_once() -> None:
    clock, camera = HandClock(), Camera()
    reader = CountedReader(camera, "c-troubled", clock)
    camera.counts = Counts(lost=3, clock_moved=1)
    await reader.read()
    assert told("c-troubled") == {}
    clock.seconds = 10
    await reader.read()
    await reader.read()
    assert told("c-troubled") == {"lost": 3, "clock_moved": 1}
    camera.counts = Counts(lost=5, clock_moved=1)
    await reader.close()

    assert told("c-troubled") == {"lost": 5, "clock_moved": 1}
    assert reader.clock_offset_s == 1.5
