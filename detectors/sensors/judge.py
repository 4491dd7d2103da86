"""The judge of a batch: readings in, findings and ends out. Pure; the caller adopts the changes after its commit."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from detectors.sensors.limit import Begin, End, LimitState, judge_live
from farwatch.domain.finding import Finding, FindingEnded, Kind, Reason, Tier, finding_id
from farwatch.domain.judging import Memory, OpenOnsets, Outcome
from farwatch.domain.policy import Policy
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Limit, Registry, Station

VERSION = "limit/1"

_LIVE_RULES = {"limit_rtd": ReadingKind.RTD, "limit_min": ReadingKind.MIN}

Key = tuple[str, str, ReadingKind, bool]
"""Station, code, kind, and whether the lane is the late one: back-filled values never touch the live state."""

_FALLBACK: dict[ReadingKind, tuple[ReadingKind, ...]] = {
    ReadingKind.RTD: (ReadingKind.RTD, ReadingKind.HOUR, ReadingKind.DAY, ReadingKind.MIN),
    ReadingKind.MIN: (ReadingKind.MIN, ReadingKind.HOUR, ReadingKind.DAY, ReadingKind.RTD),
}
"""Early values are held against the legal limit where they have none of their own. Legal means are the review's."""


def limit_for(limits: Sequence[Limit], kind: ReadingKind, ts: datetime) -> Limit | None:
    """The limit in force at `ts` for real-time or minute readings."""
    for wanted in _FALLBACK[kind]:
        for limit in limits:
            if (
                limit.kind is wanted
                and limit.valid_from <= ts
                and (limit.valid_to is None or ts < limit.valid_to)
            ):
                return limit
    return None


class LimitJudge:
    """Every channel against its limits: the SensorJudge of this installation. Holds nothing."""

    def judge(
        self, registry: Registry, policy: Policy, state: Mapping[Key, LimitState], readings: Iterable[Reading]
    ) -> Outcome:
        """Judges real-time and minute readings of known channels, in order of event time within each channel and kind;
        hours and days are judged from rows (detectors.sensors.legal)."""
        findings: list[Finding] = []
        ended: list[FindingEnded] = []
        changes: dict[Key, LimitState] = {}
        for reading in sorted((r for r in readings if r.kind in _FALLBACK), key=lambda r: r.ts):
            key = (reading.mn, reading.code, reading.kind, reading.late)
            before = changes.get(key) or state.get(key) or LimitState()
            limit = limit_for(registry.limits.get((reading.mn, reading.code), ()), reading.kind, reading.ts)
            judgement = judge_live(before, reading, limit, policy.limit)
            if judgement.state is not before:
                changes[key] = judgement.state
            for change in judgement.changes:
                if isinstance(change, Begin):
                    assert limit is not None
                    findings.append(_finding(registry.stations[reading.mn], reading, limit, change))
                else:
                    ended.append(_end(reading, change))
        return Outcome(tuple(findings), tuple(ended), changes)

    def resume(
        self,
        registry: Registry,
        policy: Policy,
        readings: Iterable[Reading],
        open_onsets: OpenOnsets,
    ) -> dict[Key, LimitState]:
        """Replays the readings for what is being held. What is open is what the rows say, with its true onset: limits may
        have changed since, and what was never written must still be found."""
        known = (r for r in readings if r.mn in registry.stations)
        replayed = self.judge(registry, policy, {}, known).changes
        state: dict[Key, LimitState] = {
            key: replace(s, early_at=None, violation_at=None) for key, s in replayed.items()
        }
        for (rule, tier, mn, code, late), onset_at in open_onsets.items():
            kind = _LIVE_RULES.get(rule)
            if kind is None:
                continue
            key = (mn, code, kind, late)
            before = state.get(key, LimitState())
            early = tier == Tier.EARLY
            state[key] = (
                replace(before, early_at=onset_at) if early else replace(before, violation_at=onset_at)
            )
        return state

    def memory(self, policy: Policy) -> Memory:
        """As long as anything can be on its way to a finding or to its end; twice the readings, as flagged ones may lie
        between."""
        span = timedelta(seconds=max(policy.limit.hold_s, policy.limit.clear_s))
        return Memory(kinds=tuple(_LIVE_RULES.values()), span=span, readings=2 * policy.limit.hold_readings)


def _finding(station: Station, reading: Reading, limit: Limit, begin: Begin) -> Finding:
    held = begin.tier is Tier.VIOLATION and reading.kind is ReadingKind.RTD
    return Finding(
        rule=f"limit_{reading.kind}",
        kind=Kind.EXCEEDANCE,
        tier=begin.tier,
        place=station.place,
        onset_at=begin.onset_at,
        severity=begin.severity,
        reason=Reason(
            "over_limit_held" if held else "over_limit",
            {
                "code": reading.code, "value": begin.value, "limit": limit.limit, "unit": limit.unit, "ratio": begin.ratio,
                "reading": str(reading.kind), "converted": limit.converted,
            },
        ),
        enterprise=station.enterprise,
        station=station.mn,
        code=reading.code,
        late=reading.late,
        drill_id="standing" if station.drill else None,
        detector={"version": VERSION, "tier": str(begin.tier)},
    )  # fmt: skip


def _end(reading: Reading, end: End) -> FindingEnded:
    rule = f"limit_{reading.kind}"
    return FindingEnded(
        finding_id(rule, end.tier, f"{reading.mn}/{reading.code}", end.onset_at), end.ended_at
    )
