"""The reader wakes less often than frames come, and yet what is the last for a while never waits long."""

import asyncio
import time

from ingest.rtsp.messages import Interleaved, serialise
from ingest.rtsp.session import RtspReader
from simulators.rtsp_server import RtspServer
from tests.integration.rtsp_places import CLOCK, made_up_loop, read_frames, serving
from tests.integration.test_rtsp_reader import _Camera, listening
from tests.unit.rtsp.wires import packet


async def test_frames_come_several_at_a_time_once_the_pace_of_the_stream_is_known() -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", made_up_loop(size=8000))
    async with serving(server) as base:
        reader = RtspReader(f"{base}/cam", None, CLOCK)
        await reader.open()
        await read_frames(reader, 80)
        frames = reads = 0
        while frames < 50:
            frames += len(await reader.read())
            reads += 1
        await reader.close()

    assert reads <= frames / 3


async def test_the_last_frame_before_a_pause_waits_for_a_second_at_most() -> None:
    sent_s: list[float] = []

    def frame(number: int) -> bytes:
        return serialise(
            Interleaved(0, packet(number, number * 1800, b"\x41\x9a" + bytes(4000), marker=True))
        )

    def play(transport: asyncio.Transport, number: int = 0) -> None:
        if transport.is_closing():
            return
        transport.write(frame(number))
        sent_s.append(time.monotonic())
        if number < 80:
            asyncio.get_running_loop().call_later(0.02, play, transport, number + 1)

    async with listening(lambda: _Camera(b"", play)) as base:
        reader = RtspReader(f"{base}/cam", None, CLOCK, idle_timeout_s=5)
        await reader.open()
        frames = await read_frames(reader, 81)
        waited_s = time.monotonic() - sent_s[-1]
        await reader.close()

    assert len(frames) == 81
    assert waited_s < 1.5


async def test_small_frames_behind_a_large_key_frame_do_not_wait_for_the_next_one() -> None:
    def play(transport: asyncio.Transport, number: int = 0) -> None:
        if transport.is_closing():
            return
        size = 60_000 if number % 50 == 0 else 100
        data = packet(number, number * 1800, b"\x41\x9a" + bytes(size), marker=True)
        transport.write(serialise(Interleaved(0, data)))
        asyncio.get_running_loop().call_later(0.02, play, transport, number + 1)

    async with listening(lambda: _Camera(b"", play)) as base:
        reader = RtspReader(f"{base}/cam", None, CLOCK, idle_timeout_s=5)
        await reader.open()
        await read_frames(reader, 75)
        at_s, gaps_s, frames = time.monotonic(), [], 0
        while frames < 100:
            frames += len(await reader.read())
            gaps_s.append(time.monotonic() - at_s)
            at_s += gaps_s[-1]
        await reader.close()

    assert max(gaps_s) < 0.6
