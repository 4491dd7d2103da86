"""Is a camera there? The age of its last decoded picture decides. Pure."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from farwatch.domain.finding import Finding, FindingEnded, Kind, Param, Reason, Severity, Tier
from farwatch.domain.registry import Camera
from farwatch.storage.camera_status import CameraState, CameraStatus

OFFLINE_AFTER_S = 10.0
OUTAGE_AFTER_S = 60.0
RULE = "camera_offline"
CLOCK_RULE = "camera_clock_off"
CLOCK_OFF_S, CLOCK_RIGHT_S = 30.0, 10.0
"""A time that was burnt into evidence must not be doubted; NTP holds a camera to a second."""
CLOCK_OFF_AFTER_S = 300.0
NO_CLOCK_S = 400 * 86_400.0
BUDGET_SHORT = "decode_budget_short"
UNSENT = "pictures_not_sent"
DRILL_ID = "standing"
"""The drill that a camera marked so in the registry always belongs to."""


@dataclass(frozen=True, slots=True)
class Fault:
    """The finding that tells of a fault of a camera."""

    finding_id: uuid.UUID
    onset_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What is known of a camera: `age_s` since its last picture, or since the watch began when there was none.

    `cause` is why there is none, as the last attempt to read it said; empty while connected. `is_short`: more should have been
    decoded of it than there was CPU time for. `is_resting`: it is not its turn, and `age_s` stands still. `stream` is what is
    known of the stream that is read now (CameraStatus).
    """

    age_s: float
    seen_at: datetime | None
    cause: str
    is_short: bool = False
    is_resting: bool = False
    stream: Mapping[str, Param] = field(default_factory=dict)


def status_of(camera: str, sign: Sign, faults: Iterable[str] = ()) -> CameraStatus:
    """`faults`: rules of its faults that are not over; one of them is the reason of a camera that shows pictures."""
    if sign.age_s < OFFLINE_AFTER_S:
        if sign.seen_at is not None:
            reason = min(faults, default=BUDGET_SHORT if sign.is_short else "")
            return CameraStatus(
                camera=camera,
                state=CameraState.RESTING if sign.is_resting else CameraState.ONLINE,
                reason=reason,
                last_frame_at=sign.seen_at,
                stream=sign.stream,
            )
        if not sign.cause:
            reason = "waits_its_turn" if sign.is_resting else "starting"
            return CameraStatus(camera=camera, state=CameraState.UNKNOWN, reason=reason)
    return CameraStatus(
        camera=camera,
        state=CameraState.OFFLINE,
        reason=sign.cause or "no_picture",
        last_frame_at=sign.seen_at,
    )


def judge_outage(
    camera: Camera, outage: Fault | None, sign: Sign, now: datetime
) -> Finding | FindingEnded | None:
    """One finding per outage, after a minute without a picture; it ends with the next picture."""
    if outage is None and sign.age_s >= OUTAGE_AFTER_S:
        return finding_of(
            camera, rule=RULE, kind=Kind.CAMERA_FAULT, tier=Tier.FAULT, onset_at=now - timedelta(seconds=sign.age_s),
            severity=Severity.MINOR, reason=Reason(RULE, {"cause": sign.cause or "no_picture"}),
        )  # fmt: skip
    if outage is not None and sign.seen_at is not None and sign.age_s < OFFLINE_AFTER_S:
        return FindingEnded(outage.finding_id, sign.seen_at)
    return None


class CameraClock:
    """Off is a clock that RTCP's sender reports date pictures by, when it is off for minutes. What it burns into its pictures it
    takes from the same clock. Offsets of years are no clock: RFC 3550 lets a sender count from its start."""

    def __init__(self) -> None:
        self._off_at: datetime | None = None

    def judge(
        self, camera: Camera, fault: Fault | None, sign: Sign, now: datetime
    ) -> Finding | datetime | None:
        """The finding of a clock that is off, or when it was right again."""
        offset_s = sign.stream.get("clock_offset_s")
        if not isinstance(offset_s, int | float) or abs(offset_s) > NO_CLOCK_S:
            self._off_at = None
            return None
        if abs(offset_s) <= CLOCK_RIGHT_S:
            self._off_at = None
            return None if fault is None else now
        if abs(offset_s) < CLOCK_OFF_S:
            return None
        self._off_at = self._off_at or now
        if fault is not None or now - self._off_at < timedelta(seconds=CLOCK_OFF_AFTER_S):
            return None
        return finding_of(
            camera, rule=CLOCK_RULE, kind=Kind.CAMERA_FAULT, tier=Tier.FAULT, onset_at=self._off_at,
            severity=Severity.MINOR, reason=Reason("camera_clock_off", {"offset_s": round(offset_s)}),
        )  # fmt: skip


def finding_of(
    camera: Camera,
    *,
    rule: str,
    kind: Kind,
    tier: Tier,
    onset_at: datetime,
    severity: int,
    reason: Reason,
    zone: str | None = None,
    detector: Mapping[str, Param] | None = None,
) -> Finding:
    """A finding at the camera's place; the registry's mark alone makes it a drill."""
    return Finding(
        rule=rule, kind=kind, tier=tier, place=camera.place, onset_at=onset_at, severity=severity, reason=reason,
        enterprise=camera.enterprise, camera=camera.id, zone=zone, detector=detector or {},
        drill_id=DRILL_ID if camera.drill else None,
    )  # fmt: skip
