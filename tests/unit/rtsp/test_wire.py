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
