"""What every way in comes down to: measurements, what a device says besides, and what is refused, by name. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from farwatch.domain.device import DeviceReply
from farwatch.domain.reading import NORMAL_FLAG, ReadingKind
from farwatch.domain.registry import CrcPolicy

LARGEST_PAYLOAD_BYTES = 64 * 1024
MOST_CODES = 200
"""Of one message."""

Numbers = Mapping[str, float]
"""By code."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One message: several channels of one station at one time.

    `ts` is the event time, for min, hour and day the period's start. `amounts` are over the period (HJ 212 Cou).
    `sent_at` is the device's own clock when it sent, where it says that.
    """

    mn: str
    kind: ReadingKind
    ts: datetime
    values: Numbers
    flags: Mapping[str, str] = field(default_factory=dict)
    converted: Numbers = field(default_factory=dict)
    minima: Numbers = field(default_factory=dict)
    maxima: Numbers = field(default_factory=dict)
    amounts: Numbers = field(default_factory=dict)
    sent_at: datetime | None = None

    def flag(self, code: str) -> str:
        return self.flags.get(code, NORMAL_FLAG)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an input is set aside: `reason` is a name that metrics and pages know, `detail` says what exactly."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What one payload says. `answer` is what its sender waits for, to be sent once this is committed."""

    measurements: tuple[Measurement, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    replies: tuple[DeviceReply, ...] = ()
    answer: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """What must be known of a station to read its HJ 212 frames: which checksums to take, password (empty: any), SM4 key.
    `is_locked`: its registry row names a secret that is not kept here, so that nothing proves to be the station's."""

    crc: CrcPolicy = CrcPolicy.STRICT
    is_locked: bool = False
    password: str = field(default="", repr=False)
    sm4_key: bytes | None = field(default=None, repr=False)


def refused(reason: str, detail: str = "") -> Decoded:
    return Decoded(refusals=(Refusal(reason, detail),))
