from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.rtsp import assembler as assembler_module
from ingest.rtsp.assembler import FrameAssembler
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import Codec, CodedFrame, StreamDescription, access_unit, parameter_sets_in
from ingest.rtsp.h264 import packetise
from ingest.rtsp.nal import join_annex_b
from ingest.rtsp.rtp import NO_CLOCK, SenderReport
from tests.unit.rtsp.wires import NOON, TICKS_PER_FRAME, later, packet

SPS, PPS = b"\x67\x42\x00\x1e\xaa", b"\x68\xce\x3c\x80"
SETS = join_annex_b([SPS, PPS])
STREAM = StreamDescription(codec=Codec.H264, parameter_sets=b"", clock_rate=90_000)
KEY, DELTA, OTHER = b"\x65\x88" + b"k" * 300, b"\x41\x9a" + b"d" * 120, b"\x06\x05sei"
LATER_SLICE = b"\x41\x40" + b"e" * 120


def assembler(sets: bytes = b"") -> FrameAssembler:
    return FrameAssembler(replace(STREAM, parameter_sets=sets), payload_type=96)


def stream(pictures: list[list[bytes]], first_time: int = 0, first_sequence: int = 0) -> list[bytes]:
    """RTP packets of these pictures, in small packets, with the marker on each picture's last."""
    packets: list[bytes] = []
    for number, units in enumerate(pictures):
        payloads = packetise(units, 100)
        for payload in payloads:
            packets.append(
                packet(
                    first_sequence + len(packets),
                    first_time + number * TICKS_PER_FRAME,
                    payload,
                    marker=payload is payloads[-1],
                )
            )
    return packets


def feed(one: FrameAssembler, packets: list[bytes]) -> list[CodedFrame]:
    return [frame for number, data in enumerate(packets) for frame in one.receive(data, later(number / 100))]


_pictures = st.lists(
    st.sampled_from([[DELTA], [SPS, PPS, KEY], [OTHER, DELTA], [DELTA, LATER_SLICE]]),
    min_size=1,
    max_size=12,
)


@given(_pictures, st.integers(0, 0xFFFFFFFF), st.integers(0, 0xFFFF))
def test_frames_come_out_as_they_went_in_across_every_wrap(
    pictures: list[list[bytes]], first_time: int, first_sequence: int
) -> None:
    found = feed(assembler(), stream(pictures, first_time, first_sequence))

    assert [access_unit(frame, STREAM) for frame in found] == [join_annex_b(units) for units in pictures]
    assert [frame.is_key for frame in found] == [KEY in units for units in pictures]
    assert [frame.rtp_time - first_time for frame in found] == [
        n * TICKS_PER_FRAME for n in range(len(pictures))
    ]
    assert not any(frame.damaged for frame in found)


@given(_pictures.filter(lambda p: len(p) > 2), st.data())
def test_a_frame_that_lost_a_packet_is_marked_damaged(
    pictures: list[list[bytes]], data: st.DataObject
) -> None:
    packets = stream(pictures)
    gone = data.draw(st.integers(1, len(packets) - 2))
    missing = int.from_bytes(packets[gone][4:8], "big")
    one = assembler()
    found = feed(one, packets[:gone] + packets[gone + 1 :])

    whole = [access_unit(frame, STREAM) for frame in found if not frame.damaged]
    assert all(unit in [join_annex_b(units) for units in pictures] for unit in whole)
    assert any(frame.damaged and abs(frame.rtp_time - missing) <= TICKS_PER_FRAME for frame in found)
    assert one.lost == 1


def test_without_markers_a_new_time_ends_the_frame() -> None:
    packets = [packet(n, n * TICKS_PER_FRAME, DELTA) for n in range(4)]

    assert len(feed(assembler(), packets)) == 3


def test_what_is_lost_between_two_frames_without_markers_damages_both() -> None:
    packets = [packet(n, at * TICKS_PER_FRAME, DELTA) for n, at in ((0, 0), (1, 1), (3, 2), (4, 3), (5, 4))]

    assert [frame.damaged for frame in feed(assembler(), packets)] == [False, True, True, False]


def test_parameter_sets_under_a_marker_of_their_own_wait_for_their_picture() -> None:
    packets = [
        packet(0, 0, SPS, marker=True),
        packet(1, 0, PPS, marker=True),
        packet(2, 9, OTHER, marker=True),
        packet(3, 10, KEY, marker=True),
    ]
    (frame,) = feed(assembler(), packets)

    assert (frame.is_key, frame.rtp_time) == (True, 10)
    assert access_unit(frame, STREAM) == join_annex_b([SPS, PPS, OTHER, KEY])
    assert join_annex_b(parameter_sets_in(frame, Codec.H264)) == SETS


def test_key_frames_without_parameter_sets_get_those_of_the_description() -> None:
    key, delta = feed(assembler(SETS), stream([[KEY], [DELTA]]))

    assert access_unit(key, STREAM) == SETS + join_annex_b([KEY])
    assert access_unit(delta, STREAM) == join_annex_b([DELTA])


def test_doubled_and_late_packets_are_passed_over() -> None:
    packets = stream([[KEY], [DELTA]])
    found = feed(assembler(), [packets[0], packets[1], packets[1], packets[0], *packets[2:]])

    assert [access_unit(f, STREAM) for f in found] == [join_annex_b([KEY]), join_annex_b([DELTA])]
    assert not any(frame.damaged for frame in found)


def test_other_payload_types_and_empty_packets_are_no_frames() -> None:
    one = assembler()
    foreign = bytearray(packet(0, 0, DELTA, marker=True))
    foreign[1] = 0x80 | 97

    assert one.receive(bytes(foreign), NOON) == []
    assert one.receive(packet(1, 0, b""), NOON) == []
    assert len(one.receive(packet(2, 500, DELTA, marker=True), NOON)) == 1


@pytest.mark.parametrize(("new_ssrc", "new_time"), [(8, 5), (7, 2_000_000_000)])
def test_a_camera_that_begins_anew_goes_on_from_the_time_that_passed(new_ssrc: int, new_time: int) -> None:
    one = assembler()
    (before,) = one.receive(packet(10, 1_000, DELTA, marker=True), NOON)
    one.report(SenderReport(ssrc=7, captured_at=NOON, timestamp=1_000))
    (after,) = one.receive(packet(11, new_time, KEY, marker=True, ssrc=new_ssrc), later(2))

    assert after.rtp_time - before.rtp_time == 2 * 90_000
    assert after.captured_at is None


def test_sender_reports_tell_the_cameras_own_time_before_and_after_the_wrap() -> None:
    one = assembler()
    camera_noon = NOON - timedelta(hours=8)
    one.report(SenderReport(ssrc=7, captured_at=camera_noon, timestamp=0xFFFFFFFF - 89_999))
    before = one.receive(packet(0, 0xFFFFFFFF - 89_999 - 45_000, DELTA, marker=True), NOON)
    after = one.receive(packet(1, 45_000, DELTA, marker=True), later(2))

    assert before[0].captured_at == camera_noon - timedelta(seconds=0.5)
    assert after[0].captured_at == camera_noon + timedelta(seconds=1.5)


@pytest.mark.parametrize("report", [(7, NO_CLOCK), (99, NOON)])
def test_a_report_without_a_clock_or_of_another_stream_tells_nothing(report: tuple[int, object]) -> None:
    one = assembler()
    one.report(SenderReport(ssrc=report[0], captured_at=report[1], timestamp=0))  # type: ignore[arg-type]
    (frame,) = one.receive(packet(0, 0, DELTA, marker=True), NOON)

    assert frame.captured_at is None
    assert frame.received_at == NOON


def test_a_frame_without_end_is_an_error_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assembler_module, "MAX_FRAME_BYTES", 10_000)

    with pytest.raises(RtspError) as caught:
        feed(assembler(), [packet(n, 0, DELTA) for n in range(200)])
    assert caught.value.reason is Problem.PROTOCOL
