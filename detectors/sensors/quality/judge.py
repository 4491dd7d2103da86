"""All rules about the quality of data, put to one hour or day of a station: what begins and what ends. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import numpy as np

from detectors.sensors.quality import (
    contradictions,
    emission,
    flagged,
    fume,
    jumps,
    lateness,
    missing,
    ranges,
    remarked,
    repeats,
    stuck,
    sums,
)
from detectors.sensors.quality.opinion import Opinion, Rule, Well, Wrong
from detectors.sensors.quality.scene import Scene
from farwatch.domain.finding import Finding, FindingEnded, Kind, Param, Reason, finding_id
from farwatch.domain.policy import Policy
from farwatch.domain.reading import LATE_AFTER, ReadingKind
from farwatch.domain.review import History, Period, ReviewOutcome

VERSION = "quality/1"

RULES: tuple[Rule, ...] = (
    *stuck.RULES,
    *ranges.RULES,
    *jumps.RULES,
    *contradictions.RULES,
    *emission.RULES,
    *sums.RULES,
    *repeats.RULES,
    *remarked.RULES,
    *flagged.RULES,
    *missing.RULES,
    *lateness.RULES,
    *fume.RULES,
)
OF_DAYS = (*remarked.RULES, *flagged.RULES)
"""A day's own mean can be taken back or flagged away, too; all else shows in its hours."""


def review(history: History, period: Period, policy: Policy, now: datetime) -> ReviewOutcome:
    """What the rules find in an hour or day, given what stood in it (`History.open_onsets`).

    The same history gives the same findings, by id, however often it is reviewed.
    """
    if not history.channels:
        return ReviewOutcome()
    scene = Scene(history, period, policy.quality)
    findings: list[Finding] = []
    ended: list[FindingEnded] = []
    for rule in RULES if period.kind is ReadingKind.HOUR else OF_DAYS:
        for opinion in rule.look(scene):
            for change in _changes(rule, opinion, scene, now):
                if isinstance(change, Finding):
                    findings.append(change)
                else:
                    ended.append(change)
    return ReviewOutcome(findings=tuple(findings), ended=tuple(ended))


def _changes(rule: Rule, opinion: Opinion, scene: Scene, now: datetime) -> Iterator[Finding | FindingEnded]:
    onset_at = scene.history.open_onsets.get((rule.name, opinion.code))
    if onset_at is not None and onset_at >= scene.period.until:
        onset_at = None
    if isinstance(opinion, Well):
        if onset_at is not None and (opinion.began_by is None or onset_at <= opinion.began_by):
            subject = f"{scene.history.station.mn}/{opinion.code}"
            yield FindingEnded(
                finding_id(rule.name, rule.tier, subject, onset_at), max(opinion.since, onset_at)
            )
        return
    # A channel that nobody registered may speak against another one, but nobody answers for it.
    if opinion.code and not scene.channel(opinion.code).registered:
        return
    lasts = opinion.until is None and not opinion.stands
    if lasts and onset_at is not None:
        return
    finding = _finding(rule, opinion, scene, now)
    yield finding
    if opinion.until is not None:
        yield FindingEnded(finding.id, opinion.until)


def _finding(rule: Rule, wrong: Wrong, scene: Scene, now: datetime) -> Finding:
    station = scene.history.station
    known_at = scene.came_last_at() if rule.is_of_coming else wrong.since if wrong.stands else None
    late = (
        scene.is_late(wrong.code, now) if known_at is None else now - known_at > LATE_AFTER[ReadingKind.HOUR]
    )
    unit = scene.channel(wrong.code).unit if wrong.code else ""
    return Finding(
        rule=rule.name,
        kind=Kind.DATA_FAULT,
        tier=rule.tier,
        place=station.place,
        onset_at=wrong.since,
        severity=rule.severity,
        reason=Reason(wrong.key or rule.name, {"code": wrong.code, "unit": unit, **_plain(wrong.params)}),
        enterprise=station.enterprise,
        station=station.mn,
        code=wrong.code or None,
        late=late,
        drill_id="standing" if station.drill else None,
        detector={"version": VERSION, "tier": str(rule.tier), "hour": scene.period.ts.isoformat()},
    )


def _plain(params: Mapping[str, Param]) -> dict[str, Param]:
    """Numbers as JSON has them: those of numpy look the same and are not."""
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in params.items()}
