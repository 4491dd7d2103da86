"""One camera's eye, its memory bounds and its errors."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from farwatch.domain.finding import Kind, Reason
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from farwatch.domain.place import Position
from farwatch.domain.registry import Camera
from farwatch.storage.blobs import BlobStore
from farwatch.storage.evidence import EvidenceKind
from ingest.cameras.attention import Batch
from ingest.cameras.desk import MOST_WAITING, ClipLost, Desk
from ingest.cameras.gaze import Gaze, Seen
from ingest.cameras.metrics import REFUSED_REPORTS
from ingest.cameras.recording import Recording
from ingest.cameras.reporting import report_of
from ingest.cameras.ring import MAX_BYTES
from tests.support.cameras import AT, H264, coded, frame

CAMERA = Camera(
    id="c1", name="Gate", enterprise="e1", place=Position(30, 120), heading_deg=None, url="rtsp://127.0.0.1/x"
)


class Detector:
    rule, version = "smoke", "test"

    def __init__(
        self, say: Callable[[Picture], Sequence[Sighting | SightingEnded]], eager: bool = False
    ) -> None:
        self.observe = say
        self.wants_every_frame = eager


def sighting(picture: Picture) -> list[Sighting]:
    return [
        Sighting(
            rule="smoke", kind=Kind.SMOKE, zone="stack", onset_at=picture.at, severity=2, reason=Reason("smoke_seen"),
            box=(0, 0, 1, 1),
        )
    ]  # fmt: skip


def nothing(picture: Picture) -> list[Sighting]:
    return []


def broken(picture: Picture) -> list[Sighting]:
    raise ZeroDivisionError


def whole(count: int) -> Batch:
    return Batch(frames=coded(count), restart=True, alone=False, skipped=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "live").mkdir()
    return tmp_path


def gaze(folder: Path, *detectors: Detector) -> Gaze:
    return Gaze("c1", detectors, BlobStore(folder / "evidence"), folder / "live" / "c1.jpg")


def test_a_detector_that_fails_does_not_silence_the_others(folder: Path) -> None:
    look = gaze(folder, Detector(broken), Detector(sighting)).look(whole(1), H264)
    assert [type(s) for s in look.seen] == [Seen]


def test_detectors_see_five_pictures_a_second_of_all_that_are_decoded(folder: Path) -> None:
    seen: list[Picture] = []
    look = gaze(folder, Detector(lambda p: seen.append(p) or [])).look(whole(40), H264)
    assert (look.decoded, look.broken) == (40, False)
    assert [(p.at - AT).total_seconds() for p in seen] == pytest.approx([i / 5 for i in range(20)])


def test_one_detector_that_wants_every_frame_is_enough(folder: Path) -> None:
    eye = gaze(folder, Detector(nothing, eager=True), Detector(nothing))
    eye.look(whole(1), H264)
    assert eye.wants_every_frame


def test_a_frame_that_is_not_decodable_is_told_and_survived(folder: Path) -> None:
    eye = gaze(folder)
    assert eye.look(Batch(frames=(frame(0, key=True),), restart=True, alone=True, skipped=0), H264).broken
    assert eye.look(whole(2), H264).decoded == 2


def test_a_full_disk_costs_the_still_but_not_the_finding(folder: Path) -> None:
    (folder / "evidence").write_text("a file where the folder should be")
    (seen,) = gaze(folder, Detector(sighting)).look(whole(1), H264).seen
    assert isinstance(seen, Seen)
    report = report_of(CAMERA, seen, clip_lost=None)
    assert {e.kind: (e.state, e.reason) for e in report.evidence} == {
        EvidenceKind.STILL: ("lost", "store_failed"),
        EvidenceKind.STILL_MARKED: ("lost", "store_failed"),
        EvidenceKind.CLIP: ("pending", None),
    }


def test_the_same_sighting_reported_twice_has_the_same_ids(folder: Path) -> None:
    (seen,) = gaze(folder, Detector(sighting)).look(whole(1), H264).seen
    assert isinstance(seen, Seen)
    first, second = (report_of(replace(CAMERA), seen, clip_lost=None) for _ in range(2))
    assert first.finding.id == second.finding.id
    assert [e.id for e in first.evidence] == [e.id for e in second.evidence]


def test_a_recording_stops_at_its_bound_of_bytes() -> None:
    heavy = frame(0, key=True, size=MAX_BYTES // 4)
    made = Recording(
        clip_id=uuid4(),
        finding_id=uuid4(),
        onset_at=AT,
        ends_at=AT.replace(year=2030),
        description=H264,
    )
    for _ in range(10):
        made.add(heavy)
    assert (len(made.frames), made.is_done, made.short) == (5, True, "too_many_bytes")


def test_a_full_desk_refuses_the_newest_and_counts_it() -> None:
    desk, before = Desk(pool=None), REFUSED_REPORTS._value.get()  # type: ignore[arg-type]
    for _ in range(MOST_WAITING + 3):
        desk.submit(ClipLost(uuid4(), "camera_lost"))
    assert REFUSED_REPORTS._value.get() - before == 3
