"""Who is sent: place -> grid -> team -> officers on shift -> the nearest. Pure, and every choice says why."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from zoneinfo import ZoneInfo

from alerting.lifecycle import step
from alerting.steps import Decision, Effect, Nobody, Offer, Seek
from farwatch.domain.finding import Param, Reason
from farwatch.domain.place import Position, distance_m
from farwatch.domain.registry import Grid, Officer, Registry
from farwatch.domain.task import Task

SHIFT_ZONE = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Situation:
    """What dispatch looks at: the registry, the officers' fresh positions, and how many open tasks each has."""

    registry: Registry
    positions: Mapping[str, Position] = field(default_factory=dict)
    open_tasks: Mapping[str, int] = field(default_factory=dict)


def grid_at(place: Position, registry: Registry) -> Grid | None:
    """The grid that holds the place; where grids overlap, the one whose id comes first."""
    return next(
        (registry.grids[i] for i in sorted(registry.grids) if registry.grids[i].area.contains(place)), None
    )


def on_shift(officer: Officer, now: datetime) -> bool:
    """`HH:MM-HH:MM` in Asia/Shanghai, begin included and end not; an end before the begin is on the next day."""
    if officer.shift in ("", "always"):
        return officer.shift == "always"
    begin, end = (time.fromisoformat(part.strip()) for part in officer.shift.split("-"))
    at = now.astimezone(SHIFT_ZONE).time()
    return begin <= at < end if begin < end else (at >= begin or at < end)


def answer(task: Task, seek: Seek, situation: Situation, now: datetime) -> Offer | Nobody:
    """`officer` asks anybody who has not declined, `next_officer` only those not asked yet, `lead` the team's lead."""
    grid = situation.registry.grids.get(task.grid or "")
    if grid is None:
        return Nobody(seek.to, Reason("no_grid"))
    if seek.to == "lead":
        return _lead(task, grid, situation)
    asked = set(task.declined_by) if seek.to == "officer" else {*task.declined_by, *task.offered_to}
    return _nearest(task, seek.to, grid, situation, asked, now)


def _lead(task: Task, grid: Grid, situation: Situation) -> Offer | Nobody:
    team = situation.registry.teams.get(grid.team)
    lead = team.lead if team else None
    if lead is None or lead not in situation.registry.officers:
        return Nobody("lead", Reason("no_lead", {"team": grid.team}))
    if lead in task.declined_by:
        return Nobody("lead", Reason("lead_declined", {"team": grid.team}))
    return Offer(lead, "lead", Reason("team_lead", {"team": grid.team}))


def _nearest(
    task: Task, to: str, grid: Grid, situation: Situation, asked: Collection[str], now: datetime
) -> Offer | Nobody:
    team = [o for o in situation.registry.officers.values() if o.team == grid.team]
    if not team:
        return Nobody(to, Reason("no_officers", {"team": grid.team}))
    ready = [o for o in team if on_shift(o, now)]
    if not ready:
        return Nobody(to, Reason("nobody_on_shift", {"team": grid.team}))
    left = [o for o in ready if o.id not in asked]
    if not left:
        declined = all(o.id in task.declined_by for o in ready)
        return Nobody(to, Reason("all_declined" if declined else "all_asked", {"team": grid.team}))
    best = min(left, key=lambda o: (_away_m(o, task, situation), situation.open_tasks.get(o.id, 0), o.id))
    why: dict[str, Param] = {
        "team": grid.team,
        "candidates": len(left),
        "distance_m": _away_m(best, task, situation),
        "fresh_position": best.id in situation.positions,
        "open_tasks": situation.open_tasks.get(best.id, 0),
    }
    return Offer(best.id, to, Reason("nearest", why))


def _away_m(officer: Officer, task: Task, situation: Situation) -> float:
    """In whole metres: closer than that, having less to do decides."""
    return float(round(distance_m(situation.positions.get(officer.id, officer.place), task.place)))


def resolve(decision: Decision, situation: Situation, now: datetime) -> Decision:
    """The decision with everybody found who is wanted: what is left to do is to write it down."""
    task, effects, todo = decision.task, list[Effect](), list(decision.effects)
    while todo:
        effect = todo.pop(0)
        if isinstance(effect, Seek):
            found = step(task, answer(task, effect, situation, now), now)
            task, todo = found.task, [*found.effects, *todo]
        else:
            effects.append(effect)
    return replace(decision, task=task, effects=tuple(effects))
