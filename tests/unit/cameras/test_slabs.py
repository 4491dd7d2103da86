"""Packets that lie side by side."""

import resource
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.cameras.ring import Ring
from ingest.cameras.slabs import SLAB_BYTES, Laid, Slabs
from tests.support.cameras import RATE, frame

PACKETS = st.lists(st.binary(max_size=1400), max_size=12).map(tuple)


@given(st.lists(PACKETS, max_size=30), st.integers(0, 2 * SLAB_BYTES))
def test_every_packet_comes_out_as_it_went_in_however_large(
    came: list[tuple[bytes, ...]], large: int
) -> None:
    slabs = Slabs()
    came.insert(len(came) // 2, (b"\x65" * large, b"", b"\x41"))
    kept = [slabs.lay(replace(frame(i), packets=packets)).packets for i, packets in enumerate(came)]
    for packets, laid in zip(came, kept, strict=True):
        assert tuple(laid) == packets
        assert len(laid) == len(packets)
        assert [laid[i] for i in range(-len(packets), len(packets))] == [*packets, *packets]
        assert laid[1:] == packets[1:]


def test_what_a_ring_lets_go_is_still_whole_for_whoever_kept_it() -> None:
    ring = Ring(clock_rate=RATE, keep_s=1)
    frames = (replace(frame(i, key=i % 5 == 0), packets=(bytes([i]) * 60_000,)) for i in range(200))
    packets = [ring.append(came).packets for came in frames]
    assert ring.first > 150
    assert all(isinstance(laid, Laid) for laid in packets)
    assert [set(laid[0]) for laid in packets] == [{i} for i in range(200)]


def mapped_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


@pytest.mark.parametrize("size", [SLAB_BYTES // 4, 130_000, 180_000, 270_000, 600_000])
def test_frames_of_any_size_take_little_more_memory_than_their_bytes(size: int) -> None:
    """A JPEG of 270 kB would fill a slab but for the half that nothing else fits into."""
    slabs, came, before = Slabs(), replace(frame(0), packets=(bytes(size),)), mapped_bytes()
    kept = [slabs.lay(came) for _ in range(100)]
    assert mapped_bytes() - before <= 1.4 * size * len(kept) + 4 * SLAB_BYTES
