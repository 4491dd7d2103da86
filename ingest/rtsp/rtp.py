"""RTP packets and the RTCP reports that matter to us (RFC 3550): parse, build, unwrap, and tell the camera's time."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

_HEADER = struct.Struct("!BBHII")
_RTCP_HEAD = struct.Struct("!BBH")
_SENDER_INFO = struct.Struct("!IIIIII")
_REPORT_BLOCK = struct.Struct("!IIIIII")
_VERSION = 2
_SENDER_REPORT, _RECEIVER_REPORT, _DESCRIPTION, _BYE = 200, 201, 202, 203
_CNAME = 1
_NTP_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)
_NTP_ERA_S = 1 << 32
_ERA_ONE_FROM_S = 1 << 31
"""NTP seconds below this belong to the era that begins in 2036 (RFC 4330 §3)."""
NO_CLOCK = _NTP_EPOCH + timedelta(seconds=_NTP_ERA_S)
"""What an NTP time of zero comes to: the sender does not know the time."""


class RtpPacket(NamedTuple):
    sequence: int
    timestamp: int
    ssrc: int
    payload_type: int
    marker: bool
    payload: bytes


def parse_rtp(packet: bytes) -> RtpPacket | None:
    """The packet without contributing sources, header extension and padding; None when it is none."""
    if len(packet) < _HEADER.size:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(packet)
    if first >> 6 != _VERSION:
        return None
    begin, end = _HEADER.size, len(packet)
    if first & 0x3F:
        begin += 4 * (first & 0x0F)
        if first & 0x10:
            if begin + 4 > end:
                return None
            begin += 4 + 4 * int.from_bytes(packet[begin + 2 : begin + 4], "big")
        if first & 0x20:
            end -= packet[-1]
        if begin > end:
            return None
    return RtpPacket(sequence, timestamp, ssrc, second & 0x7F, second > 0x7F, packet[begin:end])


def build_rtp(packet: RtpPacket) -> bytes:
    second = packet.payload_type | (0x80 if packet.marker else 0)
    return _HEADER.pack(0x80, second, packet.sequence, packet.timestamp, packet.ssrc) + packet.payload


def unwrap(value: int, bits: int, last: int) -> int:
    """The number closest to `last` that ends in the `bits` low bits `value`."""
    span = 1 << bits
    ahead = (value - last) % span
    return last + ahead - (span if ahead >= span >> 1 else 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SenderReport:
    """The camera says: at its own time `captured_at` (UTC) its RTP clock showed `timestamp`."""

    ssrc: int
    captured_at: datetime
    timestamp: int
    packets: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class Bye:
    """The camera ends its stream."""


def parse_rtcp(compound: bytes) -> Iterator[SenderReport | Bye]:
    """Reports of a compound packet that matter to us; ends quietly where the bytes make no sense."""
    at = 0
    while at + _RTCP_HEAD.size <= len(compound):
        first, kind, words = _RTCP_HEAD.unpack_from(compound, at)
        body, stop = at + _RTCP_HEAD.size, at + _RTCP_HEAD.size + 4 * words
        if first >> 6 != _VERSION or stop > len(compound):
            return
        if kind == _SENDER_REPORT and stop - body >= _SENDER_INFO.size:
            ssrc, seconds, fraction, timestamp, packets, octets = _SENDER_INFO.unpack_from(compound, body)
            yield SenderReport(
                ssrc=ssrc,
                captured_at=from_ntp(seconds, fraction),
                timestamp=timestamp,
                packets=packets,
                octets=octets,
            )
        elif kind == _BYE:
            yield Bye()
        at = stop


def from_ntp(seconds: int, fraction: int) -> datetime:
    """UTC, to the microsecond, of a 64-bit NTP time; good from 1968 to 2104."""
    era_s = _NTP_ERA_S if seconds < _ERA_ONE_FROM_S else 0
    return _NTP_EPOCH + timedelta(
        seconds=seconds + era_s, microseconds=(fraction * 1_000_000 + (1 << 31)) >> 32
    )


def to_ntp(at: datetime) -> tuple[int, int]:
    """Seconds (mod 2**32) and fraction of the 64-bit NTP time."""
    since = at - _NTP_EPOCH
    return (since.days * 86400 + since.seconds) % _NTP_ERA_S, (since.microseconds << 32) // 1_000_000


def build_sender_report(report: SenderReport, cname: str) -> bytes:
    """A compound packet: sender report and source description, as RFC 3550 §6.1 wants."""
    info = _SENDER_INFO.pack(
        report.ssrc, *to_ntp(report.captured_at), report.timestamp, report.packets, report.octets
    )
    return _rtcp(_SENDER_REPORT, 0, info) + _source_description(report.ssrc, cname)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceptionCount:
    """What a receiver report tells about one source (RFC 3550 §6.4.1).

    `lost` counts all packets missed so far, `lost_share` (0-1) is theirs since the last report. `jitter` is in ticks.
    `last_report` is when the source said its last report was sent, `since_last_report` how long ago that came here.
    """

    source_ssrc: int
    highest_sequence: int
    lost: int
    lost_share: float = 0.0
    jitter: float = 0.0
    last_report: datetime | None = None
    since_last_report: timedelta = timedelta()


def build_receiver_report(ssrc: int, counts: list[ReceptionCount], cname: str) -> bytes:
    """A compound packet: receiver report and source description."""
    blocks = b"".join(map(_report_block, counts))
    return _rtcp(_RECEIVER_REPORT, len(counts), struct.pack("!I", ssrc) + blocks) + _source_description(
        ssrc, cname
    )


def _report_block(count: ReceptionCount) -> bytes:
    share = min(max(int(count.lost_share * 256), 0), 0xFF)
    lost = min(max(count.lost, 0), 0x7FFFFF)
    jitter = min(max(int(count.jitter), 0), 0xFFFFFFFF)
    middle = delay = 0
    if count.last_report is not None:
        seconds, fraction = to_ntp(count.last_report)
        middle = (seconds & 0xFFFF) << 16 | fraction >> 16
        delay = min(max(int(count.since_last_report.total_seconds() * 65_536), 0), 0xFFFFFFFF)
    highest = count.highest_sequence & 0xFFFFFFFF
    return _REPORT_BLOCK.pack(count.source_ssrc, share << 24 | lost, highest, jitter, middle, delay)


def build_bye(ssrc: int) -> bytes:
    return _rtcp(_BYE, 1, struct.pack("!I", ssrc))


def _source_description(ssrc: int, cname: str) -> bytes:
    name = cname.encode()[:255]
    item = struct.pack("!IBB", ssrc, _CNAME, len(name)) + name
    return _rtcp(_DESCRIPTION, 1, item + bytes(4 - len(item) % 4))


def _rtcp(kind: int, count: int, body: bytes) -> bytes:
    return _RTCP_HEAD.pack(_VERSION << 6 | count, kind, len(body) // 4) + body
