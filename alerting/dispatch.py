"""Who is sent: the grid's own team first, then its neighbours, by a cost in seconds. Pure, and every choice says why."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from alerting import clocks
from alerting.costs import Candidate, Cost, age_steps, cost
from alerting.lifecycle import step
from alerting.steps import Chosen, Decision, Effect, Nobody, Offer, Seek
from farwatch.domain.finding import Param, Reason
from farwatch.domain.place import Position, distance_m
from farwatch.domain.policy import DispatchRule
from farwatch.domain.registry import Grid, Officer, Registry
from farwatch.domain.task import DeadlineKind, Task, TaskState

SHIFT_ZONE = ZoneInfo("Asia/Shanghai")
ROUGHLY = 2.0
"""How far off an estimated time on the way may be: speeds, detours and old positions differ that much."""
EXPLAINED_MAX = 12
"""So many candidates of a choice are kept, the cheapest."""


@dataclass(frozen=True, slots=True)
class Situation:
    """What dispatch looks at.

    `positions` are those young enough to be believed, `ages_s` how old each is; up to `fresh_s` it is fresh. `open_tasks` is each
    officer's load by real business, `drill_tasks` by drills, which weigh only when a drill's task is given. `etas_s` are driving
    times by road, by officer and task; `road_slow`: a router was asked and did not answer in time. `burst`: more is waiting, and is
    assigned together.
    """

    registry: Registry
    positions: Mapping[str, Position] = field(default_factory=dict)
    open_tasks: Mapping[str, float] = field(default_factory=dict)
    ages_s: Mapping[str, float] = field(default_factory=dict)
    drill_tasks: Mapping[str, float] = field(default_factory=dict)
    etas_s: Mapping[tuple[str, int], float] = field(default_factory=dict)
    rule: DispatchRule = field(default_factory=DispatchRule)
    fresh_s: float = 180.0
    road_slow: bool = False
    burst: bool = False

    def where(self, officer: Officer) -> Position:
        """Where he is; where he starts from by the registry, when nobody knows."""
        return self.positions.get(officer.id, officer.place)

    def load(self, officer: str, *, drill: bool) -> float:
        return self.open_tasks.get(officer, 0.0) + (self.drill_tasks.get(officer, 0.0) if drill else 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighed:
    """One who could go, and what each second of his cost is for."""

    officer: Officer
    candidate: Candidate
    cost: Cost
    road_slow: bool = False

    @property
    def road(self) -> bool | str:
        """True: a router told the time; `slow`: it was asked in vain."""
        return self.candidate.road_s is not None or ("slow" if self.road_slow else False)

    @property
    def rank(self) -> tuple[float, str]:
        return self.cost.total_s, self.officer.id


@dataclass(frozen=True, slots=True)
class Choice:
    """One look for somebody: what came of it, and who could have gone, the cheapest first."""

    answer: Offer | Nobody
    candidates: tuple[Weighed, ...] = ()


def grid_at(place: Position, registry: Registry) -> Grid | None:
    """The grid that holds the place; where grids overlap, the one whose id comes first."""
    return next(
        (registry.grids[i] for i in sorted(registry.grids) if registry.grids[i].area.contains(place)), None
    )


def on_shift(officer: Officer, now: datetime) -> bool:
    """`HH:MM-HH:MM` in Asia/Shanghai, begin included and end not; an end before the begin is on the next day."""
    if officer.shift in ("", "always"):
        return officer.shift == "always"
    begin, end = _hours(officer.shift)
    at = now.astimezone(SHIFT_ZONE).time()
    return begin <= at < end if begin < end else (at >= begin or at < end)


@lru_cache(maxsize=256)
def _hours(shift: str) -> tuple[time, time]:
    begin, end = (time.fromisoformat(part.strip()) for part in shift.split("-"))
    return begin, end


def answer(task: Task, seek: Seek, situation: Situation, now: datetime) -> Offer | Nobody:
    """`officer` asks anybody who has not declined, `next_officer` only those not asked yet, `lead` the team's lead."""
    return choose(task, seek, situation, now).answer


def choose(task: Task, seek: Seek, situation: Situation, now: datetime) -> Choice:
    """The own team; officers of other grids too when nobody of it who has nothing in hand can be there in time; then the lead.

    A place in no grid is the centre's first: others are looked for when it is looked again.
    """
    if seek.to == "lead":
        return Choice(_lead(task, situation))
    asked = asked_before(task, seek)
    own, lacking = own_team(task, asked, situation, now)
    weighed = [weigh(task, officer, situation) for officer in own]
    if not in_time(weighed, task, now):
        if lacking.key == "no_grid" and task.dispatch is None:
            return Choice(Nobody(seek.to, lacking))
        if any(w.candidate.load < 1 for w in weighed):
            lacking = replace(lacking, key="too_far_away")
        weighed += neighbours(task, asked, situation, now)
    ranked = sorted(weighed, key=lambda w: w.rank)
    if ranked:
        return Choice(_best(task, seek.to, ranked, lacking), tuple(ranked[:EXPLAINED_MAX]))
    return Choice(_lead_instead(task, seek, situation, lacking))


def asked_before(task: Task, seek: Seek) -> Collection[str]:
    if seek.to == "officer":
        return set(task.declined_by)
    return {*task.declined_by, *task.offered_to, *((task.handover_to,) if task.handover_to else ())}


def in_time(weighed: Sequence[Weighed], task: Task, now: datetime) -> int:
    """How many have nothing in hand and, when they set off within their accept window, are there before the task's target for
    arriving, although the way takes ROUGHLY times as long as estimated."""
    clocks_ = task.policy.clocks(task.severity)
    left_s = clocks_.arrive_s - (now - task.opened_at).total_seconds() - clocks_.offer_window_s
    return sum(w.candidate.load < 1 and w.cost.eta_s * ROUGHLY <= left_s for w in weighed)


def own_team(
    task: Task, asked: Collection[str], situation: Situation, now: datetime
) -> tuple[Sequence[Officer], Reason]:
    """Those of the responsible team who are left to ask, and why the neighbours would be asked instead."""
    grid = situation.registry.grids.get(task.grid or "")
    if grid is None:
        return (), Reason("no_grid")
    team: dict[str, Param] = {"team": grid.team}
    members = [o for o in situation.registry.officers.values() if o.team == grid.team]
    if not members:
        return (), Reason("no_officers", team)
    ready = [o for o in members if on_shift(o, now)]
    if not ready:
        return (), Reason("nobody_on_shift", team)
    left = [o for o in ready if o.id not in asked]
    if left:
        return left, Reason("all_busy", team)
    declined = all(o.id in task.declined_by for o in ready)
    return (), Reason("all_declined" if declined else "all_asked", team)


def neighbours(task: Task, asked: Collection[str], situation: Situation, now: datetime) -> list[Weighed]:
    """Officers on shift of the other grids' teams who can be there within `most_eta_s`."""
    registry = situation.registry
    own = registry.grids.get(task.grid or "")
    teams = {g.team for g in registry.grids.values()} - {own.team if own else ""}
    officers = (o for o in registry.officers.values() if o.team in teams and o.id not in asked)
    weighed = (weigh(task, o, situation, own_grid=False) for o in officers if on_shift(o, now))
    return [w for w in weighed if w.cost.eta_s <= situation.rule.most_eta_s]


def weigh(task: Task, officer: Officer, situation: Situation, *, own_grid: bool = True) -> Weighed:
    wanted = {skill for kind, skill in situation.rule.skills if kind in task.kinds}
    age_s = situation.ages_s.get(officer.id, 0.0) if officer.id in situation.positions else None
    candidate = Candidate(
        officer=officer.id,
        place=situation.where(officer),
        age_s=age_s,
        age_steps=age_steps(age_s, situation.fresh_s),
        load=situation.load(officer.id, drill=task.drill_id is not None),
        own_grid=own_grid,
        lacks_skill=not wanted <= officer.skills,
        road_s=situation.etas_s.get((officer.id, task.id)),
    )
    told = cost(candidate, task.place, situation.rule)
    return Weighed(officer=officer, candidate=candidate, cost=told, road_slow=situation.road_slow)


def offered(to: str, key: str, best: Weighed, weighed: Sequence[Weighed], task: Task, **more: Param) -> Offer:
    """The offer to `best` with the numbers behind it."""
    candidate = best.candidate
    why: dict[str, Param] = {
        "team": best.officer.team,
        "candidates": len(weighed),
        "distance_m": float(round(distance_m(candidate.place, task.place))),
        "fresh_position": candidate.age_steps == 0,
        "open_tasks": candidate.load,
        "eta_s": best.cost.eta_s,
        "cost_s": best.cost.total_s,
        "road": best.road,
    }
    return Offer(best.officer.id, to, Reason(key, {**why, **more}))


def _best(task: Task, to: str, ranked: Sequence[Weighed], lacking: Reason) -> Offer:
    best = ranked[0]
    if not best.candidate.own_grid:
        return offered(to, "neighbour_team", best, ranked, task, because=lacking.key)
    unknown = all(w.candidate.age_s is None for w in ranked)
    return offered(to, "no_position" if unknown else "nearest", best, ranked, task)


def _lead(task: Task, situation: Situation) -> Offer | Nobody:
    grid = situation.registry.grids.get(task.grid or "")
    if grid is None:
        return Nobody("lead", Reason("no_grid"))
    lead = _lead_of(grid, situation.registry)
    if lead is None:
        return Nobody("lead", Reason("no_lead", {"team": grid.team}))
    if lead in task.declined_by:
        return Nobody("lead", Reason("lead_declined", {"team": grid.team}))
    return Offer(lead, "lead", Reason("team_lead", {"team": grid.team}))


def _lead_of(grid: Grid, registry: Registry) -> str | None:
    team = registry.teams.get(grid.team)
    return team.lead if team and team.lead in registry.officers else None


def _lead_instead(task: Task, seek: Seek, situation: Situation, lacking: Reason) -> Offer | Nobody:
    """The first look finds nobody on shift: the lead is asked at once, not only by his step of the escalation."""
    grid = situation.registry.grids.get(task.grid or "")
    lead = _lead_of(grid, situation.registry) if grid else None
    if seek.to != "officer" or grid is None or lead is None or lead in (*task.declined_by, *task.offered_to):
        return Nobody(seek.to, lacking)
    return Offer(lead, "lead", Reason("team_lead", {"team": grid.team, "because": lacking.key}))


def resolve(decision: Decision, situation: Situation, now: datetime) -> Decision:
    """The decision with everybody found who is wanted: what is left to do is to write it down.

    Of a burst the first look is left to `assigning`, by a deadline that is due at once; who is asked beside the first one, too.
    """
    task, effects, todo = decision.task, list[Effect](), list(decision.effects)
    while todo:
        effect = todo.pop(0)
        if not isinstance(effect, Seek):
            effects.append(effect)
        elif _is_left(task, effect, situation):
            task = clocks.look_again(task, now)
            todo = [e for e in todo if e != Seek("next_officer")]
        else:
            choice = choose(task, effect, situation, now)
            found = step(task, choice.answer, now)
            task, todo = found.task, [*chosen(effect.to, choice, found), *found.effects, *todo]
    return replace(decision, task=task, effects=tuple(effects))


def _is_left(task: Task, seek: Seek, situation: Situation) -> bool:
    first = task.state is TaskState.OPEN and not any(d.kind is DeadlineKind.DISPATCH for d in task.deadlines)
    return situation.burst and first and seek.to == "officer"


def chosen(wanted: str, choice: Choice, found: Decision) -> tuple[Chosen, ...]:
    """What is kept of a choice that changed something; looking in vain for the same reason again is not."""
    if found.refused or not found.effects:
        return ()
    answer = choice.answer
    officer = answer.officer if isinstance(answer, Offer) else None
    return (Chosen(wanted, officer, answer.reason, tuple(_explained(w) for w in choice.candidates)),)


def _explained(weighed: Weighed) -> Mapping[str, Param]:
    """Ids and numbers only, no names."""
    told, age_s = weighed.cost, weighed.candidate.age_s
    return {
        "officer": weighed.officer.id,
        "team": weighed.officer.team,
        "total_s": told.total_s,
        "eta_s": told.eta_s,
        "load_s": told.load_s,
        "grid_s": told.grid_s,
        "stale_s": told.stale_s,
        "skill_s": told.skill_s,
        "age_s": None if age_s is None else round(age_s, 1),
        "road": weighed.road,
    }
