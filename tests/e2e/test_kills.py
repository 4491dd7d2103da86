"""kill -9 of either of two engines at random, under fifty findings a second: nothing is lost, nothing is there twice.

`make kills` strikes a hundred times; here a few, with the same dice. FARWATCH_KILLS_SEED repeats a run.
"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from farwatch.storage.database import Pool, open_pool, transaction
from farwatch.storage.findings import insert_findings
from farwatch.storage.sequencer import first_broken_link
from tests.support.two_serves import CODES, TwoServes, exceedance
from tests.support.waiting import until

KILLS = int(os.environ.get("FARWATCH_KILLS", "3"))
SEED = int(os.environ.get("FARWATCH_KILLS_SEED", "0")) or random.randrange(1, 10**6)
PER_S = 50
SECONDS_A_KILL = 3.0
"""A killed engine is back, or the other has taken over, after a second or two."""
ENTERPRISES = 40
POLICY = """
[storm]
tasks = 10000
[[notices.channel]]
name = "hook"
per_minute = 6000
burst = 6000
digest_from = 1000
"""
pytestmark = [pytest.mark.process, pytest.mark.timeout(240 + 8 * KILLS)]


@pytest.fixture
async def serves(tmp_path: Path) -> AsyncIterator[TwoServes]:
    made = TwoServes(tmp_path, "engine", POLICY)
    try:
        yield made
    finally:
        made.close()


async def load(pool: Pool, count: int, dice: random.Random) -> None:
    """Every business is found again and again, in any order, each finding in a commit of its own at its time."""
    began_s, onset = time.monotonic(), datetime.now(UTC)  # noqa: TID251 - the engines read the real clock too
    for i in range(count):
        business = i if i < ENTERPRISES * CODES else dice.randrange(ENTERPRISES * CODES)
        finding = exceedance(
            business % ENTERPRISES, business // ENTERPRISES, onset + timedelta(milliseconds=i)
        )
        async with transaction(pool) as connection:
            await insert_findings(connection, [finding])
        await asyncio.sleep(max(0.0, began_s + (i + 1) / PER_S - time.monotonic()))  # the load's own pace


async def strike(serves: TwoServes, dice: random.Random, span_s: float) -> list[int]:
    began_s, struck = time.monotonic(), []
    for at_s in sorted(dice.uniform(1, span_s) for _ in range(KILLS)):
        await asyncio.sleep(max(0.0, began_s + at_s - time.monotonic()))
        victim = dice.randrange(2)
        await asyncio.to_thread(serves.services[victim].kill_role, "engine", 60)
        struck.append(victim)
    return struck


_FACTS = """
SELECT (SELECT count(*) FROM findings) AS findings,
  (SELECT count(*) FROM findings WHERE disposition = 'task') AS disposed,
  (SELECT count(*) FROM matter_findings) AS folded_in,
  (SELECT count(*) FROM tasks) AS tasks, (SELECT count(*) FROM matters) AS matters,
  (SELECT count(*) FROM deadlines WHERE kind = 'accept') AS accept_clocks,
  (SELECT count(*) FROM log WHERE event::jsonb ->> 'type' = 'finding_found') AS found_events,
  (SELECT count(*) FROM log WHERE event::jsonb ->> 'type' IN ('task_opened', 'matter_joined', 'finding_folded')) AS led_events,
  (SELECT count(*) FROM event_queue) AS unnumbered,
  (SELECT count(*) FROM notices WHERE state = 'queued') AS queued
"""
_DOUBLED = """
SELECT e ->> 'type' AS type, e, count(*) FROM (SELECT event::jsonb - 'n' - 'at' AS e FROM log) AS events
GROUP BY e HAVING count(*) > 1
"""
_STEPS_TWICE = """
SELECT e ->> 'task', e ->> 'type', e ->> 'matter', e ->> 'step', e ->> 'deadline', count(*)
FROM (SELECT event::jsonb AS e FROM log) AS events
WHERE e ->> 'type' = 'deadline_breached' OR (e ->> 'type' = 'escalated' AND e ? 'step')
GROUP BY 1, 2, 3, 4, 5 HAVING count(*) > 1
"""
_UNTOLD = """
SELECT n.key FROM notices n WHERE n.channel = 'page' AND n.target LIKE 'O%' AND n.task_id IS NOT NULL AND NOT EXISTS (
  SELECT FROM notices m WHERE m.channel = 'hook' AND m.task_id = n.task_id AND m.step = n.step AND m.target = n.target)
  AND n.state NOT IN ('superseded', 'expired')
"""


async def test_nothing_is_lost_or_doubled_whichever_engine_is_killed(serves: TwoServes) -> None:
    dice = random.Random(SEED)
    count = int(max(10.0, KILLS * SECONDS_A_KILL) * PER_S)
    await serves.prepare(ENTERPRISES)
    await serves.start()
    async with open_pool(serves.url) as pool:
        async with asyncio.TaskGroup() as group:
            striking = group.create_task(strike(serves, dice, count / PER_S))
            group.create_task(load(pool, count, random.Random(SEED)))
        expected: dict[str, Any] = {
            "findings": count, "disposed": count, "folded_in": count, "tasks": ENTERPRISES, "matters": ENTERPRISES * CODES,
            "accept_clocks": ENTERPRISES * CODES, "found_events": count, "led_events": count, "unnumbered": 0, "queued": 0,
        }  # fmt: skip

        async def look() -> dict[str, Any]:
            return dict(await pool.fetchrow(_FACTS))

        await until(look, lambda seen: seen == expected, within_s=120)
        assert [tuple(r) for r in await pool.fetch(_DOUBLED)] == []
        assert [tuple(r) for r in await pool.fetch(_STEPS_TWICE)] == []
        async with pool.acquire() as connection:
            assert await first_broken_link(connection) is None
        await check_notices(pool, serves)
    said = f"killed {striking.result()}, {serves.receiver.repeats} notices heard twice"
    print(f"seed {SEED}: {count} findings, {said}")  # noqa: T201


async def check_notices(pool: Pool, serves: TwoServes) -> None:
    """Every notice of an officer was heard by its key, and what was heard twice said the same both times."""

    async def untold() -> list[str]:
        return [r["key"] for r in await pool.fetch(_UNTOLD)]

    await until(untold, lambda keys: keys == [], within_s=60)

    async def unheard() -> set[str]:
        rows = await pool.fetch(
            "SELECT key FROM notices WHERE channel = 'hook' AND state NOT IN ('superseded', 'expired')"
        )
        return {r["key"] for r in rows} - serves.receiver.heard()

    await until(unheard, lambda keys: keys == set(), within_s=60)
    rows = await pool.fetch("SELECT key FROM notices WHERE channel = 'hook'")
    assert serves.receiver.heard() <= {r["key"] for r in rows}
    assert len(serves.receiver.heard()) >= ENTERPRISES
    assert {key: bodies for key, bodies in serves.receiver.bodies.items() if len(bodies) > 1} == {}
