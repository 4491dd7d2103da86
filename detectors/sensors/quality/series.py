"""A channel's readings of one kind as columns. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from farwatch.domain.reading import NORMAL_FLAG, Reading
from farwatch.domain.review import Mark

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Series:
    """In order of event time. `at` is in seconds of the epoch; `ok` is flagged normal and not in a declared mark."""

    readings: tuple[Reading, ...]
    at: Floats
    value: Floats
    ok: Bools

    @classmethod
    def of(cls, readings: Sequence[Reading], marks: Iterable[Mark] = ()) -> "Series":
        at = np.array([r.ts.timestamp() for r in readings], dtype=np.float64)
        ok = np.array([r.flag == NORMAL_FLAG for r in readings], dtype=np.bool_)
        for mark in marks:
            ok &= (at < mark.from_at.timestamp()) | (at >= mark.to_at.timestamp())
        return cls(tuple(readings), at, np.array([r.value for r in readings], dtype=np.float64), ok)

    def __len__(self) -> int:
        return len(self.readings)

    @cached_property
    def converted(self) -> Floats:
        """NaN where none was sent."""
        return np.array([np.nan if r.converted is None else r.converted for r in self.readings])

    @cached_property
    def interval_s(self) -> float:
        """The usual distance of two readings; 60 s where fewer than three say nothing of it."""
        return float(np.median(np.diff(self.at))) if len(self) > 2 else 60.0

    def within(self, since: datetime, until: datetime) -> "Series":
        """The readings of [since, until)."""
        first, last = np.searchsorted(self.at, [since.timestamp(), until.timestamp()])
        return Series(
            self.readings[first:last], self.at[first:last], self.value[first:last], self.ok[first:last]
        )

    def since(self, first: int) -> "Series":
        return Series(self.readings[first:], self.at[first:], self.value[first:], self.ok[first:])

    def where(self, mask: Bools) -> "Series":
        if mask.all():
            return self
        kept = tuple(self.readings[i] for i in np.flatnonzero(mask))
        return Series(kept, self.at[mask], self.value[mask], self.ok[mask])

    def at_times(self, at: Floats, longest_s: float) -> Floats:
        """The value that held at each time: the last one said, whatever its flag, not older than `longest_s`; else NaN."""
        if not len(self):
            return np.full(len(at), np.nan)
        index = np.searchsorted(self.at, at + 1e-6) - 1
        found = (index >= 0) & (at - self.at[np.maximum(index, 0)] <= longest_s)
        return np.where(found, self.value[np.maximum(index, 0)], np.nan)


def moment(at_s: float) -> datetime:
    return datetime.fromtimestamp(float(at_s), UTC)
