"""FFmpeg's demuxer as the second reader: the same frames, the same named failures, nothing left behind."""

import asyncio
import contextlib
import itertools
import threading
import time
from collections.abc import AsyncIterator
from itertools import pairwise

import av
import pytest

from farwatch.domain.place import Position
from farwatch.domain.registry import Camera, ReaderKind, Transport
from ingest.cameras.ffmpeg_reader import FfmpegReader, ShedUntilKey
from ingest.cameras.patience import Patience
from ingest.cameras.readers import make_reader
from ingest.rtsp.auth import Credential
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import Codec, CodedFrame, access_unit
from ingest.rtsp.rtp import SenderReport, build_sender_report
from ingest.rtsp.server import interleave
from ingest.rtsp.session import RtspReader
from simulators.coded_loop import CodedLoop
from simulators.encoding import encode_pictures
from simulators.rtsp_server import RtspServer
from tests.integration.rtsp_places import CLOCK, drawn_pictures, serving, until

ACCOUNT = Credential("viewer", "s3cr3t:@/")
DECODERS = {Codec.H264: "h264", Codec.H265: "hevc", Codec.MJPEG: "mjpeg"}


@pytest.fixture(scope="module")
def loops() -> dict[Codec, CodedLoop]:
    return {codec: encode_pictures(drawn_pictures(50), rate=25, codec=codec) for codec in Codec}


@contextlib.asynccontextmanager
async def reading(
    url: str, credential: Credential | None = None, connect_timeout_s: float = 5, idle_timeout_s: float = 10
) -> AsyncIterator[FfmpegReader]:
    reader = FfmpegReader(url, credential, CLOCK, connect_timeout_s, idle_timeout_s)
    try:
        yield reader
    finally:
        await reader.close()
        await until(lambda: not threads_of_readers())


def threads_of_readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("ffmpeg ")]


async def frames_of(reader: FfmpegReader, count: int) -> list[CodedFrame]:
    frames: list[CodedFrame] = []
    while len(frames) < count:
        frames += await reader.read()
    return frames


@pytest.mark.parametrize("codec", list(Codec))
async def test_a_camera_of_every_codec_is_read_and_decoded(
    loops: dict[Codec, CodedLoop], codec: Codec
) -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", loops[codec])
    async with serving(server) as base, reading(f"{base}/cam") as reader:
        description = await reader.open()
        frames = await frames_of(reader, 30)

    assert (description.codec, description.width, description.height) == (codec, 128, 96)
    assert all(frame.whole and not frame.damaged for frame in frames)
    assert frames[0].is_key
    assert {b.rtp_time - a.rtp_time for a, b in pairwise(frames[1:])} == {3600}
    decoder = av.CodecContext.create(DECODERS[codec], "r")
    pictures = [p for f in frames for p in decoder.decode(av.Packet(access_unit(f, description)))]  # type: ignore[attr-defined]
    assert len(pictures) >= 28
    assert {(picture.width, picture.height) for picture in pictures} == {(128, 96)}


async def test_failures_are_named_and_hold_no_account(loops: dict[Codec, CodedLoop]) -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", loops[Codec.H264], ACCOUNT)
    async with serving(server) as base:
        url = f"{base}/cam"
        async with reading(url, ACCOUNT) as reader:
            await reader.open()
            assert await reader.read()
            server.hide("/cam")
            closed = await failure(reader)
            assert closed.reason is Problem.CLOSED
        server.show("/cam", loops[Codec.H264], ACCOUNT)
        for where, account, problem in (
            (url, Credential("viewer", "wr0ng"), Problem.UNAUTHORISED),
            (url, None, Problem.UNAUTHORISED),
            (f"{base}/none", None, Problem.NOT_FOUND),
            ("rtsp://127.0.0.1:9/cam", ACCOUNT, Problem.UNREACHABLE),
        ):
            async with reading(where, account) as reader:
                error = await failure(reader)
                assert error.reason is problem
                assert not any(secret in f"{error}{reader!r}" for secret in ("wr0ng", "s3cr3t", "viewer"))


async def failure(reader: FfmpegReader) -> RtspError:
    with pytest.raises(RtspError) as caught:
        if reader._loop is None:
            await reader.open()
        while True:
            await reader.read()
    return caught.value


@pytest.fixture
async def silent_camera() -> AsyncIterator[str]:
    """It accepts the connection and never says a word."""
    listener = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    async with listener:
        yield f"rtsp://127.0.0.1:{listener.sockets[0].getsockname()[1]}/cam"


async def test_a_silent_camera_is_named_in_time_and_its_thread_ends_by_itself(silent_camera: str) -> None:
    began = time.monotonic()
    async with reading(silent_camera, connect_timeout_s=0.5, idle_timeout_s=1) as reader:
        assert (await failure(reader)).reason is Problem.TIMED_OUT

    assert time.monotonic() - began < 4


async def test_a_silent_camera_is_named_the_same_when_this_process_waits_longer_than_the_thread(
    silent_camera: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = threading.Thread.start

    def start_and_be_kept(thread: threading.Thread) -> None:
        start(thread)
        thread.join(5)

    monkeypatch.setattr(threading.Thread, "start", start_and_be_kept)
    async with reading(silent_camera, connect_timeout_s=0.2, idle_timeout_s=0.2) as reader:
        assert (await failure(reader)).reason is Problem.TIMED_OUT


async def goes_on_without_pictures(server: RtspServer) -> None:
    """The encoder hangs; what keeps its viewers company does not."""
    for client in server._clients:
        client._unwatch()
    for number in itertools.count():
        report = SenderReport(ssrc=1, captured_at=CLOCK.now(), timestamp=9000 * number)
        for client in server._clients:
            client.send(interleave([build_sender_report(report, "test")], 1))
        await asyncio.sleep(0.1)


async def test_a_camera_that_sends_reports_and_no_pictures_leaves_no_thread_and_no_session(
    loops: dict[Codec, CodedLoop],
) -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", loops[Codec.H264])
    async with serving(server) as base, asyncio.TaskGroup() as group:
        async with reading(f"{base}/cam", idle_timeout_s=1) as reader:
            await reader.open()
            await frames_of(reader, 5)
            hung = group.create_task(goes_on_without_pictures(server))
            assert (await failure(reader)).reason is Problem.TIMED_OUT
        await until(lambda: server.clients == 0)
        hung.cancel()


async def test_where_no_thread_can_be_had_the_camera_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", full)
    with pytest.raises(RtspError, match="can't start new thread"):
        await FfmpegReader("rtsp://127.0.0.1:9/cam", None, CLOCK).open()


async def test_a_camera_that_plays_is_let_go_within_a_second(loops: dict[Codec, CodedLoop]) -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", loops[Codec.H264])
    async with serving(server) as base:
        async with reading(f"{base}/cam") as reader:
            await reader.open()
            began = time.monotonic()
        assert time.monotonic() - began < 1
        await until(lambda: server.clients == 0)
        with pytest.raises(RtspError) as caught:
            await reader.read()
    assert caught.value.reason is Problem.CLOSED


def coded(size: int, *, key: bool = False) -> CodedFrame:
    return CodedFrame(
        packets=(bytes(size),), rtp_time=0, received_at=CLOCK.now(), captured_at=None, is_key=key, whole=True
    )


def test_what_nobody_takes_is_shed_until_the_next_key_frame() -> None:
    queue = ShedUntilKey(most_bytes=100)
    assert queue.put(coded(60, key=True))
    assert not queue.put(coded(60))
    assert [len(frame.packets[0]) for frame in queue.take()] == [60]
    assert not queue.put(coded(5)), "its reference was shed"
    assert queue.put(coded(50, key=True))
    assert not queue.put(coded(5))

    assert [len(frame.packets[0]) for frame in queue.take()] == [50, 5]
    assert queue.shed == 2


@pytest.mark.parametrize(("kind", "made"), [(ReaderKind.OWN, RtspReader), (ReaderKind.FFMPEG, FfmpegReader)])
def test_the_registry_says_which_reader_a_camera_gets(kind: ReaderKind, made: type) -> None:
    camera = Camera(
        id="c1",
        name="c1",
        enterprise=None,
        place=Position(30, 120),
        heading_deg=None,
        url="rtsp://127.0.0.1/x",
        reader=kind,
        transport=Transport.UDP,
    )

    reader = make_reader(camera, ACCOUNT, CLOCK, Patience()).reader
    assert type(reader) is made
    assert reader._transport is Transport.UDP


async def test_a_camera_of_few_pictures_is_open_at_once() -> None:
    server = RtspServer(CLOCK)
    server.show("/slow", encode_pictures(drawn_pictures(6), rate=2))
    async with serving(server) as base, reading(f"{base}/slow", connect_timeout_s=2) as reader:
        description = await reader.open()
        assert (await reader.read())[0].is_key

    assert (description.width, description.height) == (128, 96)
