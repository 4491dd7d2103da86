"""What a report says besides its cases: counts of rows that are no cases, and the names of ids. Drills are left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Talker:
    """A business (fingerprint) about which something was found very often."""

    fingerprint: str
    findings: int


@dataclass(frozen=True, slots=True)
class Visited:
    """What a month spared an enterprise: `saved` are visits that there would have been, had each matter been one of its own."""

    enterprise: str
    visits: int
    matters: int
    warnings_cleared: int
    saved: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of one span. `reported`: by kind, the businesses that something was found about, however often; `found`: the findings.

    `warned`: the warnings told within the span by what became of them since. `blind_min`: by camera, the minutes in which
    its picture was of no use, as far as a fault of it was found. `names`: by group (grid, street, team, enterprise, camera)
    the names of ids. `held_back`: silences, storms and what they held back; `kept`: decisions, reviews, holds, exports and
    seals; both by the keys under which reports show them.
    """

    reported: Mapping[str, int] = field(default_factory=dict)
    found: Mapping[str, int] = field(default_factory=dict)
    talkers: tuple[Talker, ...] = ()
    warned: Mapping[str, int] = field(default_factory=dict)
    cameras: int = 0
    blind_min: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    held_back: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
