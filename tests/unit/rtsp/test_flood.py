"""No camera takes the time of the others by sending too much."""

import pytest

from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.flood import MOST_FRAMES_AT_ONCE, MOST_FRAMES_S, Flood


@pytest.mark.parametrize(("a_second", "at_once", "seconds"), [(120, 0, 600), (60, 1500, 60), (250, 2000, 60)])
def test_what_cameras_send_is_none_even_when_it_has_waited(a_second: int, at_once: int, seconds: int) -> None:
    flood = Flood("frames", MOST_FRAMES_S, MOST_FRAMES_AT_ONCE)
    flood.add(at_once, 100.0)
    for i in range(1, seconds * 10):
        flood.add(a_second // 10, 100 + i / 10)


@pytest.mark.parametrize(("a_second", "within_s"), [(6000, 1), (500, 12), (300, 60)])
def test_more_than_any_camera_sends_ends_the_session(a_second: int, within_s: int) -> None:
    flood = Flood("frames", MOST_FRAMES_S, MOST_FRAMES_AT_ONCE)
    with pytest.raises(RtspError) as ended:
        for i in range(within_s * 10):
            flood.add(a_second // 10, i / 10)
    assert ended.value.reason is Problem.PROTOCOL
