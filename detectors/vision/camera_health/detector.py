"""The camera health detector: measures a picture once, asks every rule, and keeps what is usual up to date."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime

import numpy as np

from detectors.vision.camera_health import rules
from detectors.vision.camera_health.condition import Arrival, Begun, Condition, Look, Over
from detectors.vision.camera_health.measures import TILES, Measures, measure
from detectors.vision.camera_health.references import References
from detectors.vision.camera_health.rules import Told
from detectors.vision.camera_health.settings import HealthSettings
from detectors.vision.camera_health.stillness import Frozen
from detectors.vision.frames import Mask, zone_mask
from farwatch.domain.finding import Kind, Param, Reason, Severity, Tier
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from farwatch.domain.registry import Zone

WHOLE_PICTURE = (0.0, 0.0, 1.0, 1.0)
DEFAULT_SETTINGS = HealthSettings()


class CameraHealthDetector:
    """All rules about one camera. What `memory` gives, `recall` takes back in a later process.

    A rule's first word after a start may be an end without a beginning (onset = end): whoever knows of an open fault from
    before may close it.
    """

    rule, version = "camera_health", "1"
    wants_every_frame = False

    def __init__(self, zones: Sequence[Zone] = (), settings: HealthSettings = DEFAULT_SETTINGS) -> None:
        self._settings = settings
        watched = ~_masked(zones)
        self._references = References(settings, watched)
        self._frozen = Frozen(settings, watched)
        self._conditions = _conditions(settings)
        self._arrivals = {
            rule: Arrival(sudden_pictures=settings.sudden_pictures, lasting_s=settings.lasting_s)
            for rule in (rules.BLACK, rules.COVERED)
        }
        self._at: datetime | None = None
        self._mode: int | None = None
        self._normal_mode: int | None = None

    @property
    def settings(self) -> Mapping[str, Param]:
        return asdict(self._settings)

    def observe(self, picture: Picture) -> list[Sighting | SightingEnded]:
        s = self._settings
        step_s = (picture.at - self._at).total_seconds() if self._at else 0.0
        if self._at is not None and 0 <= step_s < s.spacing_s:
            return []
        seen = measure(picture, s.black_level, s.white_level, self._mode)
        if seen is None:
            return []
        self._at, self._mode = picture.at, seen.mode
        judged = self._judge(seen)
        said = [
            event for rule, told in judged.items() if (event := self._see(rule, told, picture.at)) is not None
        ]
        turned_at = self._conditions[rules.TURNED].onset_at
        if turned_at and (picture.at - turned_at).total_seconds() >= s.adopt_s:
            self._references.forget()
            self._conditions = _conditions(s)
        if not self._is_suspect(judged):
            self._references.learn(seen, max(0.0, step_s))
            self._normal_mode = seen.mode
        return said

    def _is_suspect(self, judged: Mapping[str, Told]) -> bool:
        """A picture that is bad, or comes after one and is not well yet, is not how the camera usually is."""
        is_bad = any(told.look is Look.BAD for told in judged.values())
        return is_bad or any(condition.suspects for condition in self._conditions.values())

    def memory(self) -> bytes:
        return self._references.to_bytes()

    def recall(self, memory: bytes) -> bool:
        """False for what is no memory of this version."""
        return self._references.from_bytes(memory)

    def _judge(self, seen: Measures) -> dict[str, Told]:
        s, references = self._settings, self._references
        told = {
            rules.BLACK: rules.filled(seen.black_share, s),
            rules.OVEREXPOSED: rules.filled(seen.white_share, s),
        }
        if any(t.look is not Look.WELL for t in told.values()):
            return told  # such a picture says nothing about anything else
        mode = (
            seen.mode if references.is_mature(seen.mode) or self._normal_mode is None else self._normal_mode
        )
        told[rules.COVERED] = rules.covered(seen, references, mode, s)
        if told[rules.COVERED].look is not Look.BAD:
            told[rules.FROZEN] = Told(self._frozen.judge(seen))
            told[rules.DEFOCUSED] = rules.defocused(seen, references, s)
            told[rules.TURNED] = rules.turned(seen, references, s)
        return told

    def _see(self, rule: str, told: Told, at: datetime) -> Sighting | SightingEnded | None:
        arrival = self._arrivals.get(rule)
        look = arrival.judge(at, told.look, is_normal=told.is_normal) if arrival else told.look
        match self._conditions[rule].see(at, look):
            case Begun(onset_at):
                return Sighting(
                    rule=rule, kind=Kind.CAMERA_FAULT, zone="", onset_at=onset_at, severity=Severity.MINOR,
                    reason=_reason(rule, told.number), box=WHOLE_PICTURE,
                )  # fmt: skip
            case Over(onset_at, well_at):
                return SightingEnded(
                    rule=rule, zone="", onset_at=onset_at or well_at, ended_at=well_at, tier=Tier.FAULT
                )
            case None:
                return None


def _conditions(s: HealthSettings) -> dict[str, Condition]:
    after_s = {
        rules.BLACK: s.black_after_s,
        rules.OVEREXPOSED: s.overexposed_after_s,
        rules.COVERED: s.covered_after_s,
        rules.FROZEN: s.frozen_after_s,
        rules.DEFOCUSED: s.defocused_after_s,
        rules.TURNED: s.turned_after_s,
    }
    return {
        rule: Condition(after_s=seconds, least_pictures=s.least_pictures, quiet_s=s.quiet_s)
        for rule, seconds in after_s.items()
    }


def _masked(zones: Sequence[Zone]) -> Mask:
    """Tiles of which a mask covers a tenth or more."""
    rows, columns = TILES[0] * 10, TILES[1] * 10
    mask: Mask = np.zeros((rows, columns), dtype=bool)
    for zone in zones:
        if zone.purpose == "mask":
            mask |= zone_mask(zone.polygon, (rows, columns))
    masked: Mask = mask.reshape(TILES[0], 10, TILES[1], 10).mean(axis=(1, 3)) >= 0.1
    return masked


def _reason(rule: str, number: float) -> Reason:
    percent = round(100 * number)
    match rule:
        case rules.BLACK:
            return Reason("camera_black", {"percent": percent})
        case rules.OVEREXPOSED:
            return Reason("camera_overexposed", {"percent": percent})
        case rules.COVERED:
            return Reason("camera_covered", {"percent": percent})
        case rules.DEFOCUSED:
            return Reason("camera_defocused", {"percent": percent})
        case rules.TURNED:
            return Reason("camera_turned", {"percent": percent})
        case _:
            return Reason("camera_frozen")
