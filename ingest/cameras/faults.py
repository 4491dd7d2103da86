"""Faults of cameras that are not over: one at most of each rule and camera, whichever process found it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from farwatch.domain.finding import FindingEnded
from farwatch.domain.registry import Camera
from ingest.cameras.desk import Desk, Found
from ingest.cameras.health import Fault

VIEW_RULES = frozenset({"camera_covered", "camera_defocused", "camera_turned"})
"""They hold a picture against how the view usually is, which a camera that is steered has none of."""


class Faults:
    """Between the rules, which say what they see, and the desk: what is open already is not told again."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._open: dict[str, dict[str, Fault]] = {}

    @property
    def are_unsent(self) -> bool:
        """Pictures of no camera of this worker reach the server."""
        return self._desk.is_refused

    def resume(self, left: Mapping[tuple[str, str], Fault]) -> None:
        """Faults, by camera and rule, that an earlier process found go on."""
        for (camera, rule), fault in left.items():
            self._open.setdefault(camera, {}).setdefault(rule, fault)

    def of(self, camera: str) -> Mapping[str, Fault]:
        """By rule."""
        return self._open.get(camera, {})

    def begin(self, camera: Camera, found: Found) -> bool:
        """False when it is known already, or is no fault of such a camera."""
        finding = found.finding
        if not self.is_news(camera, finding.rule):
            return False
        self._open.setdefault(camera.id, {})[finding.rule] = Fault(finding.id, finding.onset_at)
        self._desk.submit(found)
        return True

    def is_news(self, camera: Camera, rule: str) -> bool:
        """Whether `begin` would tell it; may be asked from any thread."""
        return rule not in self.of(camera.id) and not (camera.ptz and rule in VIEW_RULES)

    def end(self, camera: str, rules: Iterable[str], ended_at: datetime) -> None:
        known = self._open.get(camera, {})
        for rule in list(rules):
            if (fault := known.pop(rule, None)) is not None:
                self._desk.submit(FindingEnded(fault.finding_id, max(ended_at, fault.onset_at)))

    def leave(self, camera: str, at: datetime) -> None:
        """Nobody watches it any more: no fault of it goes on."""
        self.end(camera, self.of(camera), at)
        self._open.pop(camera, None)
