"""The engine is killed at its writes, and the end is as if nothing had happened."""

from dataclasses import replace

import asyncpg

from farwatch.storage.database import Pool
from tests.support import kills
from tests.support.alerting import World, at, early, smoke


async def _story(world: World) -> None:
    """Everything the engine does: open, join, fold, warn, clear, escalate, breach, note an end."""
    finding, warned, stands = smoke(), early(station="mn2"), early()
    await world.found(finding, smoke("yard"), smoke(onset_at=at(-4)), warned, stands)
    moments = ((0, None), (100, warned), (200, finding), (301, None), (700, None))
    for s, ended in moments:
        world.s = s
        if ended:
            await world.end(ended, s)
        await _settle_through_kills(world)


async def _settle_through_kills(world: World) -> None:
    await world.pool.execute("UPDATE kill SET armed = true")
    while True:
        try:
            await world.settle()
        except asyncpg.RaiseError:
            continue
        await world.pool.execute("UPDATE kill SET armed = false")
        return


async def _picture(world: World) -> list[object]:
    tasks = [
        replace(t, id=0, matters=tuple(replace(m, id=0) for m in t.matters), deadlines=())
        for t in await world.tasks()
    ]
    deadlines = await world.pool.fetch(
        "SELECT kind, step, due_at, state, decided_at FROM deadlines ORDER BY due_at, kind, step, matter_id"
    )
    notices = await world.pool.fetch(
        "SELECT regexp_replace(step, '[0-9]+', 'n'), channel, target, message_key FROM notices ORDER BY 1, 2, 3, 4, id"
    )
    events = [
        (e["type"], e.get("kind"), e.get("finding"), e.get("step"), e.get("late_s"))
        for e in await world.events()
    ]
    return [tasks, [tuple(r) for r in deadlines], [tuple(r) for r in notices], events]


async def test_killed_at_any_write_the_end_is_the_same(pool: Pool) -> None:
    """A trigger on every table stands for the kill: the sequence it counts with is not rolled back."""
    await kills.set_up(pool)

    async def run(kill_at: int) -> tuple[list[object], int]:
        await pool.execute("TRUNCATE tasks, findings, event_queue, heartbeats RESTART IDENTITY CASCADE")
        await pool.execute("SELECT setval('writes', 0, false)")
        await pool.execute("UPDATE kill SET at = $1", kill_at)
        world = World(pool)
        await _story(world)
        return await _picture(world), await pool.fetchval("SELECT last_value FROM writes")

    expected, writes = await run(-1)
    assert writes > 100
    for kill_at in range(0, writes, 7):
        assert (await run(kill_at))[0] == expected, kill_at
