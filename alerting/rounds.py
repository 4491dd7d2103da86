"""The engine's rounds, in the order in which a tick runs them. A new part adds its line to `shipped`."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from alerting import assigning, firing, lifecycle, metrics, releasing, triage, warning, writing
from alerting.ground import BATCH, Ground, Round
from alerting.steps import Effect, Ended, Log
from alerting.triage import City
from farwatch.storage import dispositions, tasks, warnings
from farwatch.storage.dispositions import EndOfFinding

__all__ = ["BATCH", "Ground", "Round", "shipped"]


def shipped() -> dict[str, Round]:
    return {
        "findings": _findings,
        "warnings": _warnings,
        "reminders": warning.reminders,
        "silences": releasing.release,
        "storms": releasing.clear,
        "assign": assigning.assign,
        "deadlines": firing.fire_due,
        "ends": _ends,
    }


async def _findings(ground: Ground) -> int:
    """Of a burst, and where a router has to be asked first, whom to send is left to the round that assigns together."""
    waiting = ground.others(await dispositions.waiting(ground.pool, ground.most))
    city = replace(ground.city, burst=len(waiting) > 1 or ground.roads.known)
    return sum([await ground.attempt(f, dispose(ground, f, city)) for f in waiting])


async def dispose(ground: Ground, finding: UUID, city: City | None = None) -> bool:
    async with ground.transaction() as (connection, now):
        await tasks.lock_correlation(connection)
        stored = await dispositions.take(connection, finding)
        if stored is None:
            return False
        disposed = await triage.dispose(connection, stored, city or ground.city, now)
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
