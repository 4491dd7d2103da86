"""Rule `left_object`: something was put down on the ground and stands there.

Known limits, by design: a vehicle that stops for longer than the dwell and is smaller than `largest_share` is an object to
this rule; so is a person who sleeps. An object that stood there before the first picture is background, and so is
one that comes within a second after it. A colourless thing a little darker than smooth ground, and evenly, passes for a shadow.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import cv2
import numpy as np

from detectors.vision.episodes import Box, Episode, Seen
from detectors.vision.frames import Frame, Mask, zone_mask
from detectors.vision.object_evidence import EvidenceSettings, RegionFacts, Verdict, judge, measure
from detectors.vision.scene import Scene
from detectors.vision.stillness import StillnessModel, StillnessSettings
from farwatch.domain.finding import Kind, Param, Reason, Severity
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from farwatch.domain.registry import Zone

_DISORDER_S = 5.0
"""A picture that is older by less came out of turn; by more, the wall clock was set back."""
_MARGIN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftObjectSettings:
    """Sizes are shares of the picture."""

    hole_s: float = 6.0
    """What looks like a hole for this long is one: learnt soon, so that what is put there next is seen."""
    dwell_s: float = 12.0
    """Between a load that is tipped (minutes) and a person who stops to look at a telephone (seconds)."""
    quiet_s: float = 30.0
    """An object out of sight for this long is gone."""
    smallest_share: float = 0.001
    """About 15 x 15 px of 640 x 360: a rubbish bag at 25 m with a 90 degree lens. Smaller ones cannot be judged."""
    largest_share: float = 0.12
    """A load tipped beside the camera; more is a parked lorry or a change of light."""
    fill_share: float = 0.35
    """Share of its box that an object fills; streaks and outlines of shadows fill less, and are never clear."""
    settled_share: float = 0.6
    """Share of a still region that must have stood for the whole dwell before it is judged as one thing."""
    together_s: float = 5.0
    """The middle half of an object's pixels appeared within this long (or a quarter of its age, for a load that slides)."""
    alone_s: float = 3.5
    """It is judged when nothing else changed around it for this long and for two pictures ..."""
    alone_likeness: float = 0.6
    """... what changed around it being it (intersection over union). People who fidget and branches are not alone."""
    strange_share: float = 0.55
    """A picture that differs in more than this is another scene, or the lamp was switched."""
    strange_s: float = 2.0
    """A strange scene that stays this long is learnt anew."""
    pause_s: float = 120.0
    """After a longer pause than this the scene is learnt anew."""
    cut_share: float = 0.12
    """Share of an object's outline that may run along the edge of the picture."""
    carrier_slack_s: float = 5.0
    """Who brought an object was beside it within this long of its appearing."""
    carrier_share: float = 0.5
    """Area of who brought it, as a share of the object's own."""
    quiet_step_s: float = 3.0
    """While the scene is quiet and nothing is in question, a picture in so many seconds keeps the background right."""
    unclear_s: float = 60.0
    """A region that has stayed unclear for this long becomes background."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Item:
    """An object that was found: its region in the working frame."""

    zone: str
    region: Mask
    seen: Seen


@dataclass(frozen=True, slots=True)
class _Region:
    mask: Mask
    is_filled: bool
    is_settled: bool
    age_s: float
    box: tuple[int, int, int, int]


class LeftObjectDetector:
    """One camera's ground zones. One sighting per zone while anything left lies in it."""

    rule = "left_object"
    version = "1"

    def __init__(
        self,
        zones: Sequence[Zone],
        settings: LeftObjectSettings | None = None,
        stillness: StillnessSettings | None = None,
        evidence: EvidenceSettings | None = None,
        *,
        scene: Scene | None = None,
    ) -> None:
        self._scene = scene or Scene()
        self._zones = tuple(zones)
        self._settings = settings or LeftObjectSettings()
        self._stillness = stillness or StillnessSettings()
        self._evidence = evidence or EvidenceSettings()
        self._episodes = {
            z.name: Episode(rule=self.rule, kind=Kind.DUMPING, zone=z.name, quiet_s=self._settings.quiet_s)
            for z in zones
        }
        self._model: StillnessModel | None = None
        self._masks: dict[str, Mask] = {}
        self._items: list[_Item] = []
        self._last_at: datetime | None = None
        self._strange_s = 0.0

    @property
    def settings(self) -> Mapping[str, Param]:
        return asdict(self._settings)

    @property
    def wants_every_frame(self) -> bool:
        """What stands still is seen well enough in key frames."""
        return False

    def observe(self, picture: Picture) -> Sequence[Sighting | SightingEnded]:
        frame = self._scene.look(picture)
        if frame is None:
            return self._tell(picture.at)
        step_s = (frame.at - self._last_at).total_seconds() if self._last_at else 0.0
        if -_DISORDER_S < step_s <= 0 and self._model is not None:
            return []
        step_s = max(0.0, step_s)  # the clock was set back: nobody knows what has passed
        if self._is_idle(step_s):
            return self._tell(frame.at)
        self._last_at = frame.at
        if self._model is None or self._model.shape != frame.shape or step_s > self._settings.pause_s:
            self._restart(frame)
        elif self._is_strange(self._model.compare(frame), step_s):
            if self._strange_s >= self._settings.strange_s:
                self._restart(frame)
        else:
            self._model.learn(step_s)
            self._items = [i for i in self._items if self._is_there(self._model, i)]
            self._items += list(self._new_items(self._model, frame.at))
            self._model.rest()
        return self._tell(frame.at)

    def _is_idle(self, step_s: float) -> bool:
        """Nothing has moved, stands or is lost sight of since the last picture that was looked at."""
        is_calm = self._model is not None and self._model.is_calm and not self._items
        return is_calm and self._scene.is_quiet and step_s < self._settings.quiet_step_s

    def _restart(self, frame: Frame) -> None:
        self._model = StillnessModel(frame, self._stillness)
        self._masks = {z.name: zone_mask(z.polygon, frame.shape) for z in self._zones}
        self._items, self._strange_s = [], 0.0

    def _is_strange(self, unexplained: float, step_s: float) -> bool:
        strange = unexplained > self._settings.strange_share
        self._strange_s = self._strange_s + step_s if strange else 0.0
        return strange

    def _is_there(self, model: StillnessModel, item: _Item) -> bool:
        """Still different from the background, by itself or because something stands in front of it."""
        return bool(model.changed[item.region].mean() > 0.5)

    def _new_items(self, model: StillnessModel, at: datetime) -> Iterator[_Item]:
        known = np.zeros(model.changed.shape, dtype=bool)
        for item in self._items:
            known |= item.region
        for region in _regions(model, self._settings, known):
            verdict, facts = self._verdict(model, region)
            if not region.is_settled and verdict is not Verdict.UNCOVERED:
                continue
            zone = self._zone_of(region) if verdict is Verdict.OBJECT else None
            if facts is not None and zone is not None:
                yield _Item(zone=zone, region=region.mask, seen=self._seen(at, region, facts))
            elif verdict is not Verdict.UNCLEAR or region.age_s > self._settings.unclear_s:
                model.absorb(region.mask)

    def _verdict(self, model: StillnessModel, region: _Region) -> tuple[Verdict, RegionFacts | None]:
        if region.mask.mean() > self._settings.largest_share:
            return Verdict.LIGHT, None
        if not region.is_filled or not self._is_alone(model, region):
            return Verdict.UNCLEAR, None
        top, left, bottom, right = _grown(region.box, model.shape)
        box = np.s_[top:bottom, left:right]
        facts = measure(*model.scenes(box), region.mask[box])
        verdict = judge(facts, self._evidence)
        if verdict is Verdict.OBJECT and (self._is_cut(region) or not self._came_at_once(model, region)):
            verdict = Verdict.UNCLEAR
        elif verdict is Verdict.OBJECT and not self._was_brought(model, region):
            verdict = Verdict.LIGHT
        return verdict, facts

    def _came_at_once(self, model: StillnessModel, region: _Region) -> bool:
        early, late = np.percentile(model.age_s[region.mask], (25, 75))
        return bool(late - early <= max(self._settings.together_s, 0.25 * region.age_s))

    def _is_alone(self, model: StillnessModel, region: _Region) -> bool:
        """Nothing changes in it or beside it just now: it is no part of something else, and nobody is at it."""
        s = self._settings
        top, left, bottom, right = _grown(region.box, model.shape)
        return model.likeness(region.mask, np.s_[top:bottom, left:right], s.alone_s) >= s.alone_likeness

    def _was_brought(self, model: StillnessModel, region: _Region) -> bool:
        """Whether something was beside it when it appeared and has gone; light, shadows and overlaid texts come alone."""
        top, left, bottom, right = region.box
        reach = max(4, max(bottom - top, right - left) // 2)
        rows, columns = model.shape
        near = np.s_[
            max(0, top - reach) : min(rows, bottom + reach),
            max(0, left - reach) : min(columns, right + reach),
        ]
        slack_s = self._settings.carrier_slack_s
        gone = (
            model.was_changed(region.age_s + slack_s, region.age_s - slack_s) & ~model.changed & ~region.mask
        )
        return bool(gone[near].sum() >= self._settings.carrier_share * region.mask.sum())

    def _is_cut(self, region: _Region) -> bool:
        """An object at the edge of the picture may be the end of something large that reaches in."""
        rim = np.zeros_like(region.mask)
        rim[[0, -1], :] = rim[:, [0, -1]] = True
        top, left, bottom, right = region.box
        return bool((region.mask & rim).sum() > self._settings.cut_share * 2 * (bottom - top + right - left))

    def _zone_of(self, region: _Region) -> str | None:
        """The first zone with the middle of the object's base and most of the object in it."""
        _, left, bottom, right = region.box
        foot = (bottom - 1, (left + right) // 2)
        for name, mask in self._masks.items():
            if mask[foot] and mask[region.mask].mean() > 0.6:
                return name
        return None

    def _seen(self, at: datetime, region: _Region, facts: RegionFacts) -> Seen:
        rows, columns = region.mask.shape
        top, left, bottom, right = region.box
        box: Box = (left / columns, top / rows, right / columns, bottom / rows)
        params = {
            "dwell_s": round(region.age_s, 1),
            "area_share": round(float(region.mask.mean()), 5),
            "edge_gain": round(facts.edge_gain, 2),
            "fit_gain": round(facts.fit_gain, 2),
        }
        onset_at = at - timedelta(seconds=region.age_s)
        return Seen(onset_at=onset_at, reason=Reason("object_left", params), box=box, severity=Severity.MAJOR)

    def _tell(self, at: datetime) -> list[Sighting | SightingEnded]:
        events: list[Sighting | SightingEnded] = []
        for name, episode in self._episodes.items():
            seen = next((item.seen for item in self._items if item.zone == name), None)
            events += episode.observe(at, seen)
        return events


def _regions(model: StillnessModel, settings: LeftObjectSettings, known: Mask) -> Iterator[_Region]:
    """Connected regions that stand still, none of them known; settled when most of it did for the whole dwell."""
    still = ((model.support_s >= settings.hole_s) & model.changed & ~known).astype(np.uint8)
    if not still.any():
        return
    joined = cv2.morphologyEx(still, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    joined = cv2.morphologyEx(joined, cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(joined, connectivity=8)
    for label in range(1, count):
        left, top, width, height, area = (int(n) for n in stats[label])
        if area < settings.smallest_share * still.size:
            continue
        mask = labels == label
        is_filled = area >= settings.fill_share * width * height
        is_settled = bool((model.support_s[mask] >= settings.dwell_s).mean() >= settings.settled_share)
        age_s = float(np.median(model.age_s[mask]))
        yield _Region(mask, is_filled, is_settled, age_s, (top, left, top + height, left + width))


def _grown(box: tuple[int, int, int, int], shape: tuple[int, int]) -> tuple[int, int, int, int]:
    top, left, bottom, right = box
    return (
        max(0, top - _MARGIN),
        max(0, left - _MARGIN),
        min(shape[0], bottom + _MARGIN),
        min(shape[1], right + _MARGIN),
    )
