"""The checksums of frames: HJ 212's own, and CRC-16/MODBUS, which many loggers send in its place."""

import sys
from functools import reduce
from operator import xor


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ 0xA001 if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_TABLE = _table()
_HIGH = tuple(crc >> 8 for crc in _TABLE)


def hj212(data: bytes) -> int:
    """HJ 212-2017 Appendix A: `crc = T[(crc >> 8) ^ byte]` from 0xFFFF; the low byte of each step is thrown away.

    So the state is eight bits, its step is linear over XOR, and eight steps are the identity: bytes whose distance is a
    multiple of eight may be XORed together first, which is many times faster than a step for each byte.
    """
    if not data:
        return 0xFFFF
    head = bytes((data[0] ^ 0xFF,))
    padded = bytes(-len(data) % 8) + head + data[1:]
    folded: int = reduce(xor, memoryview(padded).cast("Q"))
    state = 0
    *first, last = folded.to_bytes(8, sys.byteorder)
    for byte in first:
        state = _HIGH[state ^ byte]
    return _TABLE[state ^ last]


def modbus(data: bytes) -> int:
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc
