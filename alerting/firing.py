"""What happens at its instant: deadlines fired in their order over all tasks, many in one transaction."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from alerting import dispatch, lifecycle, writing
from alerting.ground import Ground
from alerting.steps import LEAD, Decision, Due, Effect, Log, Notify, Seek
from alerting.writing import Step
from farwatch.domain.registry import Registry
from farwatch.domain.task import Task
from farwatch.storage import due_deadlines, tasks
from farwatch.storage.database import Connection, savepoint
from farwatch.storage.due_deadlines import DueDeadline

TOGETHER = 50
"""Deadlines of one transaction: each for itself would be too slow for many at once, and more would keep people waiting."""
MOST = 250
"""Deadlines of one round: what a tick costs besides is shared by so many, and findings wait for no more."""


async def fire_due(ground: Ground) -> int:
    """Of a task that somebody is acting on just now nothing fires; it is looked at again."""
    made = 0
    while made < MOST:
        fired = await _some(ground)
        made += fired
        if fired < TOGETHER:
            break
    return made


_CROWD = "deadlines together"


async def _some(ground: Ground) -> int:
    """All or none of them; when one makes no sense, each is fired for itself until that is over: a task that cannot be dispatched
    is late by its other clocks all the same."""
    made: list[int] = []
    if ground.others([_CROWD]):
        await ground.attempt(_CROWD, _together(ground, made))
    return sum(made) if ground.others([_CROWD]) else await _each(ground)


async def _together(ground: Ground, made: list[int]) -> bool:
    async with ground.transaction() as (connection, now):
        due = await due_deadlines.lock_due(connection, now, TOGETHER, ground.aside(DueDeadline))
        desk = _Desk(ground, connection, now)
        await desk.read([d.task for d in due])
        desk.steps.extend([step for one in due if (step := await desk.decide(one)) is not None])
        await writing.write_all(connection, desk.steps, now)
    desk.count()
    made.append(len(desk.steps))
    return bool(desk.steps)


async def _each(ground: Ground) -> int:
    fired = 0
    async with ground.transaction() as (connection, now):
        desk = _Desk(ground, connection, now)
        for deadline in await due_deadlines.lock_due(connection, now, TOGETHER, ground.aside(DueDeadline)):
            fired += await ground.attempt(deadline, desk.fire_safely(deadline))
    desk.count()
    return fired


@dataclass(frozen=True, slots=True)
class _Desk:
    """One transaction's work: the tasks as they are by now, and what was decided."""

    ground: Ground
    connection: Connection
    now: datetime
    held: dict[int, Task] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)

    async def read(self, ids: list[int]) -> None:
        self.held.update((t.id, t) for t in await tasks.read(self.connection, sorted(set(ids))))

    async def fire_safely(self, due: DueDeadline) -> bool:
        """What fails is undone, and the transaction goes on."""
        async with savepoint(self.connection):
            await self.read([due.task])
            step = await self.decide(due)
            if step is None:
                return False
            await writing.write(self.connection, *step, self.now)
        self.steps.append(step)
        return True

    async def decide(self, due: DueDeadline) -> Step | None:
        task = self.held[due.task]
        decision = lifecycle.step(task, Due(due.key), self.now)
        if decision.refused:
            return None
        if any(isinstance(effect, Seek) for effect in decision.effects):
            situation = await self.ground.situation(self.connection, self.now)
            decision = dispatch.resolve(decision, situation, self.now)
        decision = _addressed(decision, self.ground.city.registry)
        self.held[due.task] = decision.task
        for effect in decision.effects:
            if isinstance(effect, Log) and effect.type == "task_offered":
                self.ground.asked(str(effect.detail["officer"]), drill=task.drill_id is not None)
        return task, decision

    def count(self) -> None:
        """After the commit."""
        effects: list[Effect] = [effect for _, decision in self.steps for effect in decision.effects]
        writing.count(effects)


def _addressed(decision: Decision, registry: Registry) -> Decision:
    """What the lead is told goes to the officer who leads; where there is none, the centre was told the same."""
    grid = registry.grids.get(decision.task.grid or "")
    team = registry.teams.get(grid.team) if grid else None
    lead = (team.lead if team else None) or ""
    effects = (
        replace(e, target=lead) if isinstance(e, Notify) and e.target == LEAD else e for e in decision.effects
    )
    return replace(decision, effects=tuple(e for e in effects if not isinstance(e, Notify) or e.target))
