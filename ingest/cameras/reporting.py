"""A sighting becomes a finding with its stills and the promise of a clip. Pure."""

from farwatch.domain.finding import Finding, Tier
from farwatch.domain.registry import Camera
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState, evidence_id
from ingest.cameras import clips, stills
from ingest.cameras.desk import Found
from ingest.cameras.footage import clock_facts
from ingest.cameras.gaze import Kept, Seen
from ingest.cameras.health import finding_of


def report_of(camera: Camera, seen: Seen, *, clip_lost: str | None) -> Found:
    """What is written in one transaction. `clip_lost` is the reason why there will be no clip, None when there will."""
    finding = _finding(camera, seen, Tier.VIOLATION)
    clip = Evidence(
        id=evidence_id(finding.id, EvidenceKind.CLIP), finding_id=finding.id, kind=EvidenceKind.CLIP,
        state=EvidenceState.LOST if clip_lost else EvidenceState.PENDING, reason=clip_lost,
        media_type=clips.MEDIA_TYPE, camera=camera.id, captured_at=seen.taken_at,
    )  # fmt: skip
    original = _still(finding, seen, EvidenceKind.STILL, seen.original)
    marked = _still(finding, seen, EvidenceKind.STILL_MARKED, seen.marked, box=list(seen.sighting.box))
    return Found(finding, (original, marked, clip))


def fault_of(camera: Camera, seen: Seen) -> Found:
    """A fault of the camera itself: what it shows says enough, and its next minutes show the same."""
    finding = _finding(camera, seen, Tier.FAULT)
    return Found(finding, (_still(finding, seen, EvidenceKind.STILL, seen.original),))


def _finding(camera: Camera, seen: Seen, tier: Tier) -> Finding:
    sighting = seen.sighting
    return finding_of(
        camera, rule=sighting.rule, kind=sighting.kind, tier=tier, onset_at=sighting.onset_at,
        severity=sighting.severity, reason=sighting.reason, zone=sighting.zone or None,
        detector={"rule": sighting.rule, "version": seen.version, **seen.settings},
    )  # fmt: skip


def _still(finding: Finding, seen: Seen, kind: EvidenceKind, kept: Kept | str, **more: object) -> Evidence:
    lost = kept if isinstance(kept, str) else None
    known = {"width": seen.size[0], "height": seen.size[1]}
    known_clock = clock_facts([(seen.taken_at, seen.camera_clock_at)])
    return Evidence(
        id=evidence_id(finding.id, kind), finding_id=finding.id, kind=kind, media_type=stills.MEDIA_TYPE,
        state=EvidenceState.LOST if lost else EvidenceState.STORED, reason=lost,
        sha256=None if isinstance(kept, str) else kept.sha256,
        sm3=None if isinstance(kept, str) else kept.sm3,
        size_bytes=None if isinstance(kept, str) else kept.size_bytes,
        derived_from=evidence_id(finding.id, EvidenceKind.STILL) if kind is EvidenceKind.STILL_MARKED else None,
        camera=finding.camera, captured_at=seen.taken_at, meta=known | known_clock | more,
    )  # fmt: skip
