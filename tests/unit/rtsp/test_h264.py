import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp import h264, nal

_units = st.builds(
    lambda first, rest: bytes((first,)) + rest,
    st.sampled_from([0x67, 0x68, 0x65, 0x41, 0x06, 0x09]),
    st.binary(min_size=1, max_size=400),
)


@given(st.lists(_units, min_size=1, max_size=8), st.integers(3, 500))
def test_units_survive_packets_of_any_size(units: list[bytes], max_payload: int) -> None:
    packets = h264.packetise(units, max_payload)

    assert all(len(packet) <= max_payload for packet in packets)
    assert list(h264.depacketise(packets)) == units


@given(st.lists(_units, min_size=1, max_size=8), st.integers(3, 500))
def test_header_bytes_name_every_unit_without_taking_packets_apart(
    units: list[bytes], max_payload: int
) -> None:
    seen = [kind for packet in h264.packetise(units, max_payload) for kind in h264.nal_types(packet)]

    assert set(seen) == {unit[0] & 0x1F for unit in units}


@given(st.lists(st.binary(max_size=40), max_size=10))
def test_nonsense_in_packets_is_left_out_and_never_raises(packets: list[bytes]) -> None:
    assert all(h264.depacketise(packets))
    assert all(0 <= kind < 32 for packet in packets for kind in h264.nal_types(packet))


@given(st.lists(_units.map(lambda unit: unit.replace(b"\x00", b"\x01")), max_size=6))
def test_annex_b_splits_as_it_was_joined(units: list[bytes]) -> None:
    assert nal.split_annex_b(nal.join_annex_b(units)) == units


def test_short_start_codes_and_zeros_between_units_are_understood() -> None:
    assert nal.split_annex_b(b"\x00\x00\x01\x67\xaa\x00\x00\x00\x01\x68\xbb\x00") == [
        b"\x67\xaa",
        b"\x68\xbb",
    ]


def test_a_fragment_without_its_beginning_is_left_out() -> None:
    packets = h264.packetise([bytes([0x65]) + bytes(range(1, 200))], 50)

    assert list(h264.depacketise(packets[1:])) == []
    assert list(h264.depacketise(packets[:-1])) == []


def test_an_aggregate_that_was_cut_gives_its_whole_units_only() -> None:
    (packet,) = h264.packetise([b"\x67sps", b"\x68pps"])

    assert list(h264.depacketise([packet])) == [b"\x67sps", b"\x68pps"]
    assert list(h264.depacketise([packet[:-1]])) == [b"\x67sps"]


def test_too_small_a_packet_is_refused() -> None:
    with pytest.raises(ValueError, match="max_payload"):
        h264.packetise([b"\x65abc"], 2)
