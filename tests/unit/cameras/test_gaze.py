"""One camera's eye, its memory bounds and its errors."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import av
import pytest

from farwatch.domain.finding import Kind, Reason
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from farwatch.domain.place import Position
from farwatch.domain.registry import Camera
from farwatch.storage.blobs import BlobStore
from farwatch.storage.evidence import EvidenceKind
from ingest.cameras.attention import Batch, Want
from ingest.cameras.desk import MOST_WAITING, ClipLost, Desk
from ingest.cameras.gaze import Gaze, Seen
from ingest.cameras.metrics import REFUSED_REPORTS
from ingest.cameras.recording import Recording
from ingest.cameras.reporting import fault_of, report_of
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


def test_no_still_is_made_of_what_is_no_news(folder: Path) -> None:
    blobs = BlobStore(folder / "evidence")
    eye = Gaze("c1", [Detector(sighting)], blobs, folder / "live" / "c1.jpg", is_news=lambda _: False)
    assert eye.look(whole(1), H264).seen == []
    assert list(blobs.all()) == []


def test_a_fault_of_the_camera_has_one_still_no_region_and_no_clip(folder: Path) -> None:
    def fault(picture: Picture) -> list[Sighting]:
        return [replace(s, rule="camera_black", kind=Kind.CAMERA_FAULT, zone="") for s in sighting(picture)]

    (seen,) = gaze(folder, Detector(fault)).look(whole(1), H264).seen
    assert isinstance(seen, Seen)
    report = fault_of(CAMERA, seen)
    assert (report.finding.tier, report.finding.zone) == ("fault", None)
    assert [(e.kind, e.state) for e in report.evidence] == [(EvidenceKind.STILL, "stored")]
    assert len(list(BlobStore(folder / "evidence").all())) == 1


def seconds(pictures: Sequence[Picture]) -> list[float]:
    return [(p.at - AT).total_seconds() for p in pictures]


def test_a_suspicious_detector_sees_five_pictures_a_second_of_all_that_are_decoded(folder: Path) -> None:
    seen: list[Picture] = []
    look = gaze(folder, Detector(lambda p: seen.append(p) or [], eager=True)).look(whole(40), H264)
    assert (look.decoded, look.broken) == (40, False)
    assert seconds(seen) == pytest.approx([i / 5 for i in range(20)])


def test_who_suspects_nothing_is_not_bothered_by_a_viewer_who_gets_every_picture(folder: Path) -> None:
    seen: list[Picture] = []
    eye, still = gaze(folder, Detector(lambda p: seen.append(p) or [])), folder / "live" / "c1.jpg"
    eye.look(whole(20), H264, True)
    assert seconds(seen) == pytest.approx([0.0, 0.8, 1.6])
    newest = av.open(str(still)).decode(video=0)
    assert next(newest).width == 320


def test_only_the_last_picture_of_frames_that_bridge_a_gap_is_shown(folder: Path) -> None:
    seen: list[Picture] = []
    batch = Batch(frames=coded(20), restart=True, alone=False, skipped=0, show_every_s=None)
    look = gaze(folder, Detector(lambda p: seen.append(p) or [])).look(batch, H264)
    assert look.decoded == 20
    assert seconds(seen) == [1.9]


def test_the_live_still_is_made_anew_every_ten_seconds_unless_somebody_looks(folder: Path) -> None:
    eye, still = gaze(folder), folder / "live" / "c1.jpg"
    keys = [f for f in coded(150) if f.is_key]
    made = []
    for number, key in enumerate(keys):
        still.unlink(missing_ok=True)
        eye.look(Batch(frames=(key,), restart=True, alone=True, skipped=0), H264, is_watched=number in (2, 3))
        made.append(still.exists())
    assert [number for number, is_made in enumerate(made) if is_made] == [0, 2, 3, 12]


class Gate(Detector):
    is_quiet = True


@pytest.mark.parametrize(
    ("detectors", "wanted"),
    [
        ([Gate(nothing)], Want.QUIET),
        ([Gate(nothing, eager=True)], Want.CURIOUS),
        ([Gate(nothing, eager=True), Detector(nothing)], Want.CURIOUS),
        ([Gate(nothing), Detector(nothing, eager=True)], Want.NEEDED),
        ([Detector(nothing)], Want.KEYS),
        ([Detector(broken, eager=True), Gate(nothing)], Want.QUIET),
    ],
)
def test_the_most_that_any_rule_wants_is_wanted(
    folder: Path, detectors: list[Detector], wanted: Want
) -> None:
    eye = gaze(folder, *detectors)
    eye.look(whole(1), H264)
    assert eye.wanted is wanted


def test_a_scene_in_which_something_moves_wants_every_key_frame(folder: Path) -> None:
    gate = Gate(nothing)
    gate.is_quiet = False
    eye = gaze(folder, gate)
    eye.look(whole(1), H264)
    assert eye.wanted is Want.KEYS


def test_what_a_look_costs_is_told(folder: Path) -> None:
    assert 0 < gaze(folder).look(whole(10), H264).cpu_s < 5


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
    heavy = frame(0, key=True, size=MAX_BYTES // 4 - 1000)
    made = Recording(
        clip_id=uuid4(),
        finding_id=uuid4(),
        onset_at=AT,
        left=timedelta(days=365),
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
