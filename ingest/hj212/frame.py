"""One frame as it came, `## length segment CRC`, and what its length and checksum say about it."""

import re
from dataclasses import dataclass
from enum import StrEnum

from farwatch.domain.registry import CrcPolicy
from ingest.hj212 import checksum, sm4
from ingest.hj212.packet import cn_of

LONGEST_SEGMENT = 9999
"""What four digits of length can say. The standard allows 1024; the field sends more."""


class FrameVerdict(StrEnum):
    """PASS: length and HJ 212 checksum are right. MODBUS, MODSWAP: the checksum is CRC-16/MODBUS, or that with its bytes
    swapped. BADLEN: the checksum is right, the length field is not. FAIL: neither."""

    PASS = "pass"  # noqa: S105
    MODBUS = "modbus"
    MODSWAP = "modswap"
    BADLEN = "badlen"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Frame:
    """`segment` is the data segment in the clear, empty where its borders are unknown. `reason` names the verdict's cause:

    ok; crc_modbus; crc_modbus_swapped; bad_length (checksum right); bad_crc, crc_with_head (the checksum counts `##` and
    length too), sealed (no key), wrong_key (these four: length right); bad_length_and_crc; cut_short; rubbish (no frame).
    """

    raw: bytes
    segment: bytes
    verdict: FrameVerdict
    reason: str


_RIGHT = {
    FrameVerdict.PASS: "ok",
    FrameVerdict.MODBUS: "crc_modbus",
    FrameVerdict.MODSWAP: "crc_modbus_swapped",
}
_READABLE_FAILURES = ("bad_crc", "crc_with_head")


def is_allowed(frame: Frame, policy: CrcPolicy) -> bool:
    """Whether a station with this policy may be believed. A wrong length never is: nobody knows what is missing."""
    match frame.verdict:
        case FrameVerdict.PASS:
            return True
        case FrameVerdict.MODBUS | FrameVerdict.MODSWAP:
            return policy is not CrcPolicy.STRICT
        case FrameVerdict.FAIL:
            return policy is CrcPolicy.IGNORE and frame.reason in _READABLE_FAILURES
        case FrameVerdict.BADLEN:
            return False


def came_in_clear(frame: Frame, cn: str) -> bool:
    """Whether a frame of this command says openly what the standard seals: anybody could have written it."""
    return sm4.is_sealed_command(cn) and sm4.has_block(frame.segment) and frame.segment in frame.raw


_HEX = re.compile(rb"[0-9A-Fa-f]{1,4}")


def written_crc(field: bytes) -> bytes:
    """The hexadecimal digits that the four bytes after a segment begin with: fewer where zeros in front were left out."""
    match = _HEX.match(field)
    return match.group() if match else b""


_HEAD = re.compile(rb"##\d{0,4}")
_CRC_AT_END = re.compile(rb"[0-9A-Fa-f]{4}\Z")
_LAST_FIELD = re.compile(rb"[,;][^,;]*\Z")


def likely_segment(frame: Frame) -> bytes:
    """The data segment, or what most likely is: for people to read, never to be believed. Of a frame that breaks off the last
    field is left out: nobody knows how it went on."""
    if frame.segment:
        return frame.segment
    rest = frame.raw[frame.raw.find(b"##") :] if b"##" in frame.raw else frame.raw
    rest = _HEAD.sub(b"", rest, count=1) if rest.startswith(b"##") else rest
    closed = _CRC_AT_END.sub(b"", rest)
    if closed.endswith(b"&&") or frame.reason != "cut_short":
        return closed
    return _LAST_FIELD.sub(b"", rest)


def judge(raw: bytes, segment: bytes, crc: bytes, sm4_key: bytes | None) -> Frame | None:
    """The frame, if one of the known checksums fits the segment. `crc` is as `written_crc` gives it."""
    written = int(crc, 16)
    for candidate in _candidates(segment, sm4_key):
        if (verdict := _checked(candidate, written)) is not None:
            return Frame(raw, candidate, verdict, _RIGHT[verdict])
    return None


def _candidates(segment: bytes, sm4_key: bytes | None) -> list[bytes]:
    """What the segment may be in the clear, the likelier first: where it may be sealed or not, one checksum in 256 fits both."""
    if not sm4.is_sealed(segment):
        return [segment]
    opened = [] if sm4_key is None else [sm4.unseal(segment, sm4_key)]
    if sm4.holds_controls(segment):
        return opened
    return [*opened, segment] if sm4.is_sealed_command(cn_of(segment)) else [segment, *opened]


def _checked(segment: bytes, written: int) -> FrameVerdict | None:
    if written == checksum.hj212(segment):
        return FrameVerdict.PASS
    crc = checksum.modbus(segment)
    if written == crc:
        return FrameVerdict.MODBUS
    return FrameVerdict.MODSWAP if written == (crc & 0xFF) << 8 | crc >> 8 else None


def unfit(raw: bytes, head: bytes, segment: bytes, crc: bytes, sm4_key: bytes | None) -> Frame:
    """A frame whose length is right and whose checksum fits nothing."""
    if sm4.is_sealed(segment):
        reason = "sealed" if sm4_key is None else "wrong_key"
    elif int(crc, 16) == checksum.hj212(head + segment):
        reason = "crc_with_head"
    else:
        reason = "bad_crc"
    return Frame(raw, segment, FrameVerdict.FAIL, reason)
