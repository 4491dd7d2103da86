"""What H.264 and H.265 share: NAL units in byte streams (Annex B of both) and SEI messages."""

from collections.abc import Callable, Iterable, Iterator

from ingest.rtsp.bits import BitReader, without_emulation

START_CODE = b"\x00\x00\x00\x01"
_SHORT_START_CODE = b"\x00\x00\x01"
_RECOVERY_POINT = 6
_LONGEST_NUMBER = 9
"""Bytes that hold any Exp-Golomb number of 32 bits."""


def join_annex_b(units: Iterable[bytes]) -> bytes:
    return b"".join(START_CODE + unit for unit in units)


def split_annex_b(stream: bytes) -> list[bytes]:
    """NAL units of an Annex B byte stream, with three- or four-byte start codes; zero bytes at a unit's end are dropped."""
    pieces = stream.split(_SHORT_START_CODE)
    return [unit for piece in pieces[1:] if (unit := piece.rstrip(b"\x00"))]


def split_smuggled(unit: bytes) -> list[bytes]:
    """A unit may not hold a start code; where a camera packed several with theirs into one, these."""
    if _SHORT_START_CODE not in unit:
        return [unit]
    return split_annex_b(_SHORT_START_CODE + unit)


def smuggled_at(payload: bytes, begin: int) -> Iterator[int]:
    """Where units begin behind start codes inside a payload."""
    at = payload.find(_SHORT_START_CODE, begin)
    while at >= 0 and at + 3 < len(payload):
        yield at + 3
        at = payload.find(_SHORT_START_CODE, at + 3)


def pack(
    units: Iterable[bytes],
    max_payload: int,
    head: int,
    aggregate: Callable[[list[bytes]], bytes],
    fragment: Callable[[bytes, int], Iterable[bytes]],
) -> list[bytes]:
    """RTP payloads of one frame: what fits travels whole, small neighbours together behind a head, the rest in fragments."""
    payloads: list[bytes] = []
    waiting: list[bytes] = []
    for unit in units:
        if waiting and head + sum(2 + len(u) for u in waiting) + 2 + len(unit) > max_payload:
            payloads.append(aggregate(waiting))
            waiting = []
        if len(unit) > max_payload:
            payloads.extend(fragment(unit, max_payload))
        else:
            waiting.append(unit)
    if waiting:
        payloads.append(aggregate(waiting))
    return payloads


def recovery_point(payload: bytes, at: int) -> BitReader | None:
    """The recovery point message of the SEI messages that begin at `at`; None when there is none."""
    while at + 2 < len(payload):
        kind, at = _sei_number(payload, at)
        size, at = _sei_number(payload, at)
        if kind == _RECOVERY_POINT:
            return BitReader(without_emulation(payload[at : at + _LONGEST_NUMBER]))
        at += size
    return None


def _sei_number(payload: bytes, at: int) -> tuple[int, int]:
    number = 0
    while at < len(payload) and payload[at] == 0xFF:
        number, at = number + 0xFF, at + 1
    return number + (payload[at] if at < len(payload) else 0), at + 1
