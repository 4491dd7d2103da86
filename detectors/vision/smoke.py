"""Rule `smoke`: something pours out in a sky or stack zone and does not stop.

Works on key frames alone: a window of samples about a second apart. Steam looks the same to it; so may the crowns of trees
close to the camera, water and shadows of branches on a smooth wall. Thin smoke far away, or slower than a cloud, is not seen.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np

from detectors.vision.episodes import Episode, Seen
from detectors.vision.frames import Frame, Mask, Plane, zone_mask
from detectors.vision.scene import Scene
from detectors.vision.smoke_evidence import Plume, describe, score
from detectors.vision.smoke_measures import (
    CellMap,
    Sample,
    cells,
    clusters,
    is_other_scene,
    may_be_restless,
    measure,
    take_sample,
)
from farwatch.domain.finding import Kind, Param, Reason, Severity
from farwatch.domain.picture import Picture, Sighting, SightingEnded
from farwatch.domain.registry import Zone

_WHOLE = 0.999
"""Sums of tenths and the like that are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SmokeSettings:
    """Levels are of 0-255, shares of the whole picture."""

    window: int = 14
    """Samples looked at together: at one a second longer than a lorry needs to pass or a gust to die."""
    suspect_window: int = 7
    """Samples after which a suspicion asks for more pictures."""
    spacing_s: float = 0.8
    """Least time between samples; key frames a second apart each count."""
    dense_s: float = 1.5
    """Samples further apart than this on average raise a suspicion: traffic and light that drifts look restless then ..."""
    sparse_s: float = 3.0
    """... and decide up to this, where nothing denser is to be had, if they say the same for much longer."""
    pause_s: float = 30.0
    """After a pause longer than this the window begins anew."""
    confirm: int = 4
    """Samples in a row that must say the same ..."""
    confirm_sparse: int = 45
    """... and so many where they are sparse: a minute and a half of key frames two seconds apart."""
    activity_levels: float = 1.4
    """A still scene under H.264 stays below 0.7, drawn and real; thin smoke over brush makes 2-4, dense smoke 4-9."""
    cell_coherence: float = 0.30
    """Below this a cell changes in pieces smaller than itself: leaves, outlines, noise."""
    least_score: float = 0.82
    """See smoke_evidence: smoke, filmed and drawn, holds 0.88-1.0; busy roads, people, handheld scenes hold up to 0.75."""
    texture_levels: float = 12.0
    """Median slope in levels per pixel: smoke 1-9, crowns of trees over 20, whatever the score says."""
    chroma_levels: float = 28.0
    """Smoke has little colour of its own, the sky behind thin smoke up to 20, lit clothes and cars more."""
    least_share: float = 0.007
    """About 6 of 900 cells; less is too little to measure."""
    quiet_s: float = 30.0
    """Smoke not seen for this long has ended."""
    burst_s: float = 25.0
    """A suspicion asks for every picture for this long ..."""
    burst_every_s: float = 120.0
    """... at most once in this time, and only where key frames are further apart than two samples."""


def find_plume(
    samples: Sequence[Sample], cell_map: CellMap, zone: Mask, settings: SmokeSettings
) -> Plume | None:
    """The largest cluster in `zone` (a mask of cells) that behaves like smoke."""
    active = (
        zone
        & (cell_map.activity >= settings.activity_levels)
        & (cell_map.coherence >= settings.cell_coherence)
    )
    for mask in clusters(active, max(4, round(settings.least_share * zone.size))):
        plume = describe(samples, cell_map, mask, active)
        veiled = plume.texture <= settings.texture_levels and plume.chroma <= settings.chroma_levels
        if veiled and score(plume) >= settings.least_score:
            return plume
    return None


class SmokeDetector:
    """One camera's sky and stack zones."""

    rule = "smoke"
    version = "1"

    def __init__(
        self, zones: Sequence[Zone], settings: SmokeSettings | None = None, *, scene: Scene | None = None
    ) -> None:
        self._scene = scene or Scene()
        self._zones = tuple(zones)
        self._settings = s = settings or SmokeSettings()
        self._samples: deque[Sample] = deque(maxlen=s.window)
        self._before: tuple[Plane, Sample] | None = None
        self._at: datetime | None = None
        self._masks: dict[str, Mask] = {}
        self._streaks = {zone.name: 0.0 for zone in zones}
        self._episodes = {
            z.name: Episode(rule=self.rule, kind=Kind.SMOKE, zone=z.name, quiet_s=s.quiet_s) for z in zones
        }
        self._suspected_at: datetime | None = None
        self._wants = False

    @property
    def settings(self) -> Mapping[str, Param]:
        return asdict(self._settings)

    @property
    def wants_every_frame(self) -> bool:
        """True for a while where smoke is suspected and key frames are too far apart to decide soon."""
        return self._wants

    def observe(self, picture: Picture) -> Sequence[Sighting | SightingEnded]:
        frame = self._scene.look(picture)
        if frame is not None and not self._is_due(frame):
            return []
        found: dict[str, Plume] = {}
        if frame is not None:
            self._take(frame)
            found = self._look()
            self._ask(frame.at, bool(found))
        events: list[Sighting | SightingEnded] = []
        for name, episode in self._episodes.items():
            events += episode.observe(picture.at, self._seen(name, found.get(name), episode.running))
        return events

    def _is_due(self, frame: Frame) -> bool:
        if self._at is None:
            return True
        return not 0 <= (frame.at - self._at).total_seconds() < self._settings.spacing_s

    def _take(self, frame: Frame) -> None:
        before = self._before
        step_s = (frame.at - self._at).total_seconds() if self._at else 0.0
        sample = take_sample(frame, before)
        if before is None or before[0].shape != frame.shape:
            self._masks = {
                z.name: cells(zone_mask(z.polygon, frame.shape).astype(np.float32)) >= 0.5
                for z in self._zones
            }
        if not 0 <= step_s <= self._settings.pause_s or (
            self._samples and is_other_scene(self._samples[-1], sample)
        ):
            self._samples.clear()
        self._samples.append(sample)
        self._before, self._at = (frame.flat, sample), frame.at

    def _look(self) -> dict[str, Plume]:
        """Plumes by zone; none before half a window has been seen."""
        if len(self._samples) < self._settings.suspect_window:
            return {}
        samples, s = tuple(self._samples), self._settings
        anywhere = np.logical_or.reduce(list(self._masks.values()))
        if not may_be_restless(samples, anywhere, s.activity_levels, s.cell_coherence):
            return {}
        cell_map = measure(samples)
        found = {name: find_plume(samples, cell_map, mask, s) for name, mask in self._masks.items()}
        return {name: plume for name, plume in found.items() if plume is not None}

    def _weight(self) -> float:
        """Of the newest sample in a row, which must come to one: by how close together a whole window of them is."""
        s, gaps = self._settings, len(self._samples) - 1
        if gaps + 1 < s.window or self._span_s() > s.sparse_s * gaps:
            return 0.0
        return 1 / (s.confirm if self._span_s() <= s.dense_s * gaps else s.confirm_sparse)

    def _span_s(self) -> float:
        return (self._samples[-1].at - self._samples[0].at).total_seconds()

    def _ask(self, at: datetime, suspicious: bool) -> None:
        s = self._settings
        since_s = (at - self._suspected_at).total_seconds() if self._suspected_at else None
        sparse = self._span_s() > 2 * s.spacing_s * (len(self._samples) - 1)
        if suspicious and sparse and (since_s is None or not 0 <= since_s < s.burst_every_s):
            self._suspected_at, since_s = at, 0.0
        self._wants = since_s is not None and 0 <= since_s < s.burst_s

    def _seen(self, name: str, plume: Plume | None, running: bool) -> Seen | None:
        weight = self._weight() if plume is not None else 0.0
        self._streaks[name] = self._streaks[name] + weight if weight else 0.0
        if plume is None or not (running or self._streaks[name] >= _WHOLE):
            return None
        params = {
            "score": round(score(plume), 2),
            "activity_levels": round(plume.activity, 1),
            "coherence": round(plume.coherence, 2),
            "texture_levels": round(plume.texture, 1),
            "chroma_levels": round(plume.chroma, 1),
            "brightness_levels": round(plume.level),
            "flame_share": round(plume.flame_share, 3),
            "area_share": round(plume.area_share, 4),
        }
        severity = Severity.CRITICAL if plume.flame_share > 0.02 else Severity.MAJOR
        return Seen(
            onset_at=self._began_at(plume),
            reason=Reason("smoke_seen", params),
            box=plume.box(),
            severity=severity,
        )

    def _began_at(self, plume: Plume) -> datetime:
        """The first sample of the window in which the plume's cells moved."""
        for sample in tuple(self._samples)[1:]:
            if float(np.median(np.abs(sample.change[plume.mask]))) >= self._settings.activity_levels:
                return sample.at
        return self._samples[0].at
