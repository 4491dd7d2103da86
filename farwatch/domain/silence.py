"""Holding back and taking together: silences, maintenance windows and storms as values."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

LONGEST = timedelta(days=30)
"""A silence has an end, at most this long after its begin: what is wanted for longer is a rule of the policy."""


class SilenceKind(StrEnum):
    """silence: somebody has reason not to hear of it; maintenance: a window in which the equipment is worked on."""

    SILENCE = "silence"
    MAINTENANCE = "maintenance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What a silence is about: all that is set must be true of a finding. `grid` is the one that holds its place."""

    enterprise: str | None = None
    station: str | None = None
    camera: str | None = None
    rule: str | None = None
    finding_kind: str | None = None
    grid: str | None = None

    @property
    def empty(self) -> bool:
        """It would be about everything, and is refused."""
        return self == Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Holds back new findings of its scope over [from_at, to_at), unless somebody ended it before."""

    id: int
    kind: SilenceKind
    scope: Scope
    from_at: datetime
    to_at: datetime
    ended_at: datetime | None = None

    @property
    def over_at(self) -> datetime:
        return min(self.to_at, self.ended_at) if self.ended_at else self.to_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """More tasks at once than people can take one by one. `last_at` is when so much last came together."""

    id: int
    began_at: datetime
    last_at: datetime
    tasks: int = 0
