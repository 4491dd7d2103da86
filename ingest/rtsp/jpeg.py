"""JPEG files, as far as RFC 2435 needs them: headers written from a few numbers, and taken off again."""

from collections.abc import Iterator
from dataclasses import dataclass

_SOI, _SOF0, _DHT, _EOI, _SOS, _DQT, _DRI = 0xD8, 0xC0, 0xC4, 0xD9, 0xDA, 0xDB, 0xDD
_OTHER_FRAMES = (*range(0xC1, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0))
_RESTARTS = range(0xD0, 0xD8)
END = b"\xff\xd9"
BEGIN = b"\xff\xd8"
_SCAN = bytes((3, 1, 0x00, 2, 0x11, 3, 0x11, 0, 63, 0))

_LUMINANCE_BITS = bytes((0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0))
_CHROMINANCE_BITS = bytes((0, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0))
_DC_VALUES = bytes(range(12))
_LUMINANCE_AC_BITS = bytes((0, 2, 1, 3, 3, 2, 4, 3, 5, 5, 4, 4, 0, 0, 1, 125))
_CHROMINANCE_AC_BITS = bytes((0, 2, 1, 2, 4, 4, 3, 4, 7, 5, 4, 4, 0, 1, 2, 119))
_LUMINANCE_AC_VALUES = bytes.fromhex(
    "01020300041105122131410613516107227114328191a1082342b1c11552d1f02433627282090a161718191a25262728292a"
    "3435363738393a434445464748494a535455565758595a636465666768696a737475767778797a838485868788898a9293949"
    "5969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9"
    "eaf1f2f3f4f5f6f7f8f9fa"
)
_CHROMINANCE_AC_VALUES = bytes.fromhex(
    "0001020311040521310612415107617113223281081442 91a1b1c109233352f0156272d10a162434e125f11718191a262728"
    "292a35363738393a434445464748494a535455565758595a636465666768696a737475767778797a82838485868788898a92"
    "939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7"
    "e8e9eaf2f3f4f5f6f7f8f9fa".replace(" ", "")
)
"""Tables K.3 to K.6 of ITU-T T.81: RFC 2435 knows no others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JpegShape:
    """What stands in the headers of a baseline JPEG with three components, the luminance sampled 2x1 or 2x2.

    `tables`: quantization tables in zigzag order, 64 bytes each, or 128 with two bytes a number;
    the first is for luminance, the last for chrominance. `restart_interval` in blocks of samples, 0 for none.
    """

    width: int
    height: int
    rows_halved: bool
    tables: tuple[bytes, ...]
    restart_interval: int = 0


def header(shape: JpegShape) -> bytes:
    """Everything up to the scan's first byte. Raises ValueError for tables or sizes that no JPEG can have."""
    if not (0 < shape.width <= 0xFFFF and 0 < shape.height <= 0xFFFF):
        raise ValueError("a JPEG is 1 to 65535 pixels wide and high")
    if not 1 <= len(shape.tables) <= 3 or any(len(table) not in (64, 128) for table in shape.tables):
        raise ValueError("a JPEG has one to three quantization tables of 64 or 128 bytes")
    parts = [BEGIN]
    for index, table in enumerate(shape.tables):
        parts.append(_segment(_DQT, bytes(((len(table) == 128) << 4 | index,)) + table))
    chroma, last = min(1, len(shape.tables) - 1), len(shape.tables) - 1
    sampling = 0x22 if shape.rows_halved else 0x21
    size = shape.height.to_bytes(2, "big") + shape.width.to_bytes(2, "big")
    parts.append(_segment(_SOF0, b"\x08" + size + bytes((3, 1, sampling, 0, 2, 0x11, chroma, 3, 0x11, last))))
    parts += _HUFFMAN
    if shape.restart_interval:
        parts.append(_segment(_DRI, shape.restart_interval.to_bytes(2, "big")))
    parts.append(_segment(_SOS, _SCAN))
    return b"".join(parts)


def _segment(marker: int, body: bytes) -> bytes:
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


_HUFFMAN = (
    _segment(_DHT, b"\x00" + _LUMINANCE_BITS + _DC_VALUES),
    _segment(_DHT, b"\x10" + _LUMINANCE_AC_BITS + _LUMINANCE_AC_VALUES),
    _segment(_DHT, b"\x01" + _CHROMINANCE_BITS + _DC_VALUES),
    _segment(_DHT, b"\x11" + _CHROMINANCE_AC_BITS + _CHROMINANCE_AC_VALUES),
)


def take_apart(picture: bytes) -> tuple[JpegShape, bytes]:
    """Shape and scan (without end marker) of a JPEG that RFC 2435 can carry. Raises ValueError for all others."""
    tables: dict[int, bytes] = {}
    huffman: dict[int, bytes] = {}
    frame, restart_interval = b"", 0
    for marker, begin, end in _segments(picture):
        body = picture[begin:end]
        if marker == _DQT:
            tables.update(_quantization(body))
        elif marker == _SOF0:
            frame = body
        elif marker in _OTHER_FRAMES:
            raise ValueError("not a baseline JPEG")
        elif marker == _DHT:
            huffman.update(_huffman_tables(body))
        elif marker == _DRI:
            restart_interval = int.from_bytes(body[:2], "big")
        elif marker == _SOS:
            if huffman and huffman != _STANDARD_HUFFMAN:
                raise ValueError("not the Huffman tables of T.81 annex K")
            return _shape(frame, tables, restart_interval), picture[end:].removesuffix(END)
    raise ValueError("no JPEG")


def size_of(picture: bytes) -> tuple[int, int] | None:
    """Width and height that a JPEG's own headers say; None when it is none."""
    for marker, begin, end in _segments(picture):
        if (marker == _SOF0 or marker in _OTHER_FRAMES) and end - begin >= 5:
            return int.from_bytes(picture[begin + 3 : begin + 5]), int.from_bytes(
                picture[begin + 1 : begin + 3]
            )
    return None


def _segments(picture: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, begin and end of each header segment up to the first scan's; ends quietly where they make no sense."""
    at = 2
    while picture.startswith(BEGIN) and at + 4 <= len(picture) and picture[at] == 0xFF:
        marker, length = picture[at + 1], int.from_bytes(picture[at + 2 : at + 4])
        if marker == 0xFF:
            at += 1
            continue
        end = at + 2 + length
        if length < 2 or end > len(picture):
            return
        yield marker, at + 4, end
        if marker == _SOS:
            return
        at = end


def _quantization(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(body):
        size = 128 if body[at] >> 4 else 64
        if at + 1 + size > len(body):
            raise ValueError("a quantization table that was cut")
        yield body[at] & 0x0F, body[at + 1 : at + 1 + size]
        at += 1 + size


def _huffman_tables(body: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at + 17 <= len(body):
        size = 16 + sum(body[at + 1 : at + 17])
        yield body[at], body[at + 1 : at + 1 + size]
        at += 1 + size


_STANDARD_HUFFMAN = {table[4]: table[5:] for table in _HUFFMAN}


def _shape(frame: bytes, tables: dict[int, bytes], restart_interval: int) -> JpegShape:
    if (
        len(frame) != 15
        or frame[5] != 3
        or frame[7] not in (0x21, 0x22)
        or frame[10] != 0x11
        or frame[13] != 0x11
    ):
        raise ValueError("not a JPEG of three components, the luminance sampled 2x1 or 2x2")
    try:
        chosen = [tables[frame[8]], tables[frame[11]], tables[frame[14]]]
    except KeyError:
        raise ValueError("a quantization table is missing") from None
    if chosen[2] == chosen[1]:
        chosen.pop()
    return JpegShape(
        width=int.from_bytes(frame[3:5]),
        height=int.from_bytes(frame[1:3]),
        rows_halved=frame[7] == 0x22,
        tables=tuple(chosen),
        restart_interval=restart_interval,
    )
