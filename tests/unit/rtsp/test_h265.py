import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp import h265
from ingest.rtsp.glance import NOTHING
from tests.unit.rtsp.streams import DELTA5, KEY5, PPS5, SPS5, VPS5

_units = st.builds(
    lambda head, rest: head + rest,
    st.sampled_from([unit[:2] for unit in (VPS5, SPS5, PPS5, KEY5, DELTA5)] + [b"\x4e\x01", b"\x2a\x0a"]),
    st.binary(min_size=1, max_size=400),
)


@given(st.lists(_units, min_size=1, max_size=8), st.integers(4, 500))
def test_units_survive_packets_of_any_size(units: list[bytes], max_payload: int) -> None:
    packets = h265.packetise(units, max_payload)

    assert all(len(packet) <= max_payload for packet in packets)
    assert list(h265.depacketise(packets)) == units


@given(st.lists(_units, min_size=1, max_size=8), st.integers(4, 500))
def test_header_bytes_name_every_unit_without_taking_packets_apart(
    units: list[bytes], max_payload: int
) -> None:
    seen = {kind for packet in h265.packetise(units, max_payload) for kind in h265.nal_types(packet)}

    assert seen >= {h265.nal_type(unit) for unit in units}


def _numbered(payload: bytes) -> bytes:
    """The packet with decoding order numbers (RFC 7798 §4.4.1-4.4.3), as sprop-max-don-diff > 0 brings."""
    kind = h265.nal_type(payload)
    if kind == 49:
        return payload[:3] + b"\x12\x34" + payload[3:] if payload[2] & 0x80 else payload
    if kind != 48:
        return payload[:2] + b"\x12\x34" + payload[2:]
    out, at = payload[:2] + b"\x12\x34", 2
    while at < len(payload):
        end = at + 2 + int.from_bytes(payload[at : at + 2])
        out += (b"\x07" if at > 2 else b"") + payload[at:end]
        at = end
    return out


@given(st.lists(_units, min_size=1, max_size=8), st.integers(8, 500))
def test_decoding_order_numbers_are_taken_out(units: list[bytes], max_payload: int) -> None:
    packets = h265.packetise(units, max_payload)

    assert [h265.without_order(_numbered(packet)) for packet in packets] == packets


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_nonsense_in_packets_is_left_out_and_never_raises(packets: list[bytes]) -> None:
    assert all(h265.depacketise([*packets, *map(h265.without_order, packets)]))
    for packet in packets:
        assert all(0 <= kind < 64 for kind in h265.nal_types(packet))
        h265.glance(packet)


@pytest.mark.parametrize(
    ("kind", "is_instant"),
    [(0, False), (1, False), (8, False), (9, False), *((n, True) for n in range(16, 22))],
)
def test_decoding_begins_at_random_access_pictures_only(kind: int, is_instant: bool) -> None:
    (whole,) = h265.packetise([bytes((kind << 1, 1)) + b"\xaf" + b"x" * 50])
    fragments = h265.packetise([bytes((kind << 1, 1)) + b"\xaf" + b"x" * 500], 100)

    for payload in (whole, fragments[0]):
        seen = h265.glance(payload)
        assert (seen.is_picture, seen.begins, seen.is_instant) == (True, True, is_instant)
    assert not h265.glance(fragments[1]).begins


@pytest.mark.parametrize("kind", [10, 15, 22, 31, 35, 36, 40, 41, 47, 50, 63])
def test_other_units_are_no_pictures(kind: int) -> None:
    assert h265.glance(bytes((kind << 1, 1)) + b"\xaf" + b"x" * 50) == NOTHING


def test_a_recovery_point_is_seen_behind_other_messages() -> None:
    message = b"\x4e\x01" + b"\x05\x03abc" + b"\x06\x01\x24" + b"\x80"  # recovery_poc_cnt 00100 = 2
    assert h265.glance(message).recovery_frames == 2


def test_too_small_a_packet_is_refused() -> None:
    with pytest.raises(ValueError, match="max_payload"):
        h265.packetise([KEY5], 3)
