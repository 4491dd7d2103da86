"""Which silence holds a finding back. Pure."""

from collections.abc import Sequence
from datetime import datetime

from farwatch.domain.finding import Finding, Reason
from farwatch.domain.silence import Silence


def covers(silence: Silence, finding: Finding, grid: str | None, at: datetime) -> Reason | None:
    """Why `silence` holds back `finding`, whose place lies in `grid`, when it is decided about at `at`; None: it does not."""
    if not silence.from_at <= at < silence.over_at:
        return None
    scope = silence.scope
    wanted = (
        (scope.enterprise, finding.enterprise),
        (scope.station, finding.station),
        (scope.camera, finding.camera),
        (scope.rule, finding.rule),
        (scope.finding_kind, finding.kind.value),
        (scope.grid, grid),
    )
    if scope.empty or any(named is not None and named != found for named, found in wanted):
        return None
    return Reason("silenced", {"silence": silence.id, "until": silence.over_at.isoformat()})


def covering(
    silences: Sequence[Silence], finding: Finding, grid: str | None, at: datetime
) -> tuple[Silence, Reason] | None:
    """Of several the one that ends last, so that a finding is looked at again once and not at every end."""
    found = [(s, reason) for s in silences if (reason := covers(s, finding, grid, at))]
    return max(found, key=lambda pair: (pair[0].over_at, pair[0].id), default=None)
