"""Is a camera there? The age of its last decoded picture decides. Pure."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from farwatch.domain.finding import Finding, FindingEnded, Kind, Param, Reason, Severity, Tier
from farwatch.domain.registry import Camera
from farwatch.storage.camera_status import CameraState, CameraStatus

OFFLINE_AFTER_S = 10.0
OUTAGE_AFTER_S = 60.0
RULE = "camera_offline"
BUDGET_SHORT = "decode_budget_short"
DRILL_ID = "standing"
"""The drill that a camera marked so in the registry always belongs to."""


@dataclass(frozen=True, slots=True)
class Outage:
    """The finding that tells of a camera that is away."""

    finding_id: uuid.UUID
    onset_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """What is known of a camera: `age_s` since its last picture, or since the watch began when there was none.

    `cause` is why there is none, as the last attempt to read it said; empty while connected. `is_short`: more should have been
    decoded of it than there was CPU time for. `stream` is what is known of the stream that is read now (CameraStatus).
    """

    age_s: float
    seen_at: datetime | None
    cause: str
    is_short: bool = False
    stream: Mapping[str, Param] = field(default_factory=dict)


def status_of(camera: str, sign: Sign) -> CameraStatus:
    if sign.age_s < OFFLINE_AFTER_S:
        if sign.seen_at is not None:
            reason = BUDGET_SHORT if sign.is_short else ""
            return CameraStatus(
                camera=camera,
                state=CameraState.ONLINE,
                reason=reason,
                last_frame_at=sign.seen_at,
                stream=sign.stream,
            )
        if not sign.cause:
            return CameraStatus(camera=camera, state=CameraState.UNKNOWN, reason="starting")
    return CameraStatus(
        camera=camera,
        state=CameraState.OFFLINE,
        reason=sign.cause or "no_picture",
        last_frame_at=sign.seen_at,
    )


def judge_outage(
    camera: Camera, outage: Outage | None, sign: Sign, now: datetime
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
