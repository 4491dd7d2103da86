import struct
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp.rtp import (
    NO_CLOCK,
    Bye,
    ReceptionCount,
    RtpPacket,
    SenderReport,
    build_bye,
    build_receiver_report,
    build_rtp,
    build_sender_report,
    from_ntp,
    parse_rtcp,
    parse_rtp,
    to_ntp,
    unwrap,
)

_u16, _u32 = st.integers(0, 0xFFFF), st.integers(0, 0xFFFFFFFF)
_packets = st.builds(
    RtpPacket,
    sequence=_u16,
    timestamp=_u32,
    ssrc=_u32,
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    payload=st.binary(max_size=50),
)
_times = st.timedeltas(timedelta(0), timedelta(days=130 * 365)).map(
    lambda t: datetime(1970, 1, 1, tzinfo=UTC) + t
)
_reports = st.builds(SenderReport, ssrc=_u32, captured_at=_times, timestamp=_u32, packets=_u32, octets=_u32)


@given(_packets)
def test_a_packet_survives_the_wire(packet: RtpPacket) -> None:
    assert parse_rtp(build_rtp(packet)) == packet


@given(_packets, st.lists(_u32, max_size=15), st.none() | st.binary(max_size=12), st.integers(0, 255))
def test_sources_extension_and_padding_are_taken_off(
    packet: RtpPacket, sources: list[int], extension: bytes | None, padding: int
) -> None:
    wire = bytearray(build_rtp(packet)[:12])
    wire[0] |= len(sources)
    wire += b"".join(struct.pack("!I", source) for source in sources)
    if extension is not None:
        wire[0] |= 0x10
        words = -(-len(extension) // 4)
        wire += struct.pack("!HH", 0xBEDE, words) + extension.ljust(4 * words, b"\x00")
    wire += packet.payload
    if padding:
        wire[0] |= 0x20
        wire += bytes(padding - 1) + bytes((padding,))

    assert parse_rtp(bytes(wire)) == packet


@given(st.binary(max_size=60))
def test_any_bytes_are_a_packet_or_none(data: bytes) -> None:
    packet = parse_rtp(data)

    assert packet is None or len(packet.payload) <= len(data) - 12
    assert all(isinstance(report, SenderReport | Bye) for report in parse_rtcp(data))


@given(st.lists(st.integers(-30_000, 30_000), max_size=50), _u16)
def test_unwrapped_numbers_follow_the_steps(steps: list[int], first: int) -> None:
    true = unwrapped = first
    for step in steps:
        true += step
        unwrapped = unwrap(true & 0xFFFF, 16, unwrapped)

        assert unwrapped == true


@given(_reports)
def test_a_sender_report_survives_the_wire(report: SenderReport) -> None:
    (parsed,) = parse_rtcp(build_sender_report(report, "name"))

    assert isinstance(parsed, SenderReport)
    assert parsed == report


@given(_times)
def test_ntp_times_are_exact_to_the_microsecond_on_both_sides_of_2036(at: datetime) -> None:
    assert from_ntp(*to_ntp(at)) == at


def test_an_ntp_time_of_zero_is_no_time() -> None:
    assert from_ntp(0, 0) == NO_CLOCK


def test_a_goodbye_is_seen_behind_a_report() -> None:
    report = SenderReport(ssrc=1, captured_at=datetime(2026, 1, 1, tzinfo=UTC), timestamp=2)

    assert list(parse_rtcp(build_sender_report(report, "n") + build_bye(1))) == [report, Bye()]


@pytest.mark.parametrize("name", ["", "a", "ab", "abc", "abcd", "x" * 300])
def test_a_receiver_report_is_made_of_whole_words(name: str) -> None:
    count = ReceptionCount(source_ssrc=9, highest_sequence=70_000, lost=3)
    report = build_receiver_report(5, [count], name)

    assert len(report) % 4 == 0
    assert report[:4] == b"\x81\xc9\x00\x07"
    assert struct.unpack("!II", report[4:12]) == (5, 9)
    assert struct.unpack("!II", report[12:20]) == (3, 70_000)
    assert list(parse_rtcp(report)) == []


def test_cut_reports_end_quietly() -> None:
    report = SenderReport(
        ssrc=1, captured_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=1), timestamp=2
    )
    wire = build_sender_report(report, "n")

    assert [list(parse_rtcp(wire[:n])) for n in range(28)] == [[]] * 28
