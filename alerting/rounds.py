"""The engine's rounds, in the order in which a tick runs them. A new part adds its line to `shipped`."""

from collections.abc import Sequence
from uuid import UUID

from alerting import clocks, dispatch, lifecycle, metrics, releasing, triage, writing
from alerting.ground import BATCH, Ground, Round
from alerting.steps import Due, Effect, Ended, Log
from farwatch.storage import dispositions, tasks, warnings
from farwatch.storage.dispositions import EndOfFinding

__all__ = ["BATCH", "Ground", "Round", "shipped"]


def shipped() -> dict[str, Round]:
    return {
        "findings": _findings,
        "warnings": _warnings,
        "silences": releasing.release,
        "storms": releasing.clear,
        "deadlines": _deadlines,
        "ends": _ends,
    }


async def _findings(ground: Ground) -> int:
    waiting = ground.others(await dispositions.waiting(ground.pool, ground.most))
    return sum([await ground.attempt(f, dispose(ground, f)) for f in waiting])


async def dispose(ground: Ground, finding: UUID) -> bool:
    async with ground.transaction() as (connection, now):
        await tasks.lock_correlation(connection)
        stored = await dispositions.take(connection, finding)
        if stored is None:
            return False
        disposed = await triage.dispose(connection, stored, ground.city, now)
    metrics.FINDINGS_DISPOSED.labels(disposition=disposed.disposition, reason=disposed.reason).inc()
    _told(ground, disposed.effects)
    return True


async def _warnings(ground: Ground) -> int:
    ripe = ground.others(await warnings.ripe(ground.pool, await ground.peek(), ground.most))
    return sum([await ground.attempt(f, _decide_warning(ground, f)) for f in ripe])


async def _decide_warning(ground: Ground, finding: UUID) -> bool:
    async with ground.transaction() as (connection, now):
        await tasks.lock_correlation(connection)
        effects: Sequence[Effect] = await triage.decide_warning(connection, finding, ground.city, now)
    _told(ground, effects)
    return True


async def _deadlines(ground: Ground) -> int:
    due = ground.others(await tasks.due(ground.pool, await ground.peek(), ground.most))
    return sum([await ground.attempt(task_id, _fire(ground, task_id)) for task_id in due])


async def _fire(ground: Ground, task_id: int) -> bool:
    """The task's earliest due deadline, unless somebody is acting on the task just now: then it is looked at again."""
    async with ground.transaction() as (connection, now):
        task = await tasks.lock(connection, task_id, skip_locked=True)
        due = [d for d in task.deadlines if clocks.is_due(d, now)] if task else []
        if task is None or not due:
            return False
        decision = lifecycle.step(task, Due(due[0].key), now)
        decision = dispatch.resolve(decision, await ground.situation(connection, now), now)
        await writing.write(connection, task, decision, now)
    _told(ground, decision.effects)
    return True


async def _ends(ground: Ground) -> int:
    ends = ground.others(await dispositions.ends_to_note(ground.pool, ground.most))
    return sum([await ground.attempt(end, _note_end(ground, end)) for end in ends])


async def _note_end(ground: Ground, end: EndOfFinding) -> bool:
    async with ground.transaction() as (connection, now):
        task = await tasks.lock(connection, end.task, skip_locked=True)
        if task is None or not await dispositions.note_end(connection, end.finding, now):
            return False
        left = await tasks.findings_left(connection, end.matter)
        decision = lifecycle.step(task, Ended(end.matter, end.finding, end.ended_at, left), now)
        await writing.write(connection, task, decision, now)
    return True


def _told(ground: Ground, effects: Sequence[Effect]) -> None:
    writing.count(effects)
    if any(isinstance(e, Log) and e.type == "task_offered" for e in effects):
        ground.changed()
