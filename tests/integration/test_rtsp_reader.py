"""The reader against simulated cameras over real sockets, and against cameras that fail in every way."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from farwatch.runtime.clock import SystemClock
from ingest.rtsp import server as server_module
from ingest.rtsp import wire as wire_module
from ingest.rtsp.auth import Credential
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.messages import Interleaved, serialise
from ingest.rtsp.server import Offer, ServerSession
from ingest.rtsp.session import RtspReader
from simulators import rtsp_server as rtsp_server_module
from simulators.rtsp_server import RtspServer
from tests.integration.rtsp_places import CLOCK, SETS, made_up_loop, read_frames, serving, until
from tests.unit.rtsp.wires import packet

ACCOUNT = Credential("viewer", "s3cr3t:@/")


@contextlib.asynccontextmanager
async def reading(
    url: str, credential: Credential | None = None, **limits: float
) -> AsyncIterator[RtspReader]:
    reader = RtspReader(url, credential, CLOCK, **limits)
    try:
        yield reader
    finally:
        await reader.close()


async def failure(url: str, credential: Credential | None = None, **limits: float) -> RtspError:
    """What opening, or else reading for ever, ends with."""
    async with reading(url, credential, **limits) as reader:
        with pytest.raises(RtspError) as caught:
            await _read_for_ever(reader)
    return caught.value


async def _read_for_ever(reader: RtspReader) -> None:
    await reader.open()
    while True:
        await reader.read()


@pytest.mark.parametrize("schemes", [(), ("basic",), ("md5",), ("sha-256",), ("basic", "md5", "sha-256")])
async def test_a_loop_is_read_as_it_was_coded_and_its_time_goes_on_over_the_end(
    schemes: tuple[str, ...],
) -> None:
    server, loop = RtspServer(CLOCK, schemes), made_up_loop()
    server.show("/cam", loop, ACCOUNT if schemes else None)
    async with serving(server) as base, reading(f"{base}/cam", ACCOUNT) as reader:
        description = await reader.open()
        frames = await read_frames(reader, 12)

    assert (description.codec, description.parameter_sets, description.clock_rate) == ("h264", SETS, 90_000)
    assert [frame.packets for frame in frames[:10]] == [p.packets for p in loop.pictures] * 2
    assert [frame.is_key for frame in frames[:6]] == [True, False, False, False, False, True]
    assert {b.rtp_time - a.rtp_time for a, b in pairwise(frames)} == {1800}
    assert not any(frame.damaged for frame in frames)
    for frame in frames:
        assert frame.captured_at is not None
        assert abs((frame.received_at - frame.captured_at).total_seconds()) < 0.5


async def test_many_watch_one_camera_and_each_begins_with_a_key_frame() -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", made_up_loop())
    async with serving(server) as base:
        async with contextlib.AsyncExitStack() as stack:
            readers = [await stack.enter_async_context(reading(f"{base}/cam")) for _ in range(5)]
            for reader in readers:
                await reader.open()
                frames = await read_frames(reader, 3)
                assert [frame.is_key for frame in frames[:2]] == [True, False]
            assert server.clients == 5
        await until(lambda: server.clients == 0)


async def test_a_camera_that_shows_something_else_goes_on_in_time_and_one_that_goes_off_is_closed() -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", made_up_loop())
    async with serving(server) as base, reading(f"{base}/cam") as reader:
        await reader.open()
        before = (await read_frames(reader, 3))[-1]
        server.show("/cam", other := made_up_loop(fill=b"y"))
        frames = await read_frames(reader, 8)
        first = next(frame for frame in frames if frame.packets == other.pictures[0].packets)
        assert first.is_key
        assert 0 < first.rtp_time - before.rtp_time < 90_000
        assert not any(frame.damaged for frame in frames)
        server.hide("/cam")
        with pytest.raises(RtspError) as caught:
            await read_frames(reader, 1000)

        assert caught.value.reason is Problem.CLOSED
        assert (await failure(f"{base}/cam")).reason is Problem.NOT_FOUND


async def test_a_wrong_or_missing_account_is_named_and_never_shown() -> None:
    server = RtspServer(CLOCK)
    server.show("/cam", made_up_loop(), ACCOUNT)
    async with serving(server) as base:
        inside = base.replace("rtsp://", "rtsp://viewer:s3cr3t-wrong@")
        for error in (
            await failure(f"{base}/cam"),
            await failure(f"{base}/cam", Credential("viewer", "s3cr3t-wrong")),
            await failure(f"{inside}/cam"),
        ):
            assert error.reason is Problem.UNAUTHORISED
            assert "s3cr3t" not in str(error)
    assert "s3cr3t" not in repr(RtspReader(f"{inside}/cam?pw=s3cr3t", ACCOUNT, CLOCK))


class _Camera(asyncio.Protocol):
    """Speaks properly until the stream plays, sends `media`, and then does what `then` says."""

    def __init__(self, media: bytes, then: Callable[[asyncio.Transport], None]) -> None:
        self._media, self._then = media, then
        self._session = ServerSession(lambda _: Offer(description=made_up_loop().description))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        events = self._session.receive(data)
        self._transport.write(self._session.outgoing())
        if events:
            self._transport.write(self._media)
            self._then(self._transport)


@contextlib.asynccontextmanager
async def listening(protocol: Callable[[], asyncio.Protocol]) -> AsyncIterator[str]:
    listener = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0)
    try:
        yield f"rtsp://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    finally:
        listener.close()
        await listener.wait_closed()


FRAME = serialise(Interleaved(0, packet(1, 0, b"\x65" + b"x" * 500, marker=True)))


@pytest.mark.parametrize(
    ("media", "then", "problem"),
    [
        (b"", lambda _: None, Problem.TIMED_OUT),
        (FRAME, lambda _: None, Problem.TIMED_OUT),
        (FRAME + FRAME[:100], lambda _: None, Problem.TIMED_OUT),
        (FRAME[:3], lambda transport: transport.close(), Problem.CLOSED),
        (FRAME + FRAME[:100], lambda transport: transport.close(), Problem.CLOSED),
        (FRAME, lambda transport: transport.abort(), Problem.CLOSED),
        (FRAME, lambda transport: transport.write_eof(), Problem.CLOSED),
        (FRAME + b"\x00\x00", lambda _: None, Problem.TIMED_OUT),
        (FRAME + bytes(300_000), lambda _: None, Problem.PROTOCOL),
    ],
)
async def test_a_camera_that_falls_silent_breaks_off_or_talks_nonsense_is_named_in_time(
    media: bytes, then: Callable[[asyncio.Transport], None], problem: Problem
) -> None:
    began = time.monotonic()
    async with listening(lambda: _Camera(media, then)) as base:
        error = await failure(f"{base}/cam", connect_timeout_s=2, idle_timeout_s=0.2)

    assert error.reason is problem
    assert time.monotonic() - began < 2


async def test_packets_without_a_frame_do_not_count_as_pictures() -> None:
    def trickle(transport: asyncio.Transport) -> None:
        if not transport.is_closing():
            transport.write(serialise(Interleaved(1, b"\x80\xc8\x00\x00")))
            asyncio.get_running_loop().call_later(0.02, trickle, transport)

    async with listening(lambda: _Camera(b"", trickle)) as base:
        assert (await failure(f"{base}/cam", idle_timeout_s=0.2)).reason is Problem.TIMED_OUT


async def test_a_door_that_opens_and_says_nothing_or_nothing_at_all_is_named_in_time() -> None:
    async with listening(asyncio.Protocol) as base:
        assert (await failure(f"{base}/cam", connect_timeout_s=0.2)).reason is Problem.TIMED_OUT
    assert (await failure(f"{base}/cam", connect_timeout_s=2)).reason is Problem.UNREACHABLE
    assert (await failure(f"rtsp://{'a' * 70}.invalid/", connect_timeout_s=2)).reason is Problem.UNREACHABLE


class _Redirector(asyncio.Protocol):
    def __init__(self, target: str, heard: list[bytes]) -> None:
        self._target, self._heard = target, heard

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._heard.append(data)
        self._transport.write(f"RTSP/1.0 302 Moved\r\nCSeq: 1\r\nLocation: {self._target}\r\n\r\n".encode())


async def test_a_redirect_is_followed_without_the_account() -> None:
    server = RtspServer(CLOCK, ("basic",))
    server.show("/open", made_up_loop())
    server.show("/closed", made_up_loop(), ACCOUNT)
    async with serving(server) as there:
        async with (
            listening(lambda: _Redirector(f"{there}/open", [])) as here,
            reading(here, ACCOUNT) as reader,
        ):
            await reader.open()
            assert await reader.read()
        async with listening(lambda: _Redirector(f"{there}/closed", [])) as here:
            assert (await failure(here, ACCOUNT)).reason is Problem.UNAUTHORISED


async def test_a_circle_of_redirects_ends() -> None:
    heard: list[bytes] = []
    async with listening(lambda: _Redirector("/again", heard)) as base:
        assert (await failure(base)).reason is Problem.PROTOCOL
    assert len(heard) == 4


async def test_a_client_that_does_not_read_is_cut_off_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rtsp_server_module, "MAX_UNSENT_BYTES", 64 * 1024)
    monkeypatch.setattr(wire_module, "_MAX_UNREAD_BYTES", 1)
    server = RtspServer(CLOCK)
    server.show("/cam", made_up_loop(size=400_000))
    async with serving(server) as base, reading(f"{base}/cam") as lazy:
        await lazy.open()
        await until(lambda: server.slow_clients_dropped == 1, timeout_s=20)
        async with reading(f"{base}/cam") as keen:
            await keen.open()
            assert await keen.read()
            assert server.slow_clients_dropped == 1


async def test_what_nobody_reads_waits_in_the_socket_and_is_read_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(wire_module, "_MAX_UNREAD_BYTES", 4_000)
    server = RtspServer(CLOCK)
    server.show("/cam", loop := made_up_loop())
    async with serving(server) as base, reading(f"{base}/cam") as reader:
        await reader.open()
        wire = reader._wire
        assert wire is not None
        await until(lambda: wire._paused)
        held = await reader.read()
        frames = [*held, *await read_frames(reader, 10)]

    assert len(held) < 5
    assert [frame.packets for frame in frames[:10]] == [p.packets for p in loop.pictures] * 2


async def test_a_session_is_kept_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "SESSION_TIMEOUT_S", 1)
    heard: list[bytes] = []
    receive = ServerSession.receive

    def listen(self: ServerSession, data: bytes) -> object:
        heard.append(data)
        return receive(self, data)

    monkeypatch.setattr(ServerSession, "receive", listen)
    server = RtspServer(CLOCK)
    server.show("/cam", made_up_loop(), ACCOUNT)
    async with serving(server) as base, reading(f"{base}/cam", ACCOUNT) as reader:
        await reader.open()
        await until(lambda: sum(b"GET_PARAMETER" in data for data in heard) == 2)
        assert await reader.read()
    assert any(b"TEARDOWN" in data for data in heard)


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.05])
async def test_a_reader_can_be_cancelled_at_any_time_and_leaves_nothing(after_s: float) -> None:
    server = RtspServer(SystemClock())
    server.show("/cam", made_up_loop())
    async with serving(server) as base:
        async with reading(f"{base}/cam") as reader:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(after_s):
                    await _read_for_ever(reader)
        await until(lambda: server.clients == 0)
        await until(lambda: len(asyncio.all_tasks()) <= 2)


async def test_a_closed_reader_says_so_and_may_be_closed_again() -> None:
    reader = RtspReader("rtsp://127.0.0.1:9/cam", None, CLOCK)
    await reader.close()
    await reader.close()

    with pytest.raises(RtspError) as caught:
        await reader.read()
    assert caught.value.reason is Problem.CLOSED
