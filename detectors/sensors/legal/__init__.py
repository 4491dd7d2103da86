"""Legal means of hours and days: what the rows of a period say, held against the law. Pure.

Hours from minutes (`hours`), days from hours (`days`), validity and verdict (`facts`), the device's arithmetic against ours
(`differs`), and what of it is a finding (`findings`).
"""

from datetime import datetime

from detectors.sensors.in_force import own_limit
from detectors.sensors.legal.days import day_facts
from detectors.sensors.legal.differs import conversion_difference, mean_difference
from detectors.sensors.legal.facts import verdict_of
from detectors.sensors.legal.findings import of_differences, of_verdict
from detectors.sensors.legal.hours import HourFacts, hour_facts
from farwatch.domain.finding import Finding, FindingEnded
from farwatch.domain.policy import Policy
from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import History, Period, PeriodVerdict, ReviewOutcome

__all__ = ["review"]


def review(history: History, period: Period, policy: Policy, now: datetime) -> ReviewOutcome:  # noqa: ARG001
    """The legal Reviewer: a verdict for each channel of the hour or day, with findings limit_hour, limit_day,
    data_mean_differs and data_conversion_differs. No verdict depends on when it is done, only whether a finding is late."""
    retrospective = history.is_retrospective(period, now)
    hours = list(hour_facts(history, period)) if period.kind is ReadingKind.HOUR else []
    facts = (
        [h.facts for h in hours]
        if hours or period.kind is ReadingKind.HOUR
        else list(day_facts(history, period))
    )
    verdicts: list[PeriodVerdict] = []
    findings: list[Finding] = []
    ended: list[FindingEnded] = []
    for one in facts:
        limit = own_limit(history.limits.get(one.channel.code, ()), period.kind, period.ts)
        verdict = verdict_of(one, limit, period)
        verdicts.append(verdict)
        found = of_verdict(history.station, verdict, limit, late=verdict.late or retrospective)
        if isinstance(found, Finding):
            findings.append(found)
        else:
            ended.append(found)
    for hour in hours:
        begun, over = _differences(history, period, hour, late=hour.facts.late or retrospective)
        findings += begun
        ended += over
    return ReviewOutcome(tuple(verdicts), tuple(findings), tuple(ended))


def _differences(
    history: History, period: Period, hour: HourFacts, *, late: bool
) -> tuple[list[Finding], list[FindingEnded]]:
    code = hour.facts.channel.code
    limit = own_limit(history.limits.get(code, ()), period.kind, period.ts)
    both = (mean_difference(history, hour, limit), conversion_difference(history, hour, limit))
    return of_differences(history, period, code, both, late=late)
