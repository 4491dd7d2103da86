"""What stands between a batch of readings and its findings."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from farwatch.domain.finding import Finding, FindingEnded
from farwatch.domain.policy import Policy
from farwatch.domain.reading import Reading, ReadingKind
from farwatch.domain.registry import Registry, Station

State = Mapping[Any, Any]
"""A judge's memory: keys and values are its own business; whoever keeps it only replaces keys."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a batch means. `changes` replace the state of their keys once the batch is committed, never before."""

    findings: tuple[Finding, ...] = ()
    ended: tuple[FindingEnded, ...] = ()
    changes: State = field(default_factory=dict)


OpenOnsets = Mapping[tuple[str, str, str, str, bool], datetime]
"""(rule, tier, mn, code, late) of findings that have not ended -> their onset."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What of a channel's and kind's latest readings a judge needs to start again: `span`, and at least `readings`."""

    kinds: tuple[ReadingKind, ...]
    span: timedelta
    readings: int


class SensorJudge(Protocol):
    """Pure: the same state and readings give the same outcome, live or on history."""

    def judge(
        self, registry: Registry, policy: Policy, state: State, readings: Iterable[Reading]
    ) -> Outcome: ...

    def resume(
        self,
        registry: Registry,
        policy: Policy,
        readings: Iterable[Reading],
        open_onsets: OpenOnsets,
    ) -> State:
        """The state after a restart, from the latest live readings (of `memory`) and the findings that are open."""
        ...

    def memory(self, policy: Policy) -> Memory: ...


@dataclass(frozen=True, slots=True)
class Voice:
    """When a station was heard last, and since when it is known to be silent, if it is.

    Of a gateway, whose findings stand on one station of its group: since when it is known to be silent, and when an
    earlier silence ended last.
    """

    station: Station
    heard_at: datetime
    silent_since: datetime | None = None
    gateway_silent_since: datetime | None = None
    gateway_returned_at: datetime | None = None
