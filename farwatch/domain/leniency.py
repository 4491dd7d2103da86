"""First time and minor (首违不罚, 轻微免罚): what the bureau's list says, what there was before, what a person decided."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from farwatch.domain.finding import Kind


class Leniency(StrEnum):
    """What a person of the bureau decided about a matter (不予处罚、警示教育、处罚、移送)."""

    NO_PENALTY_FIRST = "no_penalty_first"
    NO_PENALTY_MINOR = "no_penalty_minor"
    WARN_ONLY = "warn_only"
    PENALTY = "penalty"
    TRANSFERRED = "transferred"


@dataclass(frozen=True, slots=True, kw_only=True)
class MinorRow:
    """One row of the bureau's list of minor violations (不予处罚清单).

    Covers matters of `kind`, of that `rule` and pollutant `code` only where they are not empty. Minor is at most `max_ratio`
    times the limit and `max_severity`; `times_at_most` in `months`, this one counted. `basis` is the legal ground in words.
    """

    id: int
    kind: Kind
    rule: str = ""
    code: str = ""
    max_ratio: float | None = None
    max_severity: int = 1
    times_at_most: int = 1
    months: int = 12
    needs_corrected: bool = True
    basis: str


@dataclass(frozen=True, slots=True)
class PastCase:
    """A confirmed case of the same enterprise and kind; `lenient`: nobody was punished for it."""

    task: int
    opened_at: datetime
    lenient: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedMatter:
    """What the suggestion looks at. `ratio` is the largest over a limit that was found, None where there is none; `corrected`:
    every finding of it has ended."""

    kind: Kind
    rules: frozenset[str]
    code: str | None
    ratio: float | None
    severity: int
    corrected: bool
    at: datetime
