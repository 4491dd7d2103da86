"""The ends of silences and of storms, as rounds of the engine.

What a silence held back and still stands is judged at once, and whoever is on the way there hears of it.
"""

from dataclasses import replace
from uuid import UUID

from alerting import metrics, storms, triage, writing
from alerting.ground import BATCH, Ground
from alerting.triage import City
from farwatch.storage import dispositions, events, silences, tasks
from farwatch.storage import storms as storm_rows


async def release(ground: Ground) -> int:
    """A round. Findings are judged in the order of discovery."""
    made = 0
    for silence in await silences.over(ground.pool, await ground.peek(), ground.most):
        held = await silences.held_back(ground.pool, silence, ground.most)
        # As with findings that come in a burst: whom to send is left to the round that assigns together.
        city = replace(ground.city, burst=len(held) > 1 or ground.roads.known)
        for finding in ground.others(held):
            made += await ground.attempt(finding, _judge(ground, finding, city))
        if not held:
            made += await ground.attempt(("silence", silence), _finish(ground, silence))
        if made >= BATCH:
            break
    return made


async def _judge(ground: Ground, finding: UUID, city: City) -> bool:
    """Another silence may go on holding it back."""
    async with ground.transaction() as (connection, now):
        await tasks.lock_correlation(connection)
        stored = await dispositions.take_silenced(connection, finding)
        if stored is None:
            return False
        disposed = await triage.dispose(connection, stored, city, now, after_silence=True)
    metrics.FINDINGS_DISPOSED.labels(disposition=disposed.disposition, reason=disposed.reason).inc()
    writing.count(disposed.effects)
    ground.changed()
    return True


async def _finish(ground: Ground, silence_id: int) -> bool:
    async with ground.transaction() as (connection, now):
        # Whoever is just deciding under this silence has the lock: what he holds back is seen here, or by the next round.
        await tasks.lock_correlation(connection)
        silence = await silences.lock_over(connection, silence_id, now)
        if silence is None or await silences.held_back(connection, silence_id, 1):
            return False
        for task in await silences.open_tasks_in(connection, silence.scope):
            await events.append(connection, "silence_ended", task=task, silence=silence.id)
        await silences.judged(connection, silence, now)
    return True


async def clear(ground: Ground) -> int:
    """A round: ends a storm after its quiet. What was found in it and waits still, as after an outage, belongs to it."""
    if await storm_rows.running(ground.pool) is None:
        return 0
    return await ground.attempt("storm", _clear(ground))


async def _clear(ground: Ground) -> bool:
    async with ground.transaction() as (connection, now):
        await tasks.lock_correlation(connection)
        storm = await storm_rows.running(connection)
        if storm is None or not storms.over(storm, ground.city.policy.storm, now):
            return False
        if ground.others(await dispositions.waiting(connection, ground.most)):
            return False
        await storm_rows.end(connection, storm, now)
    return True
