"""A sighting becomes a finding with its stills and the promise of a clip. Pure."""

from farwatch.domain.finding import Tier
from farwatch.domain.registry import Camera
from farwatch.storage.evidence import Evidence, EvidenceKind, EvidenceState, evidence_id
from ingest.cameras import clips, stills
from ingest.cameras.desk import Found
from ingest.cameras.footage import clock_facts
from ingest.cameras.gaze import Kept, Seen
from ingest.cameras.health import finding_of


def report_of(camera: Camera, seen: Seen, *, clip_lost: str | None) -> Found:
    """What is written in one transaction. `clip_lost` is the reason why there will be no clip, None when there will."""
    sighting = seen.sighting
    finding = finding_of(
        camera, rule=sighting.rule, kind=sighting.kind, tier=Tier.VIOLATION, onset_at=sighting.onset_at,
        severity=sighting.severity, reason=sighting.reason, zone=sighting.zone,
        detector={"rule": sighting.rule, "version": seen.version},
    )  # fmt: skip
    still_id = evidence_id(finding.id, EvidenceKind.STILL)
    known = {"width": seen.size[0], "height": seen.size[1]} | clock_facts(
        [(seen.taken_at, seen.camera_clock_at)]
    )

    def still(kind: EvidenceKind, kept: Kept | str, **more: object) -> Evidence:
        lost = kept if isinstance(kept, str) else None
        return Evidence(
            id=evidence_id(finding.id, kind), finding_id=finding.id, kind=kind, media_type=stills.MEDIA_TYPE,
            state=EvidenceState.LOST if lost else EvidenceState.STORED, reason=lost,
            sha256=None if isinstance(kept, str) else kept.sha256,
            size_bytes=None if isinstance(kept, str) else kept.size_bytes,
            derived_from=still_id if kind is EvidenceKind.STILL_MARKED else None,
            camera=camera.id, captured_at=seen.taken_at,
            meta=known | more,
        )  # fmt: skip

    clip = Evidence(
        id=evidence_id(finding.id, EvidenceKind.CLIP), finding_id=finding.id, kind=EvidenceKind.CLIP,
        state=EvidenceState.LOST if clip_lost else EvidenceState.PENDING, reason=clip_lost,
        media_type=clips.MEDIA_TYPE, camera=camera.id, captured_at=seen.taken_at,
    )  # fmt: skip
    original = still(EvidenceKind.STILL, seen.original)
    marked = still(EvidenceKind.STILL_MARKED, seen.marked, box=list(sighting.box))
    return Found(finding, (original, marked, clip))
