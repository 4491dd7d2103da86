"""H.264 in RTP (RFC 6184): single NAL units, aggregates and fragments to units; units to packets of mode 1."""

from collections.abc import Iterable, Iterator

from ingest.rtsp.glance import NOTHING, Glance
from ingest.rtsp.nal import pack, recovery_point, smuggled_at, split_annex_b
from ingest.rtsp.sps import h264_coded_size, h264_size

SLICE, IDR_SLICE, SEI, SPS, PPS, ACCESS_UNIT_DELIMITER = 1, 5, 6, 7, 8, 9
SETS = (SPS, PPS)
picture_size = h264_size
coded_size = h264_coded_size
_STAP_A, _STAP_B, _MTAP16, _MTAP24, _FU_A, _FU_B, _UNKNOWN = 24, 25, 26, 27, 28, 29, 31
_AGGREGATES = {_STAP_A: (1, 0), _STAP_B: (3, 0), _MTAP16: (3, 3), _MTAP24: (3, 4)}
"""Where the first unit's size is, and how many bytes of decoding order and time stand between a size and its unit."""
_SMALLEST_PAYLOAD = 3


def nal_type(unit: bytes) -> int:
    return unit[0] & 0x1F


def is_picture(kind: int) -> bool:
    """True for coded slices. Data partitions are none: no camera sends them, and H.265 taken for H.264 looks so."""
    return kind in (SLICE, IDR_SLICE)


def is_picture_fragment(payload: bytes) -> bool:
    """A part of a coded slice and nothing else: no parameter set of its picture comes in it or behind it."""
    return len(payload) > 1 and payload[0] & 0x1F in (_FU_A, _FU_B) and is_picture(payload[1] & 0x1F)


def nal_types(payload: bytes) -> Iterator[int]:
    """Types of the NAL units that begin or go on in a packet, from header bytes only. Nonsense yields nothing."""
    return (kind for kind, _, _ in _units_at(payload))


def glance(payload: bytes) -> Glance:
    """What a packet tells about its picture, up to the picture's first slice."""
    has_sets, recovery_frames = False, None
    for kind, at, begins in _units_at(payload):
        if is_picture(kind):
            first = payload[at] if at < len(payload) else 0
            # first_mb_in_slice 0, then slice_type 2 or 7 (§7.3.3), as Exp-Golomb codes in one byte
            is_intra = first & 0xF0 == 0xB0 or first == 0x88
            begins = begins and first > 0x7F
            return Glance(True, begins, kind == IDR_SLICE, begins and is_intra, has_sets, recovery_frames)
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
        return known if message is None else message.number()
    except ValueError:
        return known


def _units_at(payload: bytes) -> Iterator[tuple[int, int, bool]]:
    """Type of each NAL unit in a packet, where what follows its header is, and whether the unit begins here."""
    if not payload:
        return
    kind = payload[0] & 0x1F
    if kind in (_FU_A, _FU_B):
        if len(payload) > 1:
            kind, begins, head = payload[1] & 0x1F, payload[1] > 0x7F, 2 if kind == _FU_A else 4
            yield kind, head, begins
            if begins and not is_picture(kind):
                yield from _smuggled_units(payload, head)
    elif kind in _AGGREGATES:
        for at, _ in _aggregated(payload):
            yield payload[at] & 0x1F, at + 1, True
    elif kind < _STAP_A:
        if kind:
            yield kind, 1, True
        if not is_picture(kind):
            yield from _smuggled_units(payload, 0)


def _smuggled_units(payload: bytes, begin: int) -> Iterator[tuple[int, int, bool]]:
    for at in smuggled_at(payload, begin):
        yield payload[at] & 0x1F, at + 1, True


def depacketise(payloads: Iterable[bytes]) -> Iterator[bytes]:
    """NAL units of one frame's packets. Fragments without beginning or end, and unknown packets, are left out.

    Units of the interleaved mode come in the order of their packets.
    """
    fragments: list[bytes] = []
    for payload in payloads:
        kind = payload[0] & 0x1F if payload else _UNKNOWN
        if kind in (_FU_A, _FU_B):
            head = 2 if kind == _FU_A else 4
            if len(payload) <= head:
                continue
            if payload[1] & 0x80:
                fragments = [bytes((payload[0] & 0xE0 | payload[1] & 0x1F,))]
            if fragments:
                fragments.append(payload[head:])
            if payload[1] & 0x40 and fragments:
                yield b"".join(fragments)
                fragments = []
            continue
        fragments = []
        if kind in _AGGREGATES:
            for begin, end in _aggregated(payload):
                yield payload[begin:end]
        elif kind == 0:
            yield from split_annex_b(payload)
        elif kind < _STAP_A:
            yield payload


def _aggregated(payload: bytes) -> Iterator[tuple[int, int]]:
    """Where the NAL units of an aggregate begin and end."""
    at, before_unit = _AGGREGATES[payload[0] & 0x1F]
    while at + 2 < len(payload):
        size = payload[at] << 8 | payload[at + 1]
        begin = at + 2 + before_unit
        at = begin + size
        if size == 0 or at > len(payload):
            return
        yield begin, at


def packetise(units: Iterable[bytes], max_payload: int = 1400) -> list[bytes]:
    """RTP payloads of one frame: what fits travels whole, small neighbours together, the rest in fragments.

    Raises ValueError when `max_payload` is too small to hold a fragment.
    """
    if max_payload < _SMALLEST_PAYLOAD:
        raise ValueError(f"max_payload must be at least {_SMALLEST_PAYLOAD}")
    return pack((unit for unit in units if unit), max_payload, 1, _aggregate, _fragment)


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
