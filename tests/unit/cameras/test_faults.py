"""One open fault of each rule and camera, over restarts; and what detectors learned, over restarts."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from farwatch.domain.finding import FindingEnded, Kind, Reason, Severity, Tier
from farwatch.domain.picture import Picture
from farwatch.domain.place import Position
from farwatch.domain.registry import Camera, Zone
from ingest.cameras.desk import Found, Report
from ingest.cameras.faults import VIEW_RULES, Faults
from ingest.cameras.health import Fault, finding_of
from ingest.cameras.memory import KEEP_EVERY, Remembered, forget, memory_path, remembering

NOW = datetime(2026, 11, 22, 8, tzinfo=UTC)
CAMERA = Camera(
    id="c1", name="Gate", enterprise="e1", place=Position(30, 120), heading_deg=None, url="rtsp://127.0.0.1/x"
)


@dataclass
class Desk:
    reports: list[Report] = field(default_factory=list)

    def submit(self, report: Report) -> None:
        self.reports.append(report)


def found(rule: str, at: datetime = NOW) -> Found:
    return Found(
        finding_of(CAMERA, rule=rule, kind=Kind.CAMERA_FAULT, tier=Tier.FAULT, onset_at=at,
                   severity=Severity.MINOR, reason=Reason(rule))
    )  # fmt: skip


def test_a_fault_that_is_open_is_not_told_again_and_ends_once() -> None:
    desk = Desk()
    faults = Faults(desk)  # type: ignore[arg-type]
    first = found("camera_black")
    assert faults.begin(CAMERA, first)
    assert not faults.begin(CAMERA, found("camera_black", NOW + timedelta(minutes=9)))
    assert faults.begin(CAMERA, found("camera_frozen"))
    faults.end("c1", ["camera_black"], NOW + timedelta(hours=1))
    faults.end("c1", ["camera_black"], NOW + timedelta(hours=2))
    assert desk.reports[2:] == [FindingEnded(first.finding.id, NOW + timedelta(hours=1))]
    assert list(faults.of("c1")) == ["camera_frozen"]


def test_a_fault_of_an_earlier_process_goes_on_and_ends_with_the_first_good_picture() -> None:
    desk, old = Desk(), Fault(uuid4(), NOW)
    faults = Faults(desk)  # type: ignore[arg-type]
    faults.resume({("c1", "camera_turned"): old})
    assert not faults.begin(CAMERA, found("camera_turned", NOW + timedelta(hours=1)))
    faults.end("c1", ["camera_turned"], NOW + timedelta(hours=2))
    assert desk.reports == [FindingEnded(old.finding_id, NOW + timedelta(hours=2))]


def test_no_fault_of_a_camera_that_nobody_watches_goes_on() -> None:
    desk = Desk()
    faults = Faults(desk)  # type: ignore[arg-type]
    faults.begin(CAMERA, found("camera_black"))
    faults.begin(CAMERA, found("camera_offline"))
    faults.leave("c1", NOW + timedelta(minutes=1))
    assert len([r for r in desk.reports if isinstance(r, FindingEnded)]) == 2
    assert faults.of("c1") == {}


@pytest.mark.parametrize("rule", sorted(VIEW_RULES))
def test_a_camera_that_is_steered_has_no_usual_view(rule: str) -> None:
    desk = Desk()
    assert not Faults(desk).begin(replace(CAMERA, ptz=True), found(rule))  # type: ignore[arg-type]
    assert Faults(desk).begin(replace(CAMERA, ptz=True), found("camera_black"))  # type: ignore[arg-type]
    assert len(desk.reports) == 1


class Learner:
    rule, version = "learner", "1"
    wants_every_frame = False

    def __init__(self) -> None:
        self.known = b"nothing"

    def observe(self, picture: Picture) -> list[object]:
        self.known = picture.at.isoformat().encode()
        return []

    def memory(self) -> bytes:
        return self.known

    def recall(self, memory: bytes) -> bool:
        self.known = memory
        return True


def shown(minutes: float) -> Picture:
    nothing = memoryview(b"")
    return Picture(
        camera="c1", at=NOW + timedelta(minutes=minutes), width=0, height=0, y=nothing, u=nothing, v=nothing
    )


def learner(
    folder: Path, camera: Camera = CAMERA, zones: tuple[Zone, ...] = ()
) -> tuple[Remembered, Learner]:
    inner = Learner()
    (outer,) = remembering([inner], folder, camera, zones)
    assert isinstance(outer, Remembered)
    return outer, inner


ZONE = Zone(camera="c1", name="yard", purpose="ground", polygon=((0, 0), (1, 0), (1, 1)))


def test_what_was_learned_is_kept_every_ten_minutes_and_known_after_a_restart(tmp_path: Path) -> None:
    outer, _ = learner(tmp_path / "memory")
    outer.observe(shown(0))
    outer.observe(shown(9))
    assert not memory_path(tmp_path / "memory", "c1", "learner").exists()
    outer.observe(shown(KEEP_EVERY.total_seconds() / 60))
    _, again = learner(tmp_path / "memory")
    assert again.known == (NOW + KEEP_EVERY).isoformat().encode()


@pytest.mark.parametrize(
    ("camera", "zones"),
    [(replace(CAMERA, url="rtsp://127.0.0.1/other"), ()), (CAMERA, (ZONE,)), (replace(CAMERA, id="c2"), ())],
)
def test_another_view_is_learned_anew(tmp_path: Path, camera: Camera, zones: tuple[Zone, ...]) -> None:
    outer, _ = learner(tmp_path)
    outer.observe(shown(0))
    outer.observe(shown(11))
    assert learner(tmp_path)[1].known != b"nothing"
    assert learner(tmp_path, camera, zones)[1].known == b"nothing"


def test_nothing_is_kept_of_a_camera_that_is_gone(tmp_path: Path) -> None:
    outer, _ = learner(tmp_path)
    outer.observe(shown(0))
    outer.observe(shown(11))
    forget(tmp_path, "c2")
    assert memory_path(tmp_path, "c1", "learner").exists()
    forget(tmp_path, "c1")
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_takes_nothing_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "memory").write_text("a file where the folder should be")
    outer, _ = learner(tmp_path / "memory")
    outer.observe(shown(0))
    outer.observe(shown(11))
