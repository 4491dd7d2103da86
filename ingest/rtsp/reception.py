"""What a receiver tells its camera about the stream (RFC 3550 §6.4.1): losses, jitter, round trip. Pure."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from ingest.rtsp.frames import CodedFrame
from ingest.rtsp.rtp import ReceptionCount, SenderReport

_SMOOTHED_BY = 16


class Reception:
    """One source's reception since it was first heard.

    The jitter is that of whole frames, not of packets: those of a frame share a timestamp, so their times only tell how
    long the frame took to arrive.
    """

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._jitter = 0.0
        self._frame: tuple[int, datetime] | None = None
        self._heard: tuple[SenderReport, datetime] | None = None
        self._told: tuple[int, int, int] | None = None

    def frames(self, ended: Sequence[CodedFrame]) -> None:
        for frame in ended:
            if self._frame is not None:
                rtp_time, received_at = self._frame
                passed = (frame.received_at - received_at).total_seconds() * self._clock_rate
                self._jitter += (abs(passed - (frame.rtp_time - rtp_time)) - self._jitter) / _SMOOTHED_BY
            self._frame = frame.rtp_time, frame.received_at

    def sender_report(self, said: SenderReport, now: datetime) -> None:
        """`said` as the camera said it."""
        self._heard = said, now

    def count(self, ssrc: int, highest_sequence: int, lost: int, now: datetime) -> ReceptionCount:
        """What to tell now; the share of losses is that since the last call."""
        _, highest_told, lost_told = self._told if self._told and self._told[0] == ssrc else (0, 0, lost)
        expected = highest_sequence - highest_told
        missed = lost - lost_told
        self._told = ssrc, highest_sequence, lost
        heard = self._heard if self._heard is not None and self._heard[0].ssrc == ssrc else None
        return ReceptionCount(
            source_ssrc=ssrc,
            highest_sequence=highest_sequence,
            lost=lost,
            lost_share=missed / expected if 0 < missed <= expected else 0.0,
            jitter=self._jitter,
            last_report=heard[0].captured_at if heard else None,
            since_last_report=now - heard[1] if heard else timedelta(),
        )
