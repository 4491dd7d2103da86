"""A camera's clock may be off, moved, counted from the wrong year, or not there at all."""

from datetime import UTC, datetime, timedelta

import pytest

from ingest.rtsp.camera_clock import CameraClock
from ingest.rtsp.rtp import NO_CLOCK, SenderReport, from_ntp
from tests.unit.rtsp.wires import NOON, later

RATE = 90_000


def said(at: datetime, seconds: float, ssrc: int = 7) -> SenderReport:
    return SenderReport(ssrc=ssrc, captured_at=at, timestamp=int(seconds * RATE) & 0xFFFFFFFF)


def test_the_offset_is_ours_minus_the_cameras_and_one_late_report_does_not_move_it() -> None:
    clock = CameraClock(RATE)
    assert clock.offset_s is None
    for second, delay_s in ((0, 0.0), (5, 0.0), (10, 0.9), (15, 0.0)):
        clock.report(said(NOON + timedelta(seconds=second - 28_800), second), later(second + delay_s))

    assert clock.offset_s == pytest.approx(28_800)
    assert clock.times_moved == 0


def test_a_clock_that_is_moved_is_noticed_and_the_time_before_is_not_mixed_in() -> None:
    clock = CameraClock(RATE)
    for second in (0, 5, 10):
        clock.report(said(later(second), second), later(second))
    clock.report(said(later(15 - 120), 15), later(15))

    assert clock.offset_s == pytest.approx(120)
    assert clock.times_moved == 1


def test_another_stream_of_the_camera_is_no_move() -> None:
    clock = CameraClock(RATE)
    clock.report(said(NOON, 0), NOON)
    clock.report(said(later(5), 40_000, ssrc=8), later(5))

    assert clock.times_moved == 0


@pytest.mark.parametrize(
    ("ntp_seconds", "meant"),
    [
        (int((NOON - datetime(1900, 1, 1, tzinfo=UTC)).total_seconds()), NOON),
        (int(NOON.timestamp()), NOON),  # counted from 1970
        (2_208_988_800 + 86_400, None),  # 1970-01-02: never set
        (2_208_988_800 + 946_684_800, None),  # 2000-01-01: never set
        (4_000, None),  # seconds since it was switched on
        (0, None),
    ],
)
def test_the_time_that_is_meant_is_found_or_there_is_none(ntp_seconds: int, meant: datetime | None) -> None:
    clock = CameraClock(RATE)
    report = clock.report(said(from_ntp(ntp_seconds, 0), 0), later(1))

    assert report.captured_at == (meant or NO_CLOCK)
    assert clock.offset_s == (1.0 if meant else None)


def test_a_clock_that_is_lost_tells_no_time_any_more() -> None:
    clock = CameraClock(RATE)
    clock.report(said(NOON, 0), NOON)
    clock.report(said(NO_CLOCK, 5), later(5))

    assert clock.offset_s is None
