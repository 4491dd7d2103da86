"""What a report says besides its cases: counts of rows that are no cases, and the names of ids. Drills are left out."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Talker:
    """A business (fingerprint) about which something was found very often."""

    fingerprint: str
    findings: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Of one span. `reported`: by kind, the businesses that something was found about, however often; `found`: the findings.

    `warned`: the warnings told within the span by what became of them since. `blind_min`: by camera, the minutes in which
    its picture was of no use, as far as a fault of it was found. `names`: by group (grid, street, team, enterprise, camera)
    the names of ids. `rows`: counts of what other parts keep, by key.
    """

    reported: Mapping[str, int] = field(default_factory=dict)
    found: Mapping[str, int] = field(default_factory=dict)
    talkers: tuple[Talker, ...] = ()
    warned: Mapping[str, int] = field(default_factory=dict)
    cameras: int = 0
    blind_min: Mapping[str, float] = field(default_factory=dict)
    names: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    rows: Mapping[str, int] = field(default_factory=dict)
