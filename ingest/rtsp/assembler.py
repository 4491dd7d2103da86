"""Coded frames out of RTP packets: borders and key frames from a few header bytes, nothing is decoded."""

import struct
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ingest.rtsp import h265, mjpeg
from ingest.rtsp.errors import Problem, RtspError
from ingest.rtsp.frames import NAL_FORMATS, CodedFrame, StreamDescription
from ingest.rtsp.glance import Glance
from ingest.rtsp.nal import join_annex_b
from ingest.rtsp.rtp import NO_CLOCK, RtpPacket, SenderReport, parse_rtp, unwrap
from ingest.rtsp.sets import ParameterSets, QuantizationTables

_INTERLEAVED = struct.Struct("!HHHHII")
"""Mark and channel, length (RFC 2326 §10.12); then the RTP header, as two bytes, sequence, timestamp and source."""
_DOLLAR = 0x24
_PLAIN, _MARKER = 0x80, 0x80
"""Version 2 without padding, extension and contributing sources."""
MAX_FRAME_BYTES = 8 * 1024 * 1024
_PACKET_OVERHEAD = 64
"""Counted per packet, so that a flood of tiny packets meets the limit too."""
_REORDERED_AT_MOST = 100
"""A packet up to so many numbers behind the highest is a late or doubled one; further behind, the camera began anew."""
_JUMP_S = 10
"""Timestamps that move by more than this beside the time that passed belong to a stream that began anew."""
_STRANGE_AT_MOST = 250
"""Packets in a row in which there is no picture: the camera sends something else than it has described ..."""
_STRANGE_END = 10
"""... and a marker counts for so many, so that a slow stream is known as one within a second too."""


class FrameAssembler:
    """Puts one track's RTP packets together, in the order of a TCP stream.

    A frame ends at its marker bit or where the timestamp changes. Packets without a picture (parameter sets under a
    timestamp or marker of their own, as some cameras send them) wait for the picture that follows. Where a camera sets
    the marker within pictures, it is not believed any more.

    `description` is the newest: what the camera has said before, and what its key frames told since.
    """

    def __init__(self, description: StreamDescription, *, payload_type: int) -> None:
        self.description = description
        self.ssrc: int | None = None
        self.highest_sequence = 0
        self.lost = 0
        self.taken = 0
        self._payload_type = payload_type
        self._clock_rate = description.clock_rate
        self._is_simple = not description.has_order
        nal = NAL_FORMATS.get(description.codec)
        self._glance: Callable[[bytes], Glance] = nal.glance if nal else mjpeg.glance
        self._sets = ParameterSets(nal, description.parameter_sets) if nal else None
        self._tables = QuantizationTables()
        self._report: SenderReport | None = None
        self._packets: list[bytes] = []
        self._bytes = 0
        self._timestamp = 0
        self._rtp_time = 0
        self._received_at: datetime | None = None
        self._next = 0
        self._strange = 0
        self._ended_by_marker = self._markers_lie = False
        self._has_sets = self._has_picture = self._is_key = self._damaged = False
        self._recovery_frames: int | None = None

    def receive(self, data: bytes, now: datetime) -> list[CodedFrame]:
        """Frames that this packet ends: none, one, or two.

        Raises RtspError: PROTOCOL for a frame without end, CLOSED for a camera that sends something else than it has
        described, UNSUPPORTED_CODEC for pictures of a size that nobody tells.
        """
        packet = parse_rtp(data)
        if packet is None:
            return []
        if packet.payload_type != self._payload_type:
            self._count_strange(packet)
            return []
        gap = self._follow_sequence(packet, now)
        if gap is None:
            return []
        self._damaged |= gap
        payload = packet.payload if self._is_simple else h265.without_order(packet.payload)
        if not payload:
            return []
        ended: list[CodedFrame] = []
        if packet.timestamp != self._timestamp:
            if self._has_picture:
                ended.append(self._end())
                self._damaged = gap
            self._follow_time(packet.timestamp, now)
            self._ended_by_marker = False
        self._take(payload, now)
        if not self._has_picture:
            self._count_strange(packet)
        elif packet.marker and not self._markers_lie:
            ended.append(self._end())
            self._ended_by_marker = True
        return ended

    def take_interleaved(
        self, data: bytes, begin: int, *, channel: int, now: datetime
    ) -> tuple[int, CodedFrame | None]:
        """Takes packets out of a stream of interleaved ones for as long as each is the next of a picture that has begun,
        up to its end, and says where it stopped; `taken` counts them. What it leaves is for `receive`, which it raises like.

        Most packets are such, and taking them one by one costs twice as much.
        """
        if not (self._is_simple and self._has_picture):
            return begin, None
        expected = (_DOLLAR << 8 | channel, _PLAIN << 8 | self._payload_type, self._timestamp, self.ssrc)
        whole_kind = expected[1] | _MARKER
        either = (expected, None if self._markers_lie else (expected[0], whole_kind, *expected[2:]))
        following, packets, size, at, end = self._next, self._packets, self._bytes, begin, len(data)
        is_whole = False
        while at + _INTERLEAVED.size < end and not is_whole:
            mark, length, kind, sequence, timestamp, ssrc = _INTERLEAVED.unpack_from(data, at)
            payload, stop = at + _INTERLEAVED.size, at + 4 + length
            said = (mark, kind, timestamp, ssrc)
            is_next = sequence == following and said in either
            if not is_next or not payload < stop <= end or size > MAX_FRAME_BYTES:
                break
            is_whole = kind == whole_kind
            packets.append(data[payload:stop])
            size += length + _PACKET_OVERHEAD
            at, following = stop, following + 1 & 0xFFFF
        if at > begin:
            self.taken += following - self._next & 0xFFFF
            self.highest_sequence += following - self._next & 0xFFFF
            self._next, self._bytes, self._received_at = following, size, now
        if is_whole:
            self._ended_by_marker = True
            return at, self._end()
        return at, None

    def report(self, report: SenderReport) -> None:
        """From here on the camera's own time is known. A camera without a clock reports zero (RFC 3550 §6.4.1)."""
        self._report = report if report.captured_at != NO_CLOCK else None

    def _count_strange(self, packet: RtpPacket) -> None:
        self._strange += _STRANGE_END if packet.marker else 1
        if self._strange > _STRANGE_AT_MOST:
            raise RtspError(Problem.CLOSED, "the camera sends something else than it has described")

    def _follow_sequence(self, packet: RtpPacket, now: datetime) -> bool | None:
        """True when packets are missing before this one, None when it comes twice or too late."""
        if packet.ssrc != self.ssrc:
            first = self.ssrc is None
            self.ssrc, self.highest_sequence = packet.ssrc, packet.sequence
            self._next = packet.sequence + 1 & 0xFFFF
            self._restart(packet.timestamp, now)
            return not first
        sequence = unwrap(packet.sequence, 16, self.highest_sequence)
        step = sequence - self.highest_sequence
        if -_REORDERED_AT_MOST < step <= 0:
            return None
        self.highest_sequence = sequence
        self._next = sequence + 1 & 0xFFFF
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
        self._has_sets = self._has_picture = self._is_key = False
        self._recovery_frames = None

    def _keep(self, payload: bytes, now: datetime) -> None:
        self._packets.append(payload)
        self._received_at = now
        self._bytes += len(payload) + _PACKET_OVERHEAD
        if self._bytes > MAX_FRAME_BYTES:
            raise RtspError(Problem.PROTOCOL, f"a frame of more than {MAX_FRAME_BYTES} bytes")

    def _take(self, payload: bytes, now: datetime) -> None:
        self._keep(payload, now)
        if self._has_picture:
            return
        seen = self._glance(payload)
        self._has_sets |= seen.has_sets
        if seen.recovery_frames is not None:
            self._recovery_frames = seen.recovery_frames
        if not seen.is_picture:
            return
        self._strange = 0
        self._has_picture = True
        if not seen.begins:
            self._damaged = True
            self._markers_lie |= self._ended_by_marker and not self._has_sets
        self._judge_key(seen)

    def _judge_key(self, seen: Glance) -> None:
        """Whether decoding can begin at the picture that begins here, and after how many frames it is whole.

        Streams without any of these exist (x265's intra refresh): FFmpeg cannot begin within them either.
        """
        if seen.is_instant or (self._recovery_frames is None and self._has_sets and seen.is_intra):
            self._recovery_frames = 0
        self._is_key = self._recovery_frames is not None

    def _end(self) -> CodedFrame:
        assert self._received_at is not None
        changed = self._complete() if self._is_key and not self._damaged else None
        frame = CodedFrame(
            packets=tuple(self._packets),
            rtp_time=self._rtp_time,
            received_at=self._received_at,
            captured_at=self._captured_at(),
            is_key=self._is_key,
            damaged=self._damaged,
            recovery_frames=self._recovery_frames or 0,
            changed=changed,
        )
        self._drop()
        self._damaged = False
        return frame

    def _complete(self) -> StreamDescription | None:
        """Puts into the key frame what it needs from earlier; the new description where its pictures have another size."""
        if self._sets is not None:
            self._packets = self._sets.complete(self._packets)
            return self._describe(self._sets.size)
        packets = self._tables.complete(self._packets)
        if packets is None:
            self._damaged = True
            return None
        self._packets = packets
        size = mjpeg.size(packets[0])
        if size is None and self.description.width is None:
            raise RtspError(
                Problem.UNSUPPORTED_CODEC, "JPEG of more than 2040 pixels a side, and no word of its size"
            )
        return self._describe(size)

    def _describe(self, size: tuple[int, int] | None) -> StreamDescription | None:
        known = (self.description.width, self.description.height)
        if size is None or size == known or (self._sets is None and _in_blocks(known) == size):
            return None
        sets = join_annex_b(self._sets.units) if self._sets else b""
        self.description = replace(self.description, width=size[0], height=size[1], parameter_sets=sets)
        return self.description

    def _captured_at(self) -> datetime | None:
        if self._report is None or self._report.ssrc != self.ssrc:
            return None
        since = unwrap(self._timestamp, 32, self._report.timestamp) - self._report.timestamp
        return self._report.captured_at + timedelta(seconds=since / self._clock_rate)


def _in_blocks(size: tuple[int | None, int | None]) -> tuple[int, ...]:
    """A size as JPEG packets say it: in whole blocks of eight pixels."""
    return tuple(((side or 0) + 7) // 8 * 8 for side in size)
