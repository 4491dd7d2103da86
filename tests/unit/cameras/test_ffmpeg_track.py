"""FFmpeg's packets as coded frames."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import av
import pytest

from ingest.cameras.ffmpeg_track import Track

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("step_s", [-600, 600])
def test_a_clock_that_is_set_moves_no_times_of_the_stream(step_s: float) -> None:
    with av.open("/dev/null", "w", format="mp4") as container:
        track, times = Track(container.add_stream("mjpeg", rate=10)), []
        for i in range(40):
            packet = av.Packet(b"\xff\xd8\xff\xd9")
            packet.pts = i * 9000
            at = NOON + timedelta(seconds=i / 10 + (step_s if i >= 20 else 0))
            times.append(track.frame(packet, at).rtp_time)
    assert {b - a for a, b in pairwise(times)} == {9000}
