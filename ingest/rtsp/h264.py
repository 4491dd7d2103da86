"""H.264 in RTP (RFC 6184, packetization modes 0 and 1): single NAL units, STAP-A and FU-A, both ways."""

from collections.abc import Iterable, Iterator

START_CODE = b"\x00\x00\x00\x01"

SLICE, IDR_SLICE, SEI, SPS, PPS = 1, 5, 6, 7, 8
_STAP_A, _FU_A = 24, 28
_FIRST_PICTURE_TYPE, _LAST_PICTURE_TYPE = 1, 5
_SMALLEST_PAYLOAD = 3


def nal_types(payload: bytes) -> Iterator[int]:
    """Types of the NAL units that begin or go on in a packet, from header bytes only. Nonsense yields nothing."""
    if not payload:
        return
    kind = payload[0] & 0x1F
    if kind == _FU_A:
        if len(payload) > 1:
            yield payload[1] & 0x1F
    elif kind == _STAP_A:
        at = 1
        while at + 2 < len(payload):
            size = payload[at] << 8 | payload[at + 1]
            yield payload[at + 2] & 0x1F
            at += 2 + size
    elif 0 < kind < _STAP_A:
        yield kind


def is_picture(nal_type: int) -> bool:
    """True for coded slices and data partitions: the NAL units that hold a picture."""
    return _FIRST_PICTURE_TYPE <= nal_type <= _LAST_PICTURE_TYPE


def depacketise(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """NAL units of one frame's packets. Fragments without beginning or end, and unknown packets, are left out."""
    fragments: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F if payload else 0
        if kind == _FU_A and len(payload) > 2:
            if payload[1] & 0x80:
                fragments = [bytes((payload[0] & 0xE0 | payload[1] & 0x1F,))]
            if fragments:
                fragments.append(payload[2:])
            if payload[1] & 0x40 and fragments:
                yield b"".join(fragments)
                fragments = []
            continue
        fragments = []
        if kind == _STAP_A:
            yield from _split_aggregate(payload)
        elif 0 < kind < _STAP_A:
            yield payload


def _split_aggregate(payload: bytes) -> Iterator[bytes]:
    at = 1
    while at + 2 < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        unit = payload[at + 2 : at + 2 + size]
        if size == 0 or len(unit) < size:
            return
        yield unit
        at += 2 + size


def packetise(units: Iterable[bytes], max_payload: int = 1400) -> list[bytes]:
    """RTP payloads of one frame: what fits travels whole, small neighbours together, the rest in fragments.

    Raises ValueError when `max_payload` is too small to hold a fragment.
    """
    if max_payload < _SMALLEST_PAYLOAD:
        raise ValueError(f"max_payload must be at least {_SMALLEST_PAYLOAD}")
    payloads: list[bytes] = []
    waiting: list[bytes] = []
    for unit in units:
        if not unit:
            continue
        if waiting and 1 + sum(2 + len(u) for u in waiting) + 2 + len(unit) > max_payload:
            payloads.append(_aggregate(waiting))
            waiting = []
        if len(unit) > max_payload:
            payloads.extend(_fragment(unit, max_payload))
        else:
            waiting.append(unit)
    if waiting:
        payloads.append(_aggregate(waiting))
    return payloads


def _aggregate(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    importance = max(unit[0] & 0x60 for unit in units)
    body = b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
    return bytes((importance | _STAP_A,)) + body


def _fragment(unit: bytes, max_payload: int) -> Iterator[bytes]:
    indicator, kind = unit[0] & 0xE0 | _FU_A, unit[0] & 0x1F
    room = max_payload - 2
    for at in range(1, len(unit), room):
        piece = unit[at : at + room]
        begins, ends = 0x80 if at == 1 else 0, 0x40 if at + room >= len(unit) else 0
        yield bytes((indicator, begins | ends | kind)) + piece


def join_annex_b(units: Iterable[bytes]) -> bytes:
    return b"".join(START_CODE + unit for unit in units)


def split_annex_b(stream: bytes) -> list[bytes]:
    """NAL units of an Annex B byte stream, with three- or four-byte start codes; zero bytes at a unit's end are dropped."""
    pieces = stream.split(b"\x00\x00\x01")
    return [unit for piece in pieces[1:] if (unit := piece.rstrip(b"\x00"))]
