"""How a camera's picture usually is: sharpness, structure and edges, for each mode (colour or infra-red, three brightnesses)."""

from typing import Any

import numpy as np
import numpy.typing as npt

from detectors.vision.camera_health.measures import EDGES, MODES, TILES, Measures
from detectors.vision.camera_health.settings import HealthSettings
from detectors.vision.frames import Mask, Plane

Record = npt.NDArray[Any]
_RECORD = np.dtype(
    [("learned_s", "<f4"), ("fine", "<f4", TILES), ("coarse", "<f4", TILES), ("edges", "<f4", EDGES)]
)
_ZONES = (5, 8)
_ZONE_CONTRAST = 0.4
"""Edges (root of slope) of a zone vary by at least so much, or the zone has nothing to compare."""
_LEAST_ZONES = 6


class References:
    """Means that follow slowly. `watched` are the tiles that no mask covers."""

    def __init__(self, settings: HealthSettings, watched: Mask) -> None:
        self._settings = settings
        self._watched = watched
        self._records: Record = np.zeros(MODES, _RECORD)

    def learn(self, seen: Measures, step_s: float) -> None:
        record, s = self._records[seen.mode], self._settings
        step_s = min(max(step_s, 0.0), s.step_limit_s)
        learned_s = min(float(record["learned_s"]) + step_s, s.memory_s)
        if learned_s <= 0:
            return
        weight = np.float32(min(1.0, step_s / learned_s))
        for name in ("fine", "coarse", "edges"):
            record[name] += weight * (getattr(seen, name) - record[name])
        record["learned_s"] = learned_s

    def forget(self) -> None:
        self._records = np.zeros(MODES, _RECORD)

    def is_mature(self, mode: int) -> bool:
        return float(self._records[mode]["learned_s"]) >= self._settings.mature_s

    def structured(self, mode: int) -> Mask:
        """Tiles that have something to lose."""
        tiles: Mask = (self._records[mode]["coarse"] >= self._settings.structure_levels) & self._watched
        return tiles

    def sharp(self, mode: int) -> Mask:
        """Tiles that have fine detail to lose: clouds and walls have structure, and none."""
        is_sharp: Mask = self._records[mode]["fine"] >= self._settings.sharp_levels
        return is_sharp & self.structured(mode)

    def structure_left(self, seen: Measures, mode: int) -> Plane:
        """Per tile, 1 is as usual in that mode."""
        return _ratio(seen.coarse, self._records[mode]["coarse"])

    def sharpness_left(self, seen: Measures) -> Plane:
        """Per tile, 1 is as usual: of fine detail, beyond what contrast has lost or gained."""
        fine = _ratio(seen.fine, self._records[seen.mode]["fine"])
        return _ratio(fine, np.maximum(self.structure_left(seen, seen.mode), np.float32(0.05)))

    def share_alike(self, seen: Measures, mode: int) -> float | None:
        """The share of zones whose edges are where they usually are; None when too few have any."""
        then, now = _zones(self._records[mode]["edges"]), _zones(seen.edges)
        contrast_then, contrast_now = _lengths(then), _lengths(now)
        least = _ZONE_CONTRAST * np.sqrt(then.shape[1])
        told = (contrast_then >= least) & (contrast_now >= 0.5 * least) & self._watched_zones()
        if np.count_nonzero(told) < _LEAST_ZONES:
            return None
        alike = np.einsum("ij,ij->i", then, now) >= self._settings.alike * contrast_then * contrast_now
        return float(np.count_nonzero(alike & told)) / np.count_nonzero(told)

    def to_bytes(self) -> bytes:
        return self._records.tobytes()

    def from_bytes(self, memory: bytes) -> bool:
        """False, and nothing changes, for what `to_bytes` did not write."""
        if len(memory) != self._records.nbytes:
            return False
        records = np.frombuffer(memory, _RECORD).copy()
        if not all(np.isfinite(records[name]).all() for name in _RECORD.names or ()):
            return False
        self._records = records
        return True

    def _watched_zones(self) -> Mask:
        rows = np.arange(_ZONES[0]) * TILES[0] // _ZONES[0]
        columns = np.arange(_ZONES[1]) * TILES[1] // _ZONES[1]
        zones: Mask = self._watched[np.ix_(rows, columns)].reshape(-1)
        return zones


def _lengths(rows: Plane) -> Plane:
    lengths: Plane = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    return lengths


def _ratio(now: Plane, then: Plane) -> Plane:
    return np.asarray(now / np.maximum(then, np.float32(1e-3)), np.float32)


def _zones(edges: Plane) -> Plane:
    """Each zone's edges in a row, without their mean."""
    rows, columns = EDGES[0] // _ZONES[0], EDGES[1] // _ZONES[1]
    cut = edges.reshape(_ZONES[0], rows, _ZONES[1], columns).swapaxes(1, 2).reshape(-1, rows * columns)
    centred: Plane = (cut - cut.mean(axis=1, keepdims=True)).astype(np.float32)
    return centred
