"""What it costs to send one officer to one place, in seconds, and what each second is for. Pure."""

from dataclasses import dataclass

from farwatch.domain.place import Position, distance_m
from farwatch.domain.policy import DispatchRule

AGE_STEPS_MAX = 3
"""A position loses trust step by step; older than so many it is not believed any more, and one that nobody knows costs as much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """`age_s` is that of his position; None: nobody knows it, and `place` is where he starts from by the registry. `age_steps` is
    how many times as old it is as one that is fresh.

    `load` counts a task that he holds as 1 and one that he is asked to take as 0.25. `road_s` is the driving time that a router
    told; None: it is estimated.
    """

    officer: str
    place: Position
    age_s: float | None
    age_steps: int = 0
    load: float = 0.0
    own_grid: bool = True
    lacks_skill: bool = False
    road_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    eta_s: float
    load_s: float
    grid_s: float
    stale_s: float
    skill_s: float

    @property
    def total_s(self) -> float:
        return self.eta_s + self.load_s + self.grid_s + self.stale_s + self.skill_s


def drive_s(start: Position, end: Position, rule: DispatchRule) -> float:
    """The great circle's length, lengthened by the usual detour, at the usual speed."""
    return distance_m(start, end) * rule.detour / rule.speed_m_s


def cost(candidate: Candidate, to: Position, rule: DispatchRule) -> Cost:
    """In whole seconds: closer than that, the smaller id decides."""
    road_s = candidate.road_s
    return Cost(
        eta_s=float(round(drive_s(candidate.place, to, rule) if road_s is None else road_s)),
        load_s=float(round(rule.open_task_s * candidate.load)),
        grid_s=0.0 if candidate.own_grid else rule.other_grid_s,
        stale_s=rule.stale_s * candidate.age_steps,
        skill_s=rule.skill_s if candidate.lacks_skill else 0.0,
    )


def age_steps(age_s: float | None, fresh_s: float) -> int:
    return AGE_STEPS_MAX if age_s is None else min(AGE_STEPS_MAX, int(max(0.0, age_s) // fresh_s))
