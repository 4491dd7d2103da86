"""A camera's own clock, from its RTCP sender reports: what it says, how far it is off, and when it was moved. Pure."""

from collections import deque
from dataclasses import replace
from datetime import datetime, timedelta
from statistics import median

from ingest.rtsp.rtp import NO_CLOCK, SenderReport, unwrap

_EPOCHS_APART = timedelta(seconds=2_208_988_800)
"""From 1900, where NTP counts from (RFC 5905), to 1970, where some cameras count from."""
_NTP_ERA = timedelta(seconds=1 << 32)
_FURTHEST_OFF = timedelta(days=366)
"""A clock that is off by more was never set (cameras begin in 1970 or 2000): it tells no time."""
_MOVED_BY = timedelta(seconds=0.5)
"""NTP and RTP time that part by more between two reports: somebody set the clock. Crystals part by 0.5 ms in 5 s."""
_SMOOTHED_OVER = 5
"""Reports; the median of as many is not moved by two that the network delayed."""


class CameraClock:
    """Feed with `report`. `offset_s` is our clock minus the camera's, in seconds; None while it has told no time."""

    def __init__(self, clock_rate: int) -> None:
        self.times_moved = 0
        self._clock_rate = clock_rate
        self._last: SenderReport | None = None
        self._offsets: deque[float] = deque(maxlen=_SMOOTHED_OVER)

    @property
    def offset_s(self) -> float | None:
        return median(self._offsets) if self._offsets else None

    def report(self, said: SenderReport, received_at: datetime) -> SenderReport:
        """The report with the time that the camera meant; NO_CLOCK where it has none worth believing.

        Offsets from before the camera's clock was moved are forgotten: they are not mixed with those after it.
        """
        meant_at = _meant(said.captured_at, received_at)
        if meant_at is None:
            self._last = None
            self._offsets.clear()
            return replace(said, captured_at=NO_CLOCK)
        report = replace(said, captured_at=meant_at)
        if self._was_moved(report):
            self.times_moved += 1
            self._offsets.clear()
        self._last = report
        self._offsets.append((received_at - meant_at).total_seconds())
        return report

    def _was_moved(self, report: SenderReport) -> bool:
        last = self._last
        if last is None or last.ssrc != report.ssrc:
            return False
        ticks = unwrap(report.timestamp, 32, last.timestamp) - last.timestamp
        passed = timedelta(seconds=ticks / self._clock_rate)
        return abs(report.captured_at - last.captured_at - passed) > _MOVED_BY


def _meant(said_at: datetime, received_at: datetime) -> datetime | None:
    if said_at == NO_CLOCK:
        return None
    candidates = [said_at]
    if said_at >= NO_CLOCK:  # counted from 1970, the seconds look like an NTP time of the next era
        candidates.append(said_at - _NTP_ERA + _EPOCHS_APART)
    closest = min(candidates, key=lambda at: abs(received_at - at))
    return closest if abs(received_at - closest) <= _FURTHEST_OFF else None
