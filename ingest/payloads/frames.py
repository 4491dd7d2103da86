"""HJ 212 frames as a payload: over MQTT `hj212/{mn}/up`, and from the TCP server as if. One payload may hold several. Pure."""

import hmac
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from farwatch.domain.device import DeviceReply
from farwatch.domain.reading import NORMAL_FLAG, ReadingKind
from ingest.hj212.answers import answer_to
from ingest.hj212.frame import Frame, came_in_clear, is_allowed
from ingest.hj212.framer import frames_of
from ingest.hj212.packet import Malformed, Packet, parse
from ingest.hj212.readings import Said, Sample, readings_of
from ingest.payloads.measurement import Decoded, Device, Measurement, Refusal

_UNREMARKABLE = ("repeated", "no_value")
"""Fields that are left out of every packet of some makes of logger, and are missed by nobody."""
_AIR_QUALITY = "22"
_FLAGS_OF_AIR = {"0": "C", "1": NORMAL_FLAG, "2": "D", "3": NORMAL_FLAG}
"""HJ/T 212-2005 lets air stations flag by digits: calibration, a value of the weather, abnormal, normal."""
_LIVE_KINDS = (ReadingKind.RTD, ReadingKind.MIN)


def decode(mn: str, payload: bytes, received_at: datetime, device: Device) -> Decoded:
    """A frame that is not taken costs only itself. One that proves to be the station's is answered, also where what it says
    is set aside: it is kept, and would come again for ever."""
    frames = frames_of(payload, device.sm4_key)
    if not frames:
        return Decoded(refusals=(Refusal("rubbish", "no frame"),))
    parts = [_of_frame(mn, frame, received_at, device) for frame in frames]
    if len(parts) == 1:
        return parts[0]
    answers = [part.answer for part in parts if part.answer is not None]
    return Decoded(
        tuple(m for part in parts for m in part.measurements),
        _once_each(r for part in parts for r in part.refusals),
        tuple(r for part in parts for r in part.replies),
        b"".join(answers) or None,
    )


def _once_each(refusals: Iterable[Refusal]) -> tuple[Refusal, ...]:
    """By reason, with the first's detail: each refusal keeps the whole payload, which may hold thousands of broken frames."""
    first: dict[str, Refusal] = {}
    times: Counter[str] = Counter()
    for refusal in refusals:
        first.setdefault(refusal.reason, refusal)
        times[refusal.reason] += 1
    return tuple(
        r if times[r.reason] == 1 else replace(r, detail=f"{times[r.reason]} times: {r.detail}")
        for r in first.values()
    )


def _of_frame(mn: str, frame: Frame, received_at: datetime, device: Device) -> Decoded:
    packet = _packet(mn, frame, device)
    if isinstance(packet, Refusal):
        return Decoded(refusals=(packet,))
    answer = answer_to(packet, frame.verdict)
    sample = readings_of(packet)
    if isinstance(sample, Malformed):
        return Decoded(refusals=(Refusal(sample.reason, sample.detail),), answer=answer)
    if sample is None:
        content = dict(reversed(packet.content))  # the first of a name counts
        return Decoded(replies=(DeviceReply(mn, packet.cn, packet.qn, content, received_at),), answer=answer)
    if packet.dialect == 2005 and packet.st == _AIR_QUALITY:
        sample = _of_air(sample)
    sent_at = packet.sent_at if sample.kind in _LIVE_KINDS and not packet.is_backfill else None
    return of_sample(mn, sample, sent_at, answer)


def _of_air(sample: Sample) -> Sample:
    return replace(
        sample, channels=tuple(replace(c, flag=_FLAGS_OF_AIR.get(c.flag, c.flag)) for c in sample.channels)
    )


def _packet(mn: str, frame: Frame, device: Device) -> Packet | Refusal:
    if device.is_locked:
        return Refusal("no_secret")
    if not is_allowed(frame, device.crc):
        return Refusal(frame.reason, f"{frame.verdict}, taken: {device.crc}")
    packet = parse(frame.segment, device.sm4_key)
    if isinstance(packet, Malformed):
        return Refusal(packet.reason, packet.detail)
    if packet.mn not in (mn, ""):
        return Refusal("foreign_mn", packet.mn)
    if device.sm4_key is not None and came_in_clear(frame, packet.cn):
        return Refusal("not_sealed")
    if device.password and not hmac.compare_digest(packet.pw.encode(), device.password.encode()):
        return Refusal("wrong_password")
    return packet


def of_sample(
    mn: str, sample: Sample, sent_at: datetime | None = None, answer: bytes | None = None
) -> Decoded:
    """A sample in the words of HJ 212 as a measurement, and the fields that should have been numbers as a refusal."""
    missed = [f"{name}: {reason}" for name, reason in sample.left_out if reason not in _UNREMARKABLE]
    refusals = (Refusal("fields_left_out", ", ".join(missed)[:200]),) if missed else ()
    if not sample.channels:
        return Decoded(refusals=refusals, answer=answer)
    return Decoded((_measurement(mn, sample, sent_at),), refusals, answer=answer)


def _measurement(mn: str, sample: Sample, sent_at: datetime | None) -> Measurement:
    channels: Sequence[Said] = sample.channels
    return Measurement(
        mn,
        sample.kind,
        sample.ts,
        {c.code: c.value for c in channels},
        {c.code: c.flag for c in channels if c.flag != NORMAL_FLAG},
        {c.code: c.converted for c in channels if c.converted is not None},
        {c.code: c.minimum for c in channels if c.minimum is not None},
        {c.code: c.maximum for c in channels if c.maximum is not None},
        {c.code: c.amount for c in channels if c.amount is not None},
        sent_at,
    )
