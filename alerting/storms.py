"""When so much comes at once that it is taken together, by grid and kind. Nothing is dropped: each finding stays a matter. Pure.

Decided by the findings' own commits and by nothing else, so the same findings give the same storm whenever they are looked at.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from alerting.steps import Notify
from farwatch.domain.policy import StormRule
from farwatch.domain.silence import Storm
from farwatch.domain.task import Task

MOST_MATTERS = 100
"""Of one storm task; then another one of the same grid and kind opens."""
NOTICE_EVERY_S = 60
TAKEN_TOGETHER = ("matter:", "breach_", "escalated:", "nobody:", "again:")
"""Occasions of which a storm has one notice per target and minute. An offer is its officer's own, and goes out."""


@dataclass(frozen=True, slots=True)
class Begins:
    """The task that opens now is one too many."""


@dataclass(frozen=True, slots=True)
class Goes:
    """It goes on; `still`: just now as much came together as began it."""

    storm: Storm
    still: bool


@dataclass(frozen=True, slots=True)
class Ends:
    storm: Storm


Weather = Begins | Goes | Ends | None


def over(storm: Storm, rule: StormRule, at: datetime) -> bool:
    return at >= storm.last_at + timedelta(seconds=rule.quiet_s)


def decide(storm: Storm | None, recent: int, rule: StormRule, at: datetime) -> Weather:
    """At a finding that was committed at `at` and leads to something new. `recent`: how many others did within the `within_s`
    before it: tasks while no storm runs, matters while one does."""
    if storm is None:
        return Begins() if recent + 1 > rule.tasks else None
    if over(storm, rule, at):
        return Ends(storm)
    return Goes(storm, still=recent + 1 > rule.tasks)


def since(rule: StormRule, at: datetime) -> datetime:
    return at - timedelta(seconds=rule.within_s)


def step_of(task: Task, notify: Notify, now: datetime) -> str | None:
    """The step under which a storm's notices to one target are one; None: this notice goes by itself."""
    if task.storm_id is None or not notify.occasion.startswith(TAKEN_TOGETHER):
        return None
    return f"storm:{task.storm_id}:{int(now.timestamp()) // NOTICE_EVERY_S}"
