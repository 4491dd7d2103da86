"""Frames for the tests of the codec, made by hand from the standard's text and not by the codec."""

import itertools
from collections.abc import Iterable

MN = "FW0000000000000000000001"
SEGMENT = (
    "QN=20261122100000001;ST=31;CN=2011;PW=123456;MN=" + MN + ";Flag=5;"
    "CP=&&DataTime=20261122100000;a21026-Rtd=31.2,a21026-ZsRtd=40.1,a21026-Flag=N&&"
)


def crc_by_the_standard(data: bytes) -> int:
    """HJ 212-2017 Appendix A, written as its flow chart reads."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ byte
        for _ in range(8):
            carry = crc & 1
            crc >>= 1
            if carry:
                crc ^= 0xA001
    return crc


def modbus_by_the_book(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
    return crc


def frame(
    segment: str | bytes,
    *,
    length: int | str | None = None,
    crc: int | str | None = None,
    tail: bytes = b"\r\n",
) -> bytes:
    body = segment.encode() if isinstance(segment, str) else segment
    written_length = length if isinstance(length, str) else f"{len(body) if length is None else length:04d}"
    written_crc = crc if isinstance(crc, str) else f"{crc_by_the_standard(body) if crc is None else crc:04X}"
    return b"##" + written_length.encode() + body + written_crc.encode() + tail


def data_segment(n: int, content: str = "a21026-Rtd=1.0,a21026-Flag=N") -> str:
    return f"QN=20261122100000{n:03d};ST=31;CN=2011;PW=123456;MN={MN};Flag=5;CP=&&DataTime=20261122100000;{content}&&"


def chunks(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    edges = [0, *sorted({cut % (len(data) + 1) for cut in cuts}), len(data)]
    return [data[a:b] for a, b in itertools.pairwise(edges)]
