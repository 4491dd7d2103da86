"""What the timer of a connection finds ends the session like what its sockets bring."""

import asyncio
import struct
from contextlib import nullcontext
from datetime import timedelta

import pytest

from farwatch.domain.registry import Transport
from farwatch.runtime.clock import SystemClock
from ingest.rtsp.address import parse_address
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import Codec, StreamDescription
from ingest.rtsp.receiving import Receiving
from ingest.rtsp.wire import Wire

JPEG = 26
TOO_WIDE_TO_SAY = struct.pack("!8B", 0, 0, 0, 0, 1, 50, 0, 0) + b"x" * 50
"""RFC 2435: more than 2040 pixels, and no other word of its size."""


def packet(sequence: int, timestamp: int, marker: bool) -> bytes:
    return struct.pack("!BBHII", 0x80, JPEG | marker << 7, sequence, timestamp, 7) + TOO_WIDE_TO_SAY


async def test_a_packet_that_was_waited_for_and_makes_no_sense_ends_the_session() -> None:
    clock = SystemClock()
    wire = Wire(parse_address("rtsp://127.0.0.1/x")[0], None, Transport.UDP, clock, nullcontext())
    stream = StreamDescription(codec=Codec.MJPEG, parameter_sets=b"", clock_rate=90_000)
    wire.session.description, wire.session.is_udp = stream, True
    wire.session._receiving = Receiving(stream, JPEG)
    packets = [packet(1, 1, False), packet(3, 9000, True), packet(4, 18_000, True)]
    wire.session.receive_datagrams(packets, clock.now() - timedelta(seconds=3))
    wire._on_tick()
    with pytest.raises(RtspError) as ended:
        async with asyncio.timeout(5):
            await wire.news()
    assert ended.value.reason is Problem.UNSUPPORTED_CODEC
    assert wire._tick is None


class OneMoment(SystemClock):
    """However busy the machine is."""

    def monotonic(self) -> float:
        return 1.0


def playing(transport: Transport) -> Wire:
    wire = Wire(parse_address("rtsp://127.0.0.1/x")[0], None, transport, OneMoment(), nullcontext())
    stream = StreamDescription(codec=Codec.H264, parameter_sets=b"", clock_rate=90_000)
    wire.session.description, wire.session.is_udp = stream, transport is Transport.UDP
    wire.session._receiving = Receiving(stream, 96)
    wire.session._parser.expect((0, 1))
    return wire


def flooded(wire: Wire, data: bytes) -> None:
    wire._buffer[: len(data)] = data
    wire.buffer_updated(len(data))


NEW, SAME = 3, 0


@pytest.mark.parametrize("step", [NEW, SAME], ids=["frames of a packet", "packets of a frame"])
async def test_a_flood_of_tiny_packets_ends_the_session(step: int) -> None:
    wire = playing(Transport.TCP)
    sequence = 0
    for _ in range(12):
        data = bytearray()
        for _ in range(5000):
            sequence += 1
            header = struct.pack("!BBHII", 0x80, 96, sequence & 0xFFFF, step * sequence, 7)
            data += b"$\0" + struct.pack("!H", 14) + header + b"\x41\x9a"
        flooded(wire, bytes(data))
    with pytest.raises(RtspError) as ended:
        await wire.news()
    assert ended.value.reason is Problem.PROTOCOL
    assert "packets in a second" in ended.value.detail


async def test_a_flood_of_datagrams_ends_the_session() -> None:
    wire = playing(Transport.UDP)
    for _ in range(6):
        wire._receive_datagrams([b"x"] * 10_000)
    with pytest.raises(RtspError) as ended:
        await wire.news()
    assert ended.value.reason is Problem.PROTOCOL
