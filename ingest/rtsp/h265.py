"""H.265 in RTP (RFC 7798): single NAL units, aggregation packets and fragmentation units, both ways."""

from collections.abc import Iterable, Iterator

from ingest.rtsp.glance import NOTHING, Glance
from ingest.rtsp.nal import pack, recovery_point, smuggled_at, split_annex_b
from ingest.rtsp.sps import h265_coded_size, h265_size

VPS, SPS, PPS, ACCESS_UNIT_DELIMITER, SEI = 32, 33, 34, 35, 39
SETS = (VPS, SPS, PPS)
picture_size = h265_size
coded_size = h265_coded_size
TRAILING, IDR_SLICE, CLEAN_RANDOM_ACCESS = 1, 19, 21
_LAST_INTER_TYPE = 9
_FIRST_INSTANT_TYPE, _LAST_INSTANT_TYPE = 16, 21
"""BLA, IDR and CRA: pictures at which decoding can begin (H.265 table 7-1)."""
_AGGREGATE, _FRAGMENT = 48, 49
_HEAD = 2
_SMALLEST_PAYLOAD = 4


def nal_type(unit: bytes) -> int:
    return unit[0] >> 1 & 0x3F


def is_picture(kind: int) -> bool:
    """True for coded slices of the types that are in use."""
    return kind <= _LAST_INTER_TYPE or _FIRST_INSTANT_TYPE <= kind <= _LAST_INSTANT_TYPE


def is_picture_fragment(payload: bytes) -> bool:
    """A part of a coded slice and nothing else: no parameter set of its picture comes in it or behind it."""
    return len(payload) > 2 and payload[0] >> 1 & 0x3F == _FRAGMENT and is_picture(payload[2] & 0x3F)


def nal_types(payload: bytes) -> Iterator[int]:
    """Types of the NAL units that begin or go on in a packet, from header bytes only. Nonsense yields nothing."""
    return (kind for kind, _, _ in _units_at(payload))


def glance(payload: bytes) -> Glance:
    """What a packet tells about its picture, up to the picture's first slice."""
    has_sets, recovery_frames = False, None
    for kind, at, begins in _units_at(payload):
        if is_picture(kind):
            begins = begins and at < len(payload) and payload[at] > 0x7F  # first_slice_segment_in_pic_flag
            is_instant = kind >= _FIRST_INSTANT_TYPE
            return Glance(True, begins, is_instant, is_instant, has_sets, recovery_frames)
        if kind == SPS:
            has_sets = True
        elif kind == SEI and begins:
            recovery_frames = _recovery_frames(payload, at, recovery_frames)
    if has_sets or recovery_frames is not None:
        return Glance(has_sets=has_sets, recovery_frames=recovery_frames)
    return NOTHING


def _recovery_frames(payload: bytes, at: int, known: int | None) -> int | None:
    try:
        message = recovery_point(payload, at)
        return known if message is None else max(0, message.signed())
    except ValueError:
        return known


def _units_at(payload: bytes) -> Iterator[tuple[int, int, bool]]:
    """Type of each NAL unit in a packet, where what follows its header is, and whether the unit begins here."""
    if len(payload) <= _HEAD:
        return
    kind = nal_type(payload)
    if kind == _FRAGMENT:
        kind, begins = payload[2] & 0x3F, payload[2] > 0x7F
        yield kind, 3, begins
        if begins and not is_picture(kind):
            yield from _smuggled_units(payload, 3)
    elif kind == _AGGREGATE:
        for at, _ in _aggregated(payload):
            yield nal_type(payload[at : at + 1]), at + _HEAD, True
    elif kind < _AGGREGATE:
        is_annex_b = payload.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01"))
        if not is_annex_b:
            yield kind, _HEAD, True
        if is_annex_b or not is_picture(kind):
            yield from _smuggled_units(payload, 0)


def _smuggled_units(payload: bytes, begin: int) -> Iterator[tuple[int, int, bool]]:
    for at in smuggled_at(payload, begin):
        yield nal_type(payload[at : at + 1]), at + _HEAD, True


def depacketise(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """NAL units of one frame's packets. Fragments without beginning or end, and unknown packets, are left out."""
    fragments: list[bytes] = []
    for payload in payloads:
        kind = nal_type(payload) if len(payload) > _HEAD else _FRAGMENT
        if kind == _FRAGMENT:
            if len(payload) <= _HEAD + 1:
                continue
            if payload[2] & 0x80:
                fragments = [bytes((payload[0] & 0x81 | (payload[2] & 0x3F) << 1, payload[1]))]
            if fragments:
                fragments.append(payload[3:])
            if payload[2] & 0x40 and fragments:
                yield b"".join(fragments)
                fragments = []
            continue
        fragments = []
        if kind == _AGGREGATE:
            for begin, end in _aggregated(payload):
                yield payload[begin:end]
        elif payload.startswith((b"\x00\x00\x01", b"\x00\x00\x00\x01")):
            yield from split_annex_b(payload)
        elif kind < _AGGREGATE:
            yield payload


def _aggregated(payload: bytes) -> Iterator[tuple[int, int]]:
    """Where the NAL units of an aggregation packet begin and end."""
    at = _HEAD
    while at + 2 < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        begin, at = at + 2, at + 2 + size
        if size == 0 or at > len(payload):
            return
        yield begin, at


def without_order(payload: bytes) -> bytes:
    """The packet without decoding order numbers, which are in it when the camera says sprop-max-don-diff > 0.

    Units stay in the order of their packets, as they are sent by everybody who does not mix pictures.
    """
    if len(payload) <= _HEAD + 2:
        return payload
    kind = nal_type(payload)
    if kind == _FRAGMENT:
        return payload[:3] + payload[5:] if payload[2] & 0x80 else payload
    if kind != _AGGREGATE:
        return payload[:_HEAD] + payload[_HEAD + 2 :]
    pieces, at = [payload[:_HEAD]], _HEAD + 2
    while at + 2 < len(payload):
        end = at + 2 + (payload[at] << 8 | payload[at + 1])
        pieces.append(payload[at:end])
        at = end + 1
    return b"".join(pieces)


def packetise(units: Iterable[bytes], max_payload: int = 1400) -> list[bytes]:
    """RTP payloads of one frame: what fits travels whole, small neighbours together, the rest in fragments.

    Raises ValueError when `max_payload` is too small to hold a fragment.
    """
    if max_payload < _SMALLEST_PAYLOAD:
        raise ValueError(f"max_payload must be at least {_SMALLEST_PAYLOAD}")
    whole = (unit for unit in units if len(unit) > _HEAD)
    return pack(whole, max_payload, _HEAD, _aggregate, _fragment)


def _aggregate(units: list[bytes]) -> bytes:
    if len(units) == 1:
        return units[0]
    layer_and_time = min(unit[1] for unit in units)
    body = b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
    return bytes((_AGGREGATE << 1, layer_and_time)) + body


def _fragment(unit: bytes, max_payload: int) -> Iterator[bytes]:
    head, kind = bytes((unit[0] & 0x81 | _FRAGMENT << 1, unit[1])), nal_type(unit)
    room = max_payload - 3
    for at in range(_HEAD, len(unit), room):
        piece = unit[at : at + room]
        begins, ends = 0x80 if at == _HEAD else 0, 0x40 if at + room >= len(unit) else 0
        yield head + bytes((begins | ends | kind,)) + piece
