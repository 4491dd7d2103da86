"""The reader against cameras that send datagrams, over real sockets: in order, out of order, from elsewhere, not at all."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from itertools import pairwise

import pytest

from farwatch.domain.registry import Transport
from ingest.rtsp.datagrams import Datagrams
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.rtp import build_bye
from ingest.rtsp.server import Offer, PlayStarted, ServerSession
from ingest.rtsp.session import RtspReader
from ingest.rtsp.transports import Pair
from simulators.rtsp_server import RtspServer
from tests.integration.rtsp_places import CLOCK, made_up_loop, read_frames, serving, until
from tests.unit.rtsp.wires import packet

BOTH = (Transport.TCP, Transport.UDP)


@contextlib.asynccontextmanager
async def reading(
    url: str, transport: Transport = Transport.AUTO, idle_timeout_s: float = 5
) -> AsyncIterator[RtspReader]:
    reader = RtspReader(url, None, CLOCK, 5, idle_timeout_s, transport)
    try:
        yield reader
    finally:
        await reader.close()


@pytest.mark.parametrize(
    ("ways", "transport", "is_udp"),
    [
        (BOTH, Transport.AUTO, False),
        (BOTH, Transport.UDP, True),
        ((Transport.UDP,), Transport.AUTO, True),
        ((Transport.UDP,), Transport.UDP, True),
        ((Transport.TCP,), Transport.AUTO, False),
        ((Transport.TCP,), Transport.TCP, False),
    ],
)
async def test_a_loop_is_read_in_the_way_that_both_sides_can(
    ways: tuple[Transport, ...], transport: Transport, is_udp: bool
) -> None:
    server, loop = RtspServer(CLOCK, ways=ways), made_up_loop()
    server.show("/cam", loop)
    async with serving(server) as base, reading(f"{base}/cam", transport) as reader:
        await reader.open()
        frames = await read_frames(reader, 12)
        assert reader._wire is not None
        assert reader._wire.session.is_udp is is_udp
        assert reader.clock_offset_s == pytest.approx(0, abs=0.5)
        assert (reader.counts.lost, reader.counts.late, reader.counts.foreign) == (0, 0, 0)

    assert [frame.packets for frame in frames[:10]] == [p.packets for p in loop.pictures] * 2
    assert {b.rtp_time - a.rtp_time for a, b in pairwise(frames)} == {1800}
    assert not any(frame.damaged for frame in frames)


@pytest.mark.parametrize(
    ("ways", "transport"), [((Transport.UDP,), Transport.TCP), ((Transport.TCP,), Transport.UDP)]
)
async def test_a_camera_that_only_knows_the_other_way_is_named(
    ways: tuple[Transport, ...], transport: Transport
) -> None:
    server = RtspServer(CLOCK, ways=ways)
    server.show("/cam", made_up_loop())
    async with serving(server) as base, reading(f"{base}/cam", transport) as reader:
        with pytest.raises(RtspError) as caught:
            await reader.open()

    assert caught.value.reason is Problem.PROTOCOL


async def test_sockets_are_gone_after_the_end_whoever_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[Datagrams] = []
    begin = Datagrams.__init__

    def note(self: Datagrams, *arguments: object) -> None:
        begin(self, *arguments)  # type: ignore[arg-type]
        opened.append(self)

    monkeypatch.setattr(Datagrams, "__init__", note)
    server = RtspServer(CLOCK, ways=(Transport.UDP,))
    server.show("/cam", made_up_loop())
    async with serving(server) as base:
        async with reading(f"{base}/cam") as reader:
            await reader.open()
            await reader.read()
        async with reading(f"{base}/cam") as reader:
            await reader.open()
            server.hide("/cam")
            with pytest.raises(RtspError) as caught:
                await read_frames(reader, 1_000)
        assert caught.value.reason is Problem.CLOSED
        await until(lambda: server.clients == 0)

    assert len(opened) == 4
    assert all(one._data.fileno() == one._control.fileno() == -1 for one in opened)


class _Camera(asyncio.Protocol):
    """Speaks properly until the stream plays, and then does what `play` says with its two sockets and the client's ports."""

    def __init__(self, play: Callable[["_Camera", Pair], None], heard: list[bytes]) -> None:
        self._play, self._heard = play, heard
        offer = Offer(description=made_up_loop().description)
        self._session = ServerSession(lambda _: offer, ways=(Transport.UDP,), open_ports=self._open)

    def _open(self) -> Pair:
        self.datagrams = Datagrams("127.0.0.1", "127.0.0.1", self._heard.extend, self._heard.append)
        return self.datagrams.ports

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self.datagrams.close()

    def data_received(self, data: bytes) -> None:
        events = self._session.receive(data)
        self._transport.write(self._session.outgoing())
        for event in events:
            if isinstance(event, PlayStarted) and event.client_ports is not None:
                self._play(self, event.client_ports)


@contextlib.asynccontextmanager
async def camera(play: Callable[[_Camera, Pair], None]) -> AsyncIterator[tuple[str, list[bytes]]]:
    heard: list[bytes] = []
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: _Camera(play, heard), "127.0.0.1", 0)
    try:
        yield f"rtsp://127.0.0.1:{listener.sockets[0].getsockname()[1]}/cam", heard
    finally:
        listener.close()
        await listener.wait_closed()


def frame(number: int) -> bytes:
    return packet(number, number * 3600, b"\x65\x88" + bytes([number]) * 50, marker=True)


async def test_packets_out_of_order_and_twice_are_put_right_and_lost_ones_are_counted() -> None:
    def play(here: _Camera, ports: Pair) -> None:
        for number in (1, 3, 2, 2, 4, 6, 7):
            here.datagrams.send_data(frame(number), ports)

    async with camera(play) as (url, heard), reading(url) as reader:
        await reader.open()
        frames = await read_frames(reader, 6)
        counts = reader.counts
        await until(lambda: len(heard) >= 2)

    assert [one.packets[-1][2] for one in frames] == [1, 2, 3, 4, 6, 7]
    assert [one.damaged for one in frames] == [False] * 4 + [True, False]
    assert (counts.lost, counts.late) == (1, 1)
    assert {data[0] for data in heard} == {0x80}, "both ways through a firewall are opened"


async def test_packets_from_elsewhere_are_counted_and_not_taken() -> None:
    def play(here: _Camera, ports: Pair) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.sendto(frame(9), ("127.0.0.1", ports[0]))
            stranger.sendto(build_bye(7), ("127.0.0.1", ports[1]))
        for number in (1, 2):
            here.datagrams.send_data(frame(number), ports)

    async with camera(play) as (url, _), reading(url) as reader:
        await reader.open()
        frames = await read_frames(reader, 2)
        await until(lambda: reader.counts.foreign == 2)

    assert [one.packets[-1][2] for one in frames] == [1, 2]


async def test_a_camera_that_says_good_bye_is_left_and_one_that_sends_nothing_too() -> None:
    def leave(here: _Camera, ports: Pair) -> None:
        here.datagrams.send_report(build_bye(7), ports)

    async with camera(leave) as (url, _), reading(url) as reader:
        await reader.open()
        with pytest.raises(RtspError) as caught:
            await reader.read()
        assert caught.value.reason is Problem.CLOSED
    async with camera(lambda *_: None) as (url, _), reading(url, idle_timeout_s=0.2) as reader:
        await reader.open()
        with pytest.raises(RtspError) as caught:
            await reader.read()
        assert caught.value.reason is Problem.TIMED_OUT


async def test_what_the_system_has_no_room_for_is_counted() -> None:
    async with asyncio.timeout(10):
        ways = Datagrams("127.0.0.1", "127.0.0.1", lambda _: None, lambda _: None)
        try:
            ways.pause()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as camera_socket:
                for _ in range(200):
                    camera_socket.sendto(bytes(60_000), ("127.0.0.1", ways.ports[0]))
            assert ways.dropped > 0
        finally:
            ways.close()
        assert ways.dropped == 0


async def test_ports_are_an_even_one_and_the_next() -> None:
    pairs = [Datagrams("127.0.0.1", "127.0.0.1", lambda _: None, lambda _: None) for _ in range(20)]
    try:
        assert all(one.ports[0] % 2 == 0 and one.ports[1] == one.ports[0] + 1 for one in pairs)
    finally:
        for one in pairs:
            one.close()
            one.close()
