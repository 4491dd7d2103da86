"""Bursts: everybody who waits for an officer is given one together, so that the sum of all costs is the least."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np
from scipy.optimize import linear_sum_assignment

from alerting import clocks, dispatch, writing
from alerting.dispatch import EXPLAINED_MAX, Choice, Situation, Weighed
from alerting.ground import Ground
from alerting.lifecycle import step
from alerting.offers import more_at_once
from alerting.steps import Decision, Offer, Seek
from farwatch.domain.place import Position
from farwatch.domain.task import DeadlineKind, Task, TaskState
from farwatch.storage import choices, tasks
from farwatch.storage.database import Connection

SLOTS = 2
"""So many of one burst one officer may be given together; for what is left over somebody is looked for one by one."""
MANY_CELLS = 2000
"""A larger matrix is worked on in a thread."""
_FORBIDDEN = 1e9
_OFFICER = Seek("officer")


async def assign(ground: Ground) -> int:
    """Everybody who waits: planned together without a lock, the router asked before, then each task decided under its own."""
    now = await ground.peek()
    ids = _others(ground, await choices.waiting(ground.pool, now, ground.most))
    if not ids:
        return 0
    async with ground.pool.acquire() as connection:
        waiting = await _readable(ground, connection, ids)
        situation = await ground.situation(connection, now)
    if not waiting:
        return 0
    if ground.roads.known:
        starts, ends = _ways(waiting, situation, now)
        table = await ground.roads.table(starts, ends)
        situation = replace(situation, etas_s={**situation.etas_s, **table.etas_s}, road_slow=table.slow)
    if len(waiting) * len(situation.registry.officers) > MANY_CELLS:
        planned = await asyncio.to_thread(plan, waiting, situation, now)
    else:
        planned = plan(waiting, situation, now)
    made = 0
    for task_id, choice in planned.items():
        made += await ground.attempt(_key(task_id), _apply(ground, task_id, choice, situation))
    return made


_CROWD = "tasks together"


def _key(task_id: int) -> tuple[str, int]:
    """A task that cannot be assigned is set aside for this round alone: its clocks run."""
    return ("assign", task_id)


def _others(ground: Ground, ids: Sequence[int]) -> list[int]:
    return [task_id for _, task_id in ground.others([_key(task_id) for task_id in ids])]


async def _readable(ground: Ground, connection: Connection, ids: Sequence[int]) -> list[Task]:
    """Read together; when no sense can be made of one, each by itself until that is over."""
    found: list[Task] = []

    async def read(some: Sequence[int]) -> bool:
        found.extend(await tasks.read(connection, some))
        return True

    if not ground.others([_CROWD]) or not await ground.attempt(_CROWD, read(ids)):
        for one in ids:
            await ground.attempt(_key(one), read([one]))
    return found


async def _apply(ground: Ground, task_id: int, choice: Choice, planned: Situation) -> bool:
    """False when somebody acts on the task just now, or it waits no longer for whom was chosen. For one more who is asked at once,
    the ways that the router told in `planned` hold."""
    async with ground.transaction() as (connection, now):
        task = await tasks.lock(connection, task_id, skip_locked=True)
        if task is None or not is_waiting(task, now) or _has_declined(task, choice):
            return False
        decision = decide(task, choice, now)
        if any(isinstance(effect, Seek) for effect in decision.effects):
            situation = await ground.situation(connection, now)
            situation = replace(situation, etas_s=planned.etas_s, road_slow=planned.road_slow)
            decision = dispatch.resolve(decision, situation, now)
        await writing.write(connection, task, decision, now)
    writing.count(decision.effects)
    ground.changed()
    return True


def is_waiting(task: Task, now: datetime) -> bool:
    """Nobody is asked yet, and it is time to look for somebody."""
    looks = (d for d in task.deadlines if d.kind is DeadlineKind.DISPATCH)
    return task.state is TaskState.OPEN and any(clocks.is_due(d, now) for d in looks)


def _has_declined(task: Task, choice: Choice) -> bool:
    return isinstance(choice.answer, Offer) and choice.answer.officer in task.declined_by


def decide(task: Task, choice: Choice, now: datetime) -> Decision:
    """Who is asked beside the one chosen, where the class asks several at once, is left to `dispatch.resolve`."""
    found = step(task, choice.answer, now)
    more = (
        more_at_once(found.task) if task.state is TaskState.OPEN and isinstance(choice.answer, Offer) else ()
    )
    return replace(found, effects=(*dispatch.chosen(_OFFICER.to, choice, found), *found.effects, *more))


def _ways(
    waiting: Sequence[Task], situation: Situation, now: datetime
) -> tuple[Mapping[str, Position], Mapping[int, Position]]:
    """Where they would start and end; the likeliest officers first, because a router takes so many points only."""
    nearest: Counter[str] = Counter()
    for task in waiting:
        for place, w in enumerate(
            sorted(_row(task, situation, now, wanted=len(waiting)), key=lambda w: w.rank)
        ):
            nearest[w.officer.id] = max(nearest[w.officer.id], EXPLAINED_MAX - place)
    starts = {o: situation.where(situation.registry.officers[o]) for o, _ in nearest.most_common()}
    return starts, {t.id: t.place for t in waiting}


def plan(waiting: Sequence[Task], situation: Situation, now: datetime) -> Mapping[int, Choice]:
    """A choice for each task, by its id: real business first, as if there were no drill; of each the worst class first, within it
    all together. Pure, and the same for the same."""
    found: dict[int, Choice] = {}
    for drill in (False, True):
        some = [t for t in waiting if (t.drill_id is not None) is drill]
        for severity in sorted({t.severity for t in some}, reverse=True):
            level = sorted((t for t in some if t.severity == severity), key=lambda t: t.id)
            together = _assigned(level, situation, now) if len(some) > 1 else {}
            situation = _loaded(situation, together.values(), drill=drill)
            for task in level:
                choice = together.get(task.id)
                if choice is None:
                    choice = dispatch.choose(task, _OFFICER, situation, now)
                    situation = _loaded(situation, [choice], drill=drill)
                found[task.id] = choice
    return found


def _loaded(situation: Situation, given: Iterable[Choice], *, drill: bool) -> Situation:
    """As it will be when all of them accept; what a drill gives weighs for drills only."""
    load = dict(situation.drill_tasks if drill else situation.open_tasks)
    for choice in given:
        if isinstance(choice.answer, Offer):
            load[choice.answer.officer] = load.get(choice.answer.officer, 0.0) + 1
    return replace(situation, drill_tasks=load) if drill else replace(situation, open_tasks=load)


def _assigned(level: Sequence[Task], situation: Situation, now: datetime) -> dict[int, Choice]:
    """Of one class; a task for which nobody is left over is not in it."""
    in_grid = Counter(t.grid for t in level)
    rows = [_row(task, situation, now, wanted=in_grid[task.grid]) for task in level]
    columns = sorted({w.officer.id for row in rows for w in row})
    if not columns:
        return {}
    costs = np.full((len(rows), len(columns) * SLOTS), _FORBIDDEN)
    column = {officer: n for n, officer in enumerate(columns)}
    for i, row in enumerate(rows):
        for w in row:
            for slot in range(SLOTS):
                more_s = slot * situation.rule.open_task_s
                costs[i, column[w.officer.id] + slot * len(columns)] = w.cost.total_s + more_s
    found: dict[int, Choice] = {}
    for i, j in zip(*linear_sum_assignment(costs), strict=True):
        if costs[i, j] < _FORBIDDEN:
            found[level[i].id] = _joint(level[i], columns[j % len(columns)], rows[i], len(level))
    return found


def _row(task: Task, situation: Situation, now: datetime, *, wanted: int) -> list[Weighed]:
    """Who may go: the own team, and the neighbours where it has fewer idle than are wanted."""
    asked = dispatch.asked_before(task, _OFFICER)
    own, lacking = dispatch.own_team(task, asked, situation, now)
    row = [dispatch.weigh(task, officer, situation) for officer in own]
    if lacking.key == "no_grid" and task.dispatch is None:
        return row
    if dispatch.in_time(row, task, now) < wanted:
        row += dispatch.neighbours(task, asked, situation, now)
    return row


def _joint(task: Task, officer: str, row: Sequence[Weighed], together: int) -> Choice:
    ranked = sorted(row, key=lambda w: w.rank)
    best = next(w for w in ranked if w.officer.id == officer)
    own_grid = best.candidate.own_grid
    answer = dispatch.offered(_OFFICER.to, "joint", best, ranked, task, together=together, own_grid=own_grid)
    explained = (
        ranked[:EXPLAINED_MAX] if best in ranked[:EXPLAINED_MAX] else [*ranked[: EXPLAINED_MAX - 1], best]
    )
    return Choice(answer, tuple(explained))
