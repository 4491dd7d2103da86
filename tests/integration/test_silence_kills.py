"""The engine is killed at its writes while it holds back, counts, takes together and confirms: the end is the same."""

from dataclasses import replace

import asyncpg
import pytest

from farwatch.domain.finding import Tier
from farwatch.domain.place import Position
from farwatch.domain.policy import NOfM, StormRule
from farwatch.domain.silence import Scope, SilenceKind
from farwatch.storage import silences
from farwatch.storage.database import Pool, transaction
from tests.support import kills
from tests.support.alerting import World, at, early, smoke


async def settle_through_kills(world: World) -> None:
    await world.pool.execute("UPDATE kill SET armed = true")
    while True:
        try:
            await world.settle()
        except asyncpg.RaiseError:
            continue
        await world.pool.execute("UPDATE kill SET armed = false")
        return


async def story(world: World) -> None:
    """A silence with two findings of which one ends, a rule that needs two, a storm of three tasks, a camera that confirms a
    monitor."""
    async with transaction(world.pool) as connection:
        await silences.add(
            connection, kind=SilenceKind.SILENCE, scope=Scope(camera="cam"), reason="检修", by="chen", now=at(0), from_at=at(0),
            to_at=at(60),
        )  # fmt: skip
    gone = smoke("gone")
    await world.found(smoke(), gone)
    await settle_through_kills(world)
    await world.end(gone, 30)
    world.s = 61
    await settle_through_kills(world)
    world.s = 70
    await world.found(early(tier=Tier.VIOLATION, severity=1, enterprise="e1"))
    for n in range(3):
        where = {"place": Position(31.3 + n / 10, 121.4), "enterprise": f"w{n}", "station": f"mn{n + 5}"}
        await world.found(early(tier=Tier.VIOLATION, severity=2, **where))
    await world.found(
        *(smoke("twice", camera="c2", rule="left_object", onset_at=at(60 + n)) for n in range(2))
    )
    await settle_through_kills(world)
    world.s = 400
    await settle_through_kills(world)


async def picture(world: World) -> list[object]:
    """All but who is asked first: a kill parts a burst, and who goes is chosen for what is left of it."""
    tasks = [
        (t.state, t.enterprise, t.storm_id is not None, t.reopened_from, set(t.offered_to), sorted(
            (m.fingerprint, m.severity, m.found_at, m.findings, len(m.confirmed_by)) for m in t.matters
        ))
        for t in await world.tasks()
    ]  # fmt: skip
    findings = await world.pool.fetch(
        "SELECT id, disposition, disposition_reason, silence_id IS NOT NULL, disposed_at FROM findings ORDER BY id"
    )
    storms = await world.pool.fetch("SELECT began_at, last_at, ended_at, tasks FROM storms")
    notices = await world.pool.fetch(
        "SELECT regexp_replace(step, '[0-9]+', 'n'), channel, target = 'centre', message_key FROM notices ORDER BY 1, 2, 3, 4"
    )
    events = sorted(
        (e["type"], str(e.get("kind")), str(e.get("finding")), str(e.get("step")))
        for e in await world.events()
    )
    return [tasks, *([tuple(r) for r in rows] for rows in (findings, storms, notices)), events]


@pytest.mark.timeout(300)
async def test_killed_at_any_write_the_same_is_held_back_counted_and_taken_together(pool: Pool) -> None:
    await kills.set_up(pool)

    async def run(kill_at: int) -> tuple[list[object], int]:
        await pool.execute(
            "TRUNCATE tasks, findings, event_queue, heartbeats, silences, storms RESTART IDENTITY CASCADE"
        )
        await pool.execute("SELECT setval('writes', 0, false)")
        await pool.execute("UPDATE kill SET at = $1", kill_at)
        world = World(pool)
        two = NOfM(rule="left_object", tier=Tier.VIOLATION, n=2, within_s=60)
        world.policy = replace(
            world.policy, n_of_m=(two,), storm=StormRule(tasks=3, within_s=60, quiet_s=300)
        )
        await story(world)
        return await picture(world), await pool.fetchval("SELECT last_value FROM writes")

    expected, writes = await run(-1)
    assert writes > 80
    assert {"silence_ended", "matter_confirmed", "storm_began", "storm_ended", "finding_silenced"} <= {
        e[0]
        for e in expected[-1]  # type: ignore[attr-defined]
    }
    for kill_at in range(0, writes, 5):
        assert (await run(kill_at))[0] == expected, kill_at
