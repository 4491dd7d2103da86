"""The second reader: FFmpeg's RTSP demuxer in a thread of its own, for cameras that ours does not get on with.

It costs about three times as much, knows no time of the camera's, and sends the account wherever a camera redirects it.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from farwatch.domain.registry import Transport
from farwatch.runtime.clock import Clock
from ingest.cameras.ffmpeg_track import Track, problem_of
from ingest.rtsp.address import Address, parse_address
from ingest.rtsp.auth import Credential
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import CodedFrame, StreamDescription
from ingest.rtsp.receiving import Counts

_TRANSPORTS = {
    Transport.TCP: {"rtsp_transport": "tcp"},
    Transport.UDP: {"rtsp_transport": "udp", "rtsp_flags": "filter_src"},
    Transport.AUTO: {"rtsp_transport": "udp+tcp", "rtsp_flags": "prefer_tcp+filter_src"},
}
"""FFmpeg takes datagrams at all addresses of this machine; with the flag only those from the camera's."""


_NO_PROBING = {"analyzeduration": "1", "fpsprobesize": "0", "probesize": "32"}
"""The camera has described its stream; FFmpeg would watch it for seconds, to learn the rate of pictures too."""


class ShedUntilKey:
    """Frames between two threads: above `most_bytes` new ones are shed until a key frame comes, and counted in `shed`."""

    def __init__(self, most_bytes: int = 32 << 20) -> None:
        self.shed = 0
        self._most_bytes = most_bytes
        self._bytes = 0
        self._sheds = False
        self._frames: deque[CodedFrame] = deque()
        self._lock = threading.Lock()

    def put(self, frame: CodedFrame) -> bool:
        """True when it is the first that waits."""
        size = len(frame.packets[0])
        with self._lock:
            self._sheds = (self._sheds and not frame.is_key) or self._bytes + size > self._most_bytes
            if self._sheds:
                self.shed += 1
                return False
            self._frames.append(frame)
            self._bytes += size
            return len(self._frames) == 1

    def take(self) -> list[CodedFrame]:
        with self._lock:
            frames = list(self._frames)
            self._frames.clear()
            self._bytes = 0
        return frames


class FfmpegReader:
    """The same as RtspReader, from FFmpeg. Its frames are whole access units without the camera's time.

    The thread ends with the next frame after `close`; behind a camera that sends none it ends `idle_timeout_s` after the last
    one, whatever else the camera sends, and nobody waits for it.
    """

    clock_offset_s: Final = None

    def __init__(
        self,
        url: str,
        credential: Credential | None,
        clock: Clock,
        connect_timeout_s: float = 5,
        idle_timeout_s: float = 10,
        transport: Transport = Transport.AUTO,
    ) -> None:
        """Raises RtspError(PROTOCOL) when `url` is no rtsp:// address."""
        self._address, from_url = parse_address(url)
        self._credential = credential or from_url
        self._clock = clock
        self._connect_timeout_s = connect_timeout_s
        self._idle_timeout_s = idle_timeout_s
        self._transport = transport
        self._queue = ShedUntilKey()
        self._closing = threading.Event()
        self._news = asyncio.Event()
        self._error: RtspError | None = None
        self._description: StreamDescription | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def __repr__(self) -> str:
        return f"FfmpegReader({self._address.place})"

    @property
    def counts(self) -> Counts:
        """Only `dropped` is known: frames that nobody took in time."""
        return Counts(dropped=self._queue.shed)

    async def open(self) -> StreamDescription:
        self._loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._run, name=f"ffmpeg {self._address.place}", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # the machine has no more
            raise RtspError(Problem.UNREACHABLE, f"{self._address.place}: {error}") from None
        await self._wait(self._connect_timeout_s, "does not answer in time", lambda: self._description)
        assert self._description is not None
        return self._description

    async def read(self) -> list[CodedFrame]:
        found: list[CodedFrame] = []

        def take() -> bool:
            found.extend(self._queue.take())
            return bool(found)

        if self._loop is None or self._closing.is_set():
            raise RtspError(Problem.CLOSED, "the reader is not open")
        await self._wait(self._idle_timeout_s, f"no picture for {self._idle_timeout_s:g} s", take)
        return found

    async def close(self) -> None:
        """May be called again. Does not wait for the thread."""
        self._closing.set()

    async def _wait(self, timeout_s: float, or_else: str, is_there: Callable[[], object]) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while not is_there():
                    if self._error is not None:
                        raise RtspError(self._error.reason, self._error.detail)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            self._closing.set()
            raise RtspError(Problem.TIMED_OUT, f"{self._address.place} {or_else}") from None

    def _tell(self) -> None:
        """From the thread."""
        assert self._loop is not None
        with contextlib.suppress(RuntimeError):  # the loop has ended before its camera
            self._loop.call_soon_threadsafe(self._news.set)

    def _run(self) -> None:
        error = RtspError(Problem.CLOSED, "the camera ended the stream")
        began_s = self._clock.monotonic()
        try:
            self._demultiplex()
        except RtspError as problem:
            error = problem
        except av.FFmpegError as problem:
            reason = problem_of(problem)
            # Cut short while it opens, FFmpeg says that it understood nothing.
            if self._description is None and self._clock.monotonic() - began_s >= self._connect_timeout_s:
                reason = Problem.TIMED_OUT
            error = RtspError(reason, f"{self._address.place}: {type(problem).__name__}")
        finally:
            self._error = error
            self._tell()

    def _demultiplex(self) -> None:
        options = {
            "timeout": f"{self._idle_timeout_s * 1e6:.0f}",
            "allowed_media_types": "video",
            **_NO_PROBING,
        }
        # FFmpeg's own deadline is for each read of the socket: behind an encoder that hangs, reports still come. PyAV's is for
        # each packet of the video.
        with av.open(
            _url(self._address, self._credential),
            format="rtsp",
            options={**_TRANSPORTS[self._transport], **options},
            timeout=(self._connect_timeout_s, self._idle_timeout_s),
        ) as container:
            stream = _video_of(container)
            track = Track(stream)
            self._description = track.description
            self._tell()
            for packet in container.demux(stream):
                if self._closing.is_set():
                    return
                if packet.size and self._queue.put(track.frame(packet, self._clock.now())):
                    self._tell()


def _video_of(container: InputContainer) -> VideoStream:
    for stream in container.streams.video:
        return stream
    raise RtspError(Problem.NO_VIDEO, "the camera describes no video")


def _url(address: Address, credential: Credential | None) -> str:
    """With the account in it, as FFmpeg wants it: never to be shown."""
    if credential is None:
        return address.url
    account = f"{quote(credential.user, safe='')}:{quote(credential.password, safe='')}"
    return address.url.replace("rtsp://", f"rtsp://{account}@", 1)
