"""What each event tells beside its own words, so that rows can be held against the log. Pure."""

from datetime import datetime

from alerting.clocks import BREACHABLE
from farwatch.domain.task import Task


def moment(now: datetime) -> dict[str, object]:
    """When it was decided: the log numbers it somewhat later."""
    return {"decided_at": now.isoformat()}


def begun(before: Task | None, after: Task) -> dict[str, object]:
    """The matters and targets that a decision brings."""
    matters = {m.id for m in before.matters} if before else set()
    deadlines = {d.key for d in before.deadlines} if before else set()
    found = [
        {"matter": m.id, "event_at": m.event_at.isoformat(), "found_at": m.found_at.isoformat()}
        for m in after.matters
        if m.id not in matters
    ]
    targets = [
        {"deadline": d.kind.value, "matter": d.matter, "step": d.step, "due_at": d.due_at.isoformat()}
        for d in after.deadlines
        if d.kind in BREACHABLE and d.key not in deadlines
    ]
    return {name: told for name, told in (("found", found), ("clocks", targets)) if told}
