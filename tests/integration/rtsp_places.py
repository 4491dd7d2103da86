"""What the RTSP tests share: loops, a running server, and frames read until there are enough."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator

import numpy as np
import numpy.typing as npt

from farwatch.runtime.clock import SystemClock
from ingest.rtsp.frames import CodedFrame
from ingest.rtsp.h264 import packetise
from ingest.rtsp.nal import join_annex_b
from ingest.rtsp.session import RtspReader
from simulators.coded_loop import CLOCK_RATE, CodedLoop, CodedPicture
from simulators.rtsp_server import RtspServer

CLOCK = SystemClock()
_UNITS = [b"\x67\x42\x00\x1e\xaa", b"\x68\xce\x3c\x80"]
SETS = join_annex_b(_UNITS)


def made_up_loop(*, pictures: int = 5, rate: int = 50, size: int = 3000, fill: bytes = b"x") -> CodedLoop:
    """No decoder would like it, but it travels like any other: the first picture is a key frame."""
    step = CLOCK_RATE // rate
    return CodedLoop(
        parameter_sets=SETS,
        width=16,
        height=16,
        duration=pictures * step,
        pictures=tuple(
            CodedPicture(
                pts=n * step,
                is_key=n == 0,
                packets=tuple(
                    packetise([b"\x41\x9a" + fill * size] if n else [*_UNITS, b"\x65\x88" + fill * size])
                ),
            )
            for n in range(pictures)
        ),
    )


@contextlib.asynccontextmanager
async def serving(server: RtspServer) -> AsyncIterator[str]:
    """The server's address, `rtsp://127.0.0.1:PORT`; everything has ended when this ends."""
    stop = asyncio.Event()
    bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        group.create_task(server.serve("127.0.0.1", 0, stop, bound.set_result))
        try:
            yield f"rtsp://127.0.0.1:{await bound}"
        finally:
            stop.set()


async def read_frames(reader: RtspReader, count: int) -> list[CodedFrame]:
    frames: list[CodedFrame] = []
    while len(frames) < count:
        frames += await reader.read()
    return frames


async def until(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    """Looks again and again, because another process or the network is involved."""
    async with asyncio.timeout(timeout_s):
        while not condition():
            await asyncio.sleep(0.01)


def drawn_pictures(count: int, width: int = 128, height: int = 96) -> Iterator[npt.NDArray[np.uint8]]:
    """A bright bar that walks over a grey slope."""
    slope = np.linspace(40, 160, width, dtype=np.uint8)
    for number in range(count):
        picture = np.repeat(np.tile(slope, (height, 1))[:, :, None], 3, axis=2)
        picture[:, number * 4 % (width - 8) :][:, :8] = 235
        yield np.ascontiguousarray(picture)
