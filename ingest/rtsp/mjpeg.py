"""JPEG in RTP (RFC 2435), both ways: types 0 and 1, 64 and 65 with restart markers, tables in band or by Q factor."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ingest.rtsp.glance import NOTHING, Glance
from ingest.rtsp.jpeg import BEGIN, END, JpegShape, header, size_of, take_apart

LARGEST_SIDE = 2040
"""Pixels that the eight bits of a packet can say, in blocks of eight. Zero means: more than that, see the description."""
_HEAD, _RESTART_HEAD, _TABLES_HEAD = 8, 4, 4
_RESTARTS_FROM, _TYPES_END = 64, 128
_FIRST_Q_WITH_TABLES, _ANEW_EVERY_TIME, _HIGHEST_Q = 128, 255, 100
_MOST_TABLE_BYTES = 3 * 128
_EVERY_RESTART = 0xFFFF
"""First and last packet of a restart interval, count unknown (§3.1.7): intervals are not aligned to packets."""

_LUMINANCE = bytes(
    (16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58, 51,
     61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103, 62, 77,
     113, 121, 112, 100, 120, 92, 101, 103, 99)
)  # fmt: skip
_CHROMINANCE = bytes(
    (17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66, 99, 99, *(99,) * 48)
)  # fmt: skip
"""Tables K.1 and K.2 of ITU-T T.81 in zigzag order (RFC 2435 appendix A)."""


class _Fragment(NamedTuple):
    offset: int
    kind: int
    q: int
    width: int
    height: int
    restart_interval: int
    precisions: int
    tables: bytes
    data: bytes


def glance(payload: bytes) -> Glance:
    """Every packet is of a picture that needs no other; the first one has offset 0."""
    if len(payload) <= _HEAD:
        return NOTHING
    return Glance(True, payload[1:4] == b"\x00\x00\x00", True, True)


def size(payload: bytes) -> tuple[int, int] | None:
    """Width and height that a picture's first packet says, in pixels; None when either is too large to be said.

    They are multiples of eight, save where the packet holds a file with headers of its own.
    """
    fragment = _parse(payload)
    if fragment is None:
        return None
    if fragment.data.startswith(BEGIN):
        return size_of(fragment.data)
    return (fragment.width, fragment.height) if fragment.width and fragment.height else None


def tables_missing(payload: bytes) -> bool:
    """True for a picture's first packet that counts on tables which came with an earlier picture (§4.2)."""
    fragment = _parse(payload)
    return fragment is not None and fragment.q >= _FIRST_Q_WITH_TABLES and not fragment.tables


def tables_of(payload: bytes) -> tuple[int, bytes] | None:
    """Q and, for later pictures of the same Q, the tables with their header out of a picture's first packet."""
    fragment = _parse(payload)
    if (
        fragment is None
        or not 0 < len(fragment.tables) <= _MOST_TABLE_BYTES
        or fragment.q == _ANEW_EVERY_TIME
    ):
        return None
    return fragment.q, bytes((0, fragment.precisions)) + len(fragment.tables).to_bytes(
        2, "big"
    ) + fragment.tables


def with_tables(payload: bytes, tables: bytes) -> bytes:
    """A picture's first packet with these tables in place of none."""
    begin = _HEAD + (_RESTART_HEAD if payload[4] >= _RESTARTS_FROM else 0)
    return payload[:begin] + tables + payload[begin + _TABLES_HEAD :]


def depacketise(payloads: Sequence[bytes], described: tuple[int, int] | None = None) -> bytes:
    """The picture as a JPEG file, as far as it came without a gap; b"" when its beginning is missing or makes no sense.

    `described` is the size in pixels for pictures too large for the packets to say.
    """
    fragments = [fragment for payload in payloads if (fragment := _parse(payload)) is not None]
    if not fragments or fragments[0].offset != 0:
        return b""
    first, scan, at = fragments[0], [], 0
    for fragment in fragments:
        if fragment.offset != at:
            break
        scan.append(fragment.data)
        at += len(fragment.data)
    data = b"".join(scan)
    if data.startswith(BEGIN):  # some cameras send the whole file
        return data if data.endswith(END) else data + END
    try:
        head = header(_shape_of(first, described))
    except ValueError:
        return b""
    return head + (data if data.endswith(END) else data + END)


def _parse(payload: bytes) -> _Fragment | None:
    if len(payload) <= _HEAD:
        return None
    offset, kind, q = int.from_bytes(payload[1:4]), payload[4], payload[5]
    at, interval, precisions, tables = _HEAD, 0, 0, b""
    if _RESTARTS_FROM <= kind < _TYPES_END:
        interval = int.from_bytes(payload[at : at + 2])
        at += _RESTART_HEAD
    if offset == 0 and q >= _FIRST_Q_WITH_TABLES:
        begin = at + _TABLES_HEAD
        if len(payload) < begin:
            return None
        precisions, at = payload[at + 1], begin + int.from_bytes(payload[at + 2 : begin])
        if at > len(payload):
            return None
        tables = payload[begin:at]
    return _Fragment(
        offset, kind, q, 8 * payload[6], 8 * payload[7], interval, precisions, tables, payload[at:]
    )


def _shape_of(first: _Fragment, described: tuple[int, int] | None) -> JpegShape:
    """Raises ValueError where the numbers make no JPEG."""
    kind = first.kind % _RESTARTS_FROM
    if first.kind >= _TYPES_END or kind > 1:
        raise ValueError("a type that RFC 2435 leaves open")
    width, height = _size(first, described)
    tables = tuple(_split(first)) if first.q >= _FIRST_Q_WITH_TABLES else tables_by_factor(first.q)
    return JpegShape(
        width=width,
        height=height,
        rows_halved=kind == 1,
        tables=tables,
        restart_interval=first.restart_interval,
    )


def _size(first: _Fragment, described: tuple[int, int] | None) -> tuple[int, int]:
    """The packet's size is rounded up to eights: the description's is better where it is the same so far."""
    rounded = described and tuple((side + 7) // 8 * 8 for side in described)
    if first.width and first.height and rounded != (first.width, first.height):
        return first.width, first.height
    if described is None:
        raise ValueError("a picture of a size that nobody tells")
    return described


def _split(fragment: _Fragment) -> Iterator[bytes]:
    """One table serves for both; a third, which the RFC does not know, for the second colour."""
    at, index = 0, 0
    while at < len(fragment.tables) and index < 3:
        size = 128 if fragment.precisions >> index & 1 else 64
        yield fragment.tables[at : at + size]
        at, index = at + size, index + 1


def tables_by_factor(q: int) -> tuple[bytes, bytes]:
    """Luminance and chrominance for a Q of 1 to 99 (§4.2); the ones beside are taken for the nearest."""
    factor = min(max(q, 1), _HIGHEST_Q)
    scale = 5000 // factor if factor < 50 else 200 - 2 * factor
    low, high = (
        bytes(min(max((value * scale + 50) // 100, 1), 255) for value in table)
        for table in (_LUMINANCE, _CHROMINANCE)
    )
    return low, high


def packetise(picture: bytes, max_payload: int = 1400) -> list[bytes]:
    """RTP payloads of one JPEG file. Raises ValueError for a JPEG that RFC 2435 cannot carry.

    A picture of more than 2040 pixels a side goes with a size of zero: its description has to tell.
    """
    shape, scan = take_apart(picture)
    restarts = shape.restart_interval > 0
    small = max(shape.width, shape.height) <= LARGEST_SIDE
    kind = (_RESTARTS_FROM if restarts else 0) + (1 if shape.rows_halved else 0)
    size = ((shape.width + 7) // 8, (shape.height + 7) // 8) if small else (0, 0)
    tail = bytes((kind, _ANEW_EVERY_TIME, *size))
    if restarts:
        tail += shape.restart_interval.to_bytes(2, "big") + _EVERY_RESTART.to_bytes(2, "big")
    precisions = sum(1 << index for index, table in enumerate(shape.tables) if len(table) == 128)
    tables = b"".join(shape.tables)
    first = tail + bytes((0, precisions)) + len(tables).to_bytes(2, "big") + tables
    if max_payload <= 4 + len(first):
        raise ValueError(f"max_payload must be more than {4 + len(first)}")
    payloads, at, front = [], 0, first
    while at < len(scan):
        piece = scan[at : at + max_payload - 4 - len(front)]
        payloads.append(b"\x00" + at.to_bytes(3, "big") + front + piece)
        at, front = at + len(piece), tail
    return payloads
