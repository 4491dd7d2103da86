"""Coded frames out of RTP packets: borders and key frames from a few header bytes, nothing is decoded."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from ingest.rtsp import h264
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.rtp import NO_CLOCK, RtpPacket, SenderReport, parse_rtp, unwrap

MAX_FRAME_BYTES = 8 * 1024 * 1024
_PACKET_OVERHEAD = 64
"""Counted per packet, so that a flood of tiny packets meets the limit too."""
_REORDERED_AT_MOST = 100
"""A packet up to so many numbers behind the highest is a late or doubled one; further behind, the camera began anew."""
_JUMP_S = 10
"""Timestamps that move by more than this beside the time that passed belong to a stream that began anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamDescription:
    """What a camera says about its video before the first frame.

    `parameter_sets` are SPS and PPS as an Annex B stream, empty when the camera only sends them inside the stream.
    `clock_rate` is the number of `rtp_time` ticks in a second. `width` and `height` are pixels when they are known.
    """

    codec: str
    parameter_sets: bytes
    clock_rate: int
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CodedFrame:
    """One picture as its raw RTP payloads, still packetised (RFC 6184): keep these, call `annex_b` when needed.

    `rtp_time` counts ticks of the stream's clock rate (90 kHz), unwrapped; it never jumps back at 2**32, and goes on
    from the elapsed time when the camera starts its stream anew. `received_at` is when the last packet was read here;
    `captured_at` is the camera's own clock (from its sender reports), None until it has sent one. `is_key`: decoding
    can begin here. `damaged`: packets were lost in it or just before it, so wait for the next key frame that is whole.
    """

    packets: tuple[bytes, ...]
    rtp_time: int
    received_at: datetime
    captured_at: datetime | None
    is_key: bool
    damaged: bool = False


def annex_b(frame: CodedFrame, parameter_sets: bytes) -> bytes:
    """The frame as an Annex B access unit. Key frames without SPS of their own get `parameter_sets` in front."""
    units = list(h264.depacketise(frame.packets))
    stream = h264.join_annex_b(units)
    if frame.is_key and not any(unit[0] & 0x1F == h264.SPS for unit in units):
        return parameter_sets + stream
    return stream


def parameter_sets_in(frame: CodedFrame) -> bytes:
    """SPS and PPS that travel in the frame itself, as Annex B; empty when there are none."""
    return h264.join_annex_b(
        u for u in h264.depacketise(frame.packets) if u[0] & 0x1F in (h264.SPS, h264.PPS)
    )


class FrameAssembler:
    """Puts one H.264 track's RTP packets together, in the order of a TCP stream.

    A frame ends at its marker bit or where the timestamp changes. Packets without a picture (parameter sets under a
    timestamp or marker of their own, as some cameras send them) wait for the picture that follows.
    """

    def __init__(self, *, payload_type: int, clock_rate: int) -> None:
        self.ssrc: int | None = None
        self.highest_sequence = 0
        self.lost = 0
        self._payload_type = payload_type
        self._clock_rate = clock_rate
        self._report: SenderReport | None = None
        self._packets: list[bytes] = []
        self._bytes = 0
        self._timestamp = 0
        self._rtp_time = 0
        self._received_at: datetime | None = None
        self._has_sps = self._has_picture = self._is_key = self._damaged = False

    def receive(self, data: bytes, now: datetime) -> list[CodedFrame]:
        """Frames that this packet ends: none, one, or two. Raises RtspError(PROTOCOL) for a frame without end."""
        packet = parse_rtp(data)
        if packet is None or packet.payload_type != self._payload_type:
            return []
        gap = self._follow_sequence(packet, now)
        if gap is None:
            return []
        self._damaged |= gap
        if not packet.payload:
            return []
        ended: list[CodedFrame] = []
        if packet.timestamp != self._timestamp:
            if self._has_picture:
                ended.append(self._end())
                self._damaged = gap
            self._follow_time(packet.timestamp, now)
        self._take(packet.payload, now)
        if packet.marker and self._has_picture:
            ended.append(self._end())
        return ended

    def report(self, report: SenderReport) -> None:
        """From here on the camera's own time is known. A camera without a clock reports zero (RFC 3550 §6.4.1)."""
        self._report = report if report.captured_at != NO_CLOCK else None

    def _follow_sequence(self, packet: RtpPacket, now: datetime) -> bool | None:
        """True when packets are missing before this one, None when it comes twice or too late."""
        if packet.ssrc != self.ssrc:
            first = self.ssrc is None
            self.ssrc, self.highest_sequence = packet.ssrc, packet.sequence
            self._restart(packet.timestamp, now)
            return not first
        sequence = unwrap(packet.sequence, 16, self.highest_sequence)
        step = sequence - self.highest_sequence
        if -_REORDERED_AT_MOST < step <= 0:
            return None
        self.highest_sequence = sequence
        if step > 1:
            self.lost += step - 1
        return step != 1

    def _follow_time(self, timestamp: int, now: datetime) -> None:
        step = unwrap(timestamp, 32, self._timestamp) - self._timestamp
        elapsed = self._elapsed(now)
        if abs(step) > _JUMP_S * self._clock_rate and abs(step - elapsed) > _JUMP_S * self._clock_rate:
            self._restart(timestamp, now)
            self._report = None
        else:
            self._timestamp, self._rtp_time = timestamp, self._rtp_time + step

    def _restart(self, timestamp: int, now: datetime) -> None:
        """A new stream of timestamps: the old one's time goes on by what has passed meanwhile."""
        if self._received_at is None:
            self._rtp_time = timestamp
        else:
            self._rtp_time += max(1, self._elapsed(now))
        self._drop()
        self._timestamp = timestamp

    def _elapsed(self, now: datetime) -> int:
        """Ticks since the last packet, by our own clock."""
        since = now - self._received_at if self._received_at is not None else timedelta()
        return int(since.total_seconds() * self._clock_rate)

    def _drop(self) -> None:
        self._packets, self._bytes = [], 0
        self._has_sps = self._has_picture = self._is_key = False

    def _take(self, payload: bytes, now: datetime) -> None:
        self._packets.append(payload)
        self._received_at = now
        self._bytes += len(payload) + _PACKET_OVERHEAD
        if self._bytes > MAX_FRAME_BYTES:
            raise RtspError(Problem.PROTOCOL, f"a frame of more than {MAX_FRAME_BYTES} bytes")
        if not self._has_picture:
            for kind in h264.nal_types(payload):
                self._has_sps |= kind == h264.SPS
                if h264.is_picture(kind):
                    self._has_picture, self._is_key = True, kind == h264.IDR_SLICE or self._has_sps
                    break

    def _end(self) -> CodedFrame:
        assert self._received_at is not None
        frame = CodedFrame(
            packets=tuple(self._packets),
            rtp_time=self._rtp_time,
            received_at=self._received_at,
            captured_at=self._captured_at(),
            is_key=self._is_key,
            damaged=self._damaged,
        )
        self._drop()
        self._damaged = False
        return frame

    def _captured_at(self) -> datetime | None:
        if self._report is None or self._report.ssrc != self.ssrc:
            return None
        since = unwrap(self._timestamp, 32, self._report.timestamp) - self._report.timestamp
        return self._report.captured_at + timedelta(seconds=since / self._clock_rate)
