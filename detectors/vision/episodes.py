"""From "it is there in this picture" to one sighting with a beginning and an end, per zone."""

from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.finding import Kind, Reason
from farwatch.domain.picture import Sighting, SightingEnded

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A rule holds in this picture, since `onset_at`."""

    onset_at: datetime
    reason: Reason
    box: Box
    severity: int


class Episode:
    """One zone's sighting of one rule. It ends after `quiet_s` without being seen, and is told once however long it lasts."""

    def __init__(self, *, rule: str, kind: Kind, zone: str, quiet_s: float) -> None:
        self._rule, self._kind, self._zone, self._quiet_s = rule, kind, zone, quiet_s
        self._onset_at: datetime | None = None
        self._seen_at: datetime | None = None
        self._ended_at: datetime | None = None

    @property
    def running(self) -> bool:
        return self._onset_at is not None

    def observe(self, at: datetime, seen: Seen | None) -> list[Sighting | SightingEnded]:
        events = self._end_if_quiet(at)
        if seen is None:
            return events
        self._seen_at = at
        if self._onset_at is None:
            onset_at = at if self._ended_at and seen.onset_at <= self._ended_at else seen.onset_at
            self._onset_at = onset_at
            events.append(
                Sighting(
                    rule=self._rule, kind=self._kind, zone=self._zone, onset_at=onset_at,
                    severity=seen.severity, reason=seen.reason, box=seen.box,
                )
            )  # fmt: skip
        return events

    def _end_if_quiet(self, at: datetime) -> list[Sighting | SightingEnded]:
        if self._onset_at is None or self._seen_at is None:
            return []
        self._seen_at = min(self._seen_at, at)  # the clock was set back
        if (at - self._seen_at).total_seconds() < self._quiet_s:
            return []
        ended_at = max(self._onset_at, self._seen_at)
        ended = SightingEnded(rule=self._rule, zone=self._zone, onset_at=self._onset_at, ended_at=ended_at)
        self._ended_at, self._onset_at, self._seen_at = ended_at, None, None
        return [ended]
