"""From verdicts to findings. Pure."""

from collections.abc import Iterable

from detectors.sensors.legal.differs import Difference
from detectors.sensors.legal.means import rounded
from detectors.sensors.limit import CRITICAL_RATIO
from farwatch.domain.finding import Finding, FindingEnded, Kind, Param, Reason, Severity, Tier, finding_id
from farwatch.domain.registry import Limit, Station
from farwatch.domain.review import History, Period, PeriodVerdict, Verdict

VERSION = "legal/1"
CONVERTED_MEANS = frozenset({"device_converted", "own_converted"})


def of_verdict(
    station: Station, verdict: PeriodVerdict, limit: Limit | None, *, late: bool
) -> Finding | FindingEnded:
    """Each period stands for itself: over or below its limit it is a finding from its start on; whatever else it was found
    to be, one that was made of it before is revoked, as if it had ended when it began."""
    rule = f"limit_{verdict.kind}"
    value = verdict.judged_value
    bound = verdict.limit if verdict.verdict is Verdict.OVER else verdict.lower
    if (
        verdict.verdict not in (Verdict.OVER, Verdict.BELOW)
        or limit is None
        or value is None
        or bound is None
    ):
        subject = f"{station.mn}/{verdict.code}"
        return FindingEnded(finding_id(rule, Tier.VIOLATION, subject, verdict.ts), verdict.ts)
    is_over = verdict.verdict is Verdict.OVER
    shown = rounded(value) if rounded(value) != bound else value
    params: dict[str, Param] = {
        "code": verdict.code, "value": shown, "limit": bound, "unit": limit.unit,
        "ratio": rounded(value / bound) if bound > 0 else 0.0, "reading": str(verdict.kind),
        "converted": verdict.reason in CONVERTED_MEANS,
        "source": limit.source, "unverified": limit.unverified, "valid": verdict.valid, "expected": verdict.expected,
        "mean": verdict.reason,
    }  # fmt: skip
    return Finding(
        rule=rule,
        kind=Kind.EXCEEDANCE,
        tier=Tier.VIOLATION,
        place=station.place,
        onset_at=verdict.ts,
        severity=Severity.CRITICAL if is_over and 0 < CRITICAL_RATIO * bound <= value else Severity.MAJOR,
        reason=Reason("over_limit" if is_over else "under_limit", params),
        enterprise=station.enterprise,
        station=station.mn,
        code=verdict.code,
        late=late,
        drill_id="standing" if station.drill else None,
        detector={"version": VERSION},
    )


def of_differences(
    history: History, period: Period, code: str, differences: Iterable[Difference], *, late: bool
) -> tuple[list[Finding], list[FindingEnded]]:
    """A difference that lasts over many hours is one finding; an hour that cannot be compared neither begins nor ends it."""
    found: list[Finding] = []
    ended: list[FindingEnded] = []
    for difference in differences:
        open_since = history.open_onsets.get((difference.rule, code))
        if difference.agrees is False and open_since is None:
            found.append(_fault(history.station, period, code, difference, late=late))
        elif difference.agrees and open_since is not None:
            subject = f"{history.station.mn}/{code}"
            ended.append(
                FindingEnded(finding_id(difference.rule, Tier.FAULT, subject, open_since), period.ts)
            )
    return found, ended


def _fault(station: Station, period: Period, code: str, difference: Difference, *, late: bool) -> Finding:
    return Finding(
        rule=difference.rule,
        kind=Kind.DATA_FAULT,
        tier=Tier.FAULT,
        place=station.place,
        onset_at=period.ts,
        severity=Severity.MINOR,
        reason=Reason(difference.rule, difference.params),
        enterprise=station.enterprise,
        station=station.mn,
        code=code,
        late=late,
        drill_id="standing" if station.drill else None,
        detector={"version": VERSION},
    )
