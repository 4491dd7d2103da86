"""Packets into frames: requests of the platform, answers, and what simulated loggers send."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from ingest.hj212 import checksum, sm4
from ingest.hj212.content import Pair, items_of, time_of, time_text, written
from ingest.hj212.frame import LONGEST_SEGMENT, FrameVerdict
from ingest.hj212.packet import IS_SPLIT, Packet

LONGEST_PACKET = 1024
"""HJ 212-2017 §6.3: a longer data segment is split."""


class TooLongError(ValueError):
    """A segment of more than 9999 bytes has no length that a frame could say."""


def encode(
    *,
    mn: str,
    cn: str,
    st: str = "",
    pw: str = "",
    qn: str = "",
    flag: int | None = None,
    pnum: int | None = None,
    pno: int | None = None,
    is_backfill: bool = False,
    content: str | Iterable[Pair] = "",
    sm4_key: bytes | None = None,
    crc: FrameVerdict = FrameVerdict.PASS,
) -> bytes:
    """One frame with length, checksum and line end; empty fields are left out. Raises TooLongError."""
    fields = (
        ("QN", qn), ("ST", st), ("CN", cn), ("PW", pw), ("MN", mn), ("Flag", flag), ("PNUM", pnum), ("PNO", pno),
        ("RF", 1 if is_backfill else None),
    )  # fmt: skip
    head = "".join(f"{name}={value};" for name, value in fields if value not in (None, ""))
    text = content if isinstance(content, str) else written(content)
    segment = f"{head}CP=&&{text}&&".encode()
    return framed(segment, sm4_key=sm4_key if sm4.is_sealed_command(cn) else None, crc=crc)


def framed(segment: bytes, *, sm4_key: bytes | None = None, crc: FrameVerdict = FrameVerdict.PASS) -> bytes:
    """The frame around a segment in the clear; `crc` chooses the checksum: PASS, MODBUS or MODSWAP."""
    if len(segment) > LONGEST_SEGMENT:
        raise TooLongError(f"{len(segment)} bytes in one packet; a frame holds {LONGEST_SEGMENT}")
    number = checksum.hj212(segment) if crc is FrameVerdict.PASS else checksum.modbus(segment)
    if crc is FrameVerdict.MODSWAP:
        number = (number & 0xFF) << 8 | number >> 8
    body = sm4.seal(segment, sm4_key) if sm4_key is not None else segment
    return b"##%04d%b%04X\r\n" % (len(segment), body, number)


def encode_packet(
    packet: Packet, *, sm4_key: bytes | None = None, crc: FrameVerdict = FrameVerdict.PASS
) -> bytes:
    """The packet as one frame."""
    return encode(
        mn=packet.mn, cn=packet.cn, st=packet.st, pw=packet.pw, qn=packet.qn, flag=packet.flag, pnum=packet.pnum,
        pno=packet.pno, is_backfill=packet.is_backfill, content=packet.content, sm4_key=sm4_key, crc=crc,
    )  # fmt: skip


def encode_split(packet: Packet, *, sm4_key: bytes | None = None) -> list[bytes]:
    """The packet as one frame, or as several of at most 1024 bytes: each repeats DataTime, has the next millisecond as its
    request number and says PNUM and PNO. An item that is too long alone has a frame alone."""
    whole = encode_packet(packet, sm4_key=sm4_key)
    if len(whole) - 12 <= LONGEST_PACKET:
        return [whole]
    repeated = tuple(pair for pair in packet.content if pair[0] == "DataTime")
    items = items_of(pair for pair in packet.content if pair[0] != "DataTime")
    flag = None if packet.flag is None else packet.flag | IS_SPLIT
    bare = replace(packet, flag=flag, pnum=9999, pno=9999, content=repeated)
    groups = _groups(items, LONGEST_PACKET - (len(encode_packet(bare)) - 12) - 1)
    head = written(repeated)
    return [
        encode(
            mn=packet.mn, cn=packet.cn, st=packet.st, pw=packet.pw, qn=_later(packet.qn, n), flag=flag,
            pnum=len(groups), pno=n + 1, is_backfill=packet.is_backfill,
            content=";".join([head, *group] if head else group), sm4_key=sm4_key,
        )
        for n, group in enumerate(groups)
    ]  # fmt: skip


def _groups(items: Sequence[str], room_bytes: int) -> list[list[str]]:
    groups: list[list[str]] = []
    left = 0
    for item in items:
        size = len(item.encode()) + 1
        if not groups or size > left:
            groups.append([])
            left = room_bytes
        groups[-1].append(item)
        left -= size
    return groups


def _later(qn: str, milliseconds: int) -> str:
    at = time_of(qn)
    if at is None or not milliseconds:
        return qn
    return time_text(at + timedelta(milliseconds=milliseconds), milliseconds=True)
