"""Helpers of the RTSP tests: byte streams in awkward pieces, packets, and two halves joined by a wire in memory."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import strategies as st

from ingest.rtsp.client import ClientSession
from ingest.rtsp.rtp import RtpPacket, build_rtp
from ingest.rtsp.server import Event, ServerSession

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TICKS_PER_FRAME = 3600


def cut(data: bytes, places: Sequence[int]) -> Iterator[bytes]:
    """`data` in pieces, cut at these places (mod its length)."""
    edges = sorted({0, len(data), *(p % (len(data) + 1) for p in places)})
    for begin, end in pairwise(edges):
        yield data[begin:end]


cuts = st.lists(st.integers(0, 10_000), max_size=12)


def mutate(data: bytes, changes: Sequence[tuple[int, int, bytes]]) -> bytes:
    """At each place some bytes are taken out and others put in."""
    for place, taken, put in changes:
        at = place % (len(data) + 1)
        data = data[:at] + put + data[at + taken :]
    return data


mutations = st.lists(
    st.tuples(st.integers(0, 5_000), st.integers(0, 6), st.binary(max_size=6)), min_size=1, max_size=8
)


def packet(sequence: int, timestamp: int, payload: bytes, *, marker: bool = False, ssrc: int = 7) -> bytes:
    return build_rtp(
        RtpPacket(
            sequence=sequence & 0xFFFF,
            timestamp=timestamp & 0xFFFFFFFF,
            ssrc=ssrc,
            payload_type=96,
            marker=marker,
            payload=payload,
        )
    )


def later(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def converse(client: ClientSession, server: ServerSession) -> list[Event]:
    """Passes bytes to and fro until both are silent."""
    events: list[Event] = []
    while asked := client.outgoing():
        events += server.receive(asked)
        client.receive(server.outgoing(), NOON)
    return events
