"""The judge of a batch: readings in, findings and ends out. Pure; the caller adopts the changes after its commit."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from operator import attrgetter

from detectors.sensors.gate import Gate, gate_for
from detectors.sensors.limit import Begin, End, LimitState, is_quiet, judge_live
from farwatch.domain.finding import Finding, FindingEnded, Kind, Reason, Tier, finding_id
from farwatch.domain.judging import Memory, OpenOnsets, Outcome
from farwatch.domain.policy import LimitRule, Policy
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Limit, Registry, Station

VERSION = "limit/2"

_LIVE_RULES = {"limit_rtd": ReadingKind.RTD, "limit_min": ReadingKind.MIN}

Key = tuple[str, str, ReadingKind, bool]
"""Station, code, kind, and whether the lane is the late one: back-filled values never touch the live state."""

Memo = datetime | LimitState
"""Of a channel where nothing is held or open, the last event time says all."""

_by_event_time = attrgetter("ts")


class LimitJudge:
    """Every channel against its limits: the SensorJudge of this installation. It keeps only what it worked out from the
    registry and the policy that it was given last; the same arguments always give the same outcome."""

    def __init__(self) -> None:
        self._registry, self._rule = Registry(), LimitRule()
        self._gates: dict[Key, Gate | None] = {}

    def judge(
        self, registry: Registry, policy: Policy, state: Mapping[Key, Memo], readings: Iterable[Reading]
    ) -> Outcome:
        """Judges real-time and minute readings of known channels, in order of event time within each channel and kind;
        hours and days are judged from rows (detectors.sensors.legal)."""
        self._prepare(registry, policy.limit)
        gates, closely = self._gates, _Close(registry, policy.limit)
        changes = closely.changes
        for reading in sorted(readings, key=_by_event_time):
            key = (reading.mn, reading.code, reading.kind, reading.late)
            gate = gates[key] if key in gates else self._gate(key)
            if gate is None:
                continue
            ts = reading.ts
            bounds = gate.bounds if gate.since <= ts < gate.until else gate.look(ts)
            before = changes.get(key) or state.get(key)
            if before is None or (before.__class__ is datetime and ts > before):
                if bounds is None:
                    continue
                if is_quiet(reading, bounds):
                    changes[key] = ts
                    continue
            closely.judge(key, reading, before, gate)
        return Outcome(tuple(closely.findings), tuple(closely.ended), changes)

    def resume(
        self,
        registry: Registry,
        policy: Policy,
        readings: Iterable[Reading],
        open_onsets: OpenOnsets,
    ) -> dict[Key, Memo]:
        """Replays the readings for what is being held. What is open is what the rows say, with its true onset: limits may
        have changed since, and what was never written must still be found."""
        self._prepare(registry, policy.limit)
        closely = _Close(registry, policy.limit, keeps_holds=True)
        for reading in sorted(readings, key=_by_event_time):
            key = (reading.mn, reading.code, reading.kind, reading.late)
            gate = self._gate(key) if reading.mn in registry.stations else None
            if gate is not None:
                gate.look(reading.ts)
                closely.judge(key, reading, closely.changes.get(key), gate)
        state = {
            key: replace(_opened(s), early_at=None, violation_at=None) for key, s in closely.changes.items()
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
        return dict(state)

    def memory(self, policy: Policy) -> Memory:
        """As long as anything can be on its way to a finding or to its end; twice the readings, as flagged ones may lie
        between."""
        span = timedelta(seconds=max(policy.limit.hold_s, policy.limit.clear_s))
        return Memory(kinds=tuple(_LIVE_RULES.values()), span=span, readings=2 * policy.limit.hold_readings)

    def _prepare(self, registry: Registry, rule: LimitRule) -> None:
        if registry is not self._registry or rule != self._rule:
            self._registry, self._rule, self._gates = registry, rule, {}

    def _gate(self, key: Key) -> Gate | None:
        """None: readings of this kind are not judged here."""
        mn, code, kind, _ = key
        gate = None
        if kind in _LIVE_RULES.values():
            limits = self._registry.limits.get((mn, code), ())
            station = self._registry.stations.get(mn)
            oxygen = station.o2_reference_percent if station else None
            gate = gate_for(code, kind, limits, self._registry.marks.get(mn, ()), self._rule, oxygen)
        self._gates[key] = gate
        return gate


class _Close:
    """The close look at readings that may begin, hold or end something. `keeps_holds`: also where nothing is open."""

    def __init__(self, registry: Registry, rule: LimitRule, *, keeps_holds: bool = False) -> None:
        self._registry = registry
        self._rule = rule
        self._keeps_holds = keeps_holds
        self.findings: list[Finding] = []
        self.ended: list[FindingEnded] = []
        self.changes: dict[Key, Memo] = {}

    def judge(self, key: Key, reading: Reading, memo: Memo | None, gate: Gate) -> None:
        before, bounds = _opened(memo), gate.bounds
        if _was_ahead(before, reading):
            before = replace(before, last_ts=None, high=None, low=None)
        judgement = judge_live(
            before, reading, bounds, self._rule, is_marked=bool(gate.marks) and gate.is_marked(reading)
        )
        if judgement.state is not before:
            self.changes[key] = judgement.state if self._keeps_holds else _closed(judgement.state)
        for change in judgement.changes:
            if isinstance(change, Begin):
                assert bounds is not None, "nothing begins without a limit"
                station = self._registry.stations[reading.mn]
                self.findings.append(_finding(station, reading, bounds.limit, change, self._rule))
            else:
                self.ended.append(_end(reading, change))


def _opened(memo: Memo | None) -> LimitState:
    if memo is None:
        return LimitState()
    return LimitState(last_ts=memo) if isinstance(memo, datetime) else memo


def _was_ahead(state: LimitState, reading: Reading) -> bool:
    """What was heard last lies in the future still: the station's clock was ahead and has been set."""
    return (
        state.last_ts is not None and not reading.late and state.last_ts > reading.received_at >= reading.ts
    )


def _closed(state: LimitState) -> Memo:
    """A hold without anything open is over: what is over its limit is open, and what is under it ends nothing."""
    is_quiet_now = state.early_at is None and state.violation_at is None
    return state.last_ts if is_quiet_now and state.last_ts is not None else state


def _finding(station: Station, reading: Reading, limit: Limit, begin: Begin, rule: LimitRule) -> Finding:
    held = begin.tier is Tier.VIOLATION
    key = "under_limit" if begin.is_under else "over_limit_held" if held else "over_limit"
    return Finding(
        rule=f"limit_{reading.kind}",
        kind=Kind.EXCEEDANCE,
        tier=begin.tier,
        place=station.place,
        onset_at=begin.onset_at,
        severity=begin.severity,
        reason=Reason(
            key,
            {
                "code": reading.code, "value": begin.value, "limit": begin.bound, "unit": limit.unit, "ratio": begin.ratio,
                "reading": str(reading.kind), "converted": limit.converted, "limit_kind": str(limit.kind),
                "schedule": limit.schedule, "source": limit.source, "unverified": limit.unverified,
            },
        ),
        enterprise=station.enterprise,
        station=station.mn,
        code=reading.code,
        late=reading.late,
        drill_id="standing" if station.drill else None,
        detector={"version": VERSION, "tier": str(begin.tier), **asdict(rule)},
    )  # fmt: skip


def _end(reading: Reading, end: End) -> FindingEnded:
    rule = f"limit_{reading.kind}"
    return FindingEnded(
        finding_id(rule, end.tier, f"{reading.mn}/{reading.code}", end.onset_at), end.ended_at
    )
