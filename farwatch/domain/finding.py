"""A finding: what a detector says, before anybody decided what to do about it."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from farwatch.domain.place import Position

_NAMESPACE = uuid.UUID("5f6b4d4e-7c0e-5c59-9d2e-0f3a4b1d8c11")

Param = str | int | float | bool | None


class Kind(StrEnum):
    """What kind of business a finding is. Scripts outside rely on these names."""

    EXCEEDANCE = "exceedance"
    SMOKE = "smoke"
    BURNING = "burning"
    DUMPING = "dumping"
    CAMERA_FAULT = "camera_fault"
    DATA_FAULT = "data_fault"


class Tier(StrEnum):
    """How strongly a rule speaks: an early warning, a violation, or a fault of the equipment."""

    EARLY = "early"
    VIOLATION = "violation"
    FAULT = "fault"


class Severity:
    """Classes of severity; a larger number is worse."""

    MINOR = 1
    MAJOR = 2
    CRITICAL = 3


@dataclass(frozen=True, slots=True)
class Reason:
    """A named decision with the numbers behind it; the pages turn `key` and `params` into words."""

    key: str
    params: Mapping[str, Param] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule found about one subject, from `onset_at` (the event's own time) on.

    Exactly one of `station` and `camera` is set. `fingerprint` is the identity of the business: at most one matter
    that is not closed has it. `id` derives from rule, tier, subject and onset, so judging twice finds the same thing once.
    `drill_id` comes from the registry's mark or a drill session, never from a payload.
    """

    rule: str
    kind: Kind
    tier: Tier
    place: Position
    onset_at: datetime
    severity: int
    reason: Reason
    enterprise: str | None = None
    station: str | None = None
    code: str | None = None
    camera: str | None = None
    zone: str | None = None
    late: bool = False
    drill_id: str | None = None
    detector: Mapping[str, Param] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        return f"{self.station}/{self.code or ''}" if self.station else f"{self.camera}/{self.zone or ''}"

    @property
    def fingerprint(self) -> str:
        return f"{self.kind}/{self.subject}"

    @property
    def id(self) -> uuid.UUID:
        return finding_id(self.rule, self.tier, self.subject, self.onset_at)


@dataclass(frozen=True, slots=True)
class FindingEnded:
    """The condition of an earlier finding no longer holds since `ended_at`."""

    finding_id: uuid.UUID
    ended_at: datetime


def finding_id(rule: str, tier: Tier, subject: str, onset_at: datetime) -> uuid.UUID:
    """The name-based id (RFC 9562, version 5) that makes a finding the same however often it is found.

    The tier is part of it: one rule may warn early and find a violation from the same onset.
    """
    return uuid.uuid5(_NAMESPACE, f"{rule}|{tier}|{subject}|{onset_at.timestamp():.6f}")
