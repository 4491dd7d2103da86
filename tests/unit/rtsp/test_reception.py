"""A receiver report tells losses, jitter and round trip as RFC 3550 §6.4.1 wants them."""

import struct
from datetime import timedelta

import pytest

from ingest.rtsp.frames import CodedFrame
from ingest.rtsp.reception import Reception
from ingest.rtsp.rtp import ReceptionCount, SenderReport, build_receiver_report
from tests.unit.rtsp.wires import NOON, later


def frame(seconds: float, delay_s: float = 0.0) -> CodedFrame:
    return CodedFrame(
        packets=(b"x",),
        rtp_time=int(seconds * 90_000),
        received_at=later(seconds + delay_s),
        captured_at=None,
        is_key=False,
    )


def test_losses_are_told_as_a_share_since_the_last_report_and_as_a_sum() -> None:
    reception = Reception(90_000)
    shares = [reception.count(7, *heard, NOON).lost_share for heard in ((1000, 3), (1100, 28), (1200, 28))]

    assert shares == [0.0, 0.25, 0.0]
    assert reception.count(8, 50, 28, NOON).lost_share == 0.0, "another source begins anew"


def test_frames_that_come_at_their_pace_have_no_jitter_and_others_do() -> None:
    even, uneven = Reception(90_000), Reception(90_000)
    even.frames([frame(n / 25) for n in range(50)])
    uneven.frames([frame(n / 25, 0.01 * (n % 2)) for n in range(200)])

    assert even.count(7, 1, 0, NOON).jitter == pytest.approx(0, abs=2)
    assert uneven.count(7, 1, 0, NOON).jitter == pytest.approx(900, rel=0.05)


def test_the_last_sender_report_is_named_for_the_round_trip() -> None:
    reception = Reception(90_000)
    reception.sender_report(SenderReport(ssrc=7, captured_at=NOON, timestamp=0), later(1))
    count = reception.count(7, 1, 0, later(3))

    assert (count.last_report, count.since_last_report) == (NOON, timedelta(seconds=2))
    assert reception.count(8, 1, 0, later(3)).last_report is None


def test_the_block_on_the_wire() -> None:
    count = ReceptionCount(
        source_ssrc=7,
        highest_sequence=65_536 + 5,
        lost=3,
        lost_share=0.25,
        jitter=12.9,
        last_report=NOON,
        since_last_report=timedelta(seconds=1.5),
    )
    report = build_receiver_report(9, [count], "c")
    sender, source, losses, highest, jitter, middle, delay = struct.unpack_from("!7I", report, 4)

    assert (sender, source, losses, highest, jitter) == (9, 7, 0x40000003, 65_541, 12)
    assert middle == int((NOON.timestamp() + 2_208_988_800) % 65_536) << 16
    assert delay == 98_304
