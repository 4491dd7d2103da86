"""Two `farwatch serve` on one database: one decides, both show, and the other goes on when it goes. Each step happens once."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from farwatch.storage import users
from farwatch.storage.database import Pool, open_pool, transaction
from farwatch.storage.findings import insert_findings
from tests.support.two_serves import TwoServes, exceedance
from tests.support.waiting import until

PASSWORD = "horse battery staple"
POLICY = """
[task]
accept_s = 3.0
arrive_s = 5.0
offer_window_s = 2.0
escalation = [{ after_s = 1.0, to = "next_officer" }, { after_s = 2.0, to = "lead" }, { after_s = 3.0, to = "centre" }]
[[notices.channel]]
name = "hook"
per_minute = 6000
burst = 6000
digest_from = 1000
"""
TASKS = 6
pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]


@pytest.fixture
async def serves(tmp_path: Path) -> AsyncIterator[TwoServes]:
    made = TwoServes(tmp_path, "engine,web", POLICY)
    try:
        yield made
    finally:
        made.close()


async def find(pool: Pool, enterprises: range) -> None:
    onset = datetime.now(UTC)  # noqa: TID251 - the engines read the real clock too
    async with transaction(pool) as connection:
        await insert_findings(
            connection, [exceedance(n, 0, onset + timedelta(milliseconds=n)) for n in enterprises]
        )


async def steps(pool: Pool) -> list[tuple[Any, ...]]:
    """Every step of every ladder and every missed deadline that the log has, as often as it has it."""
    rows = await pool.fetch(
        "SELECT task_id, e ->> 'type' AS type, coalesce(e ->> 'step', e ->> 'deadline') AS step"
        " FROM (SELECT task_id, event::jsonb AS e FROM log) AS l"
        " WHERE e ->> 'type' = 'deadline_breached' OR (e ->> 'type' = 'escalated' AND e ? 'step') ORDER BY 1, 2, 3"
    )
    return [tuple(r) for r in rows]


def whole_ladders(tasks: range) -> list[tuple[Any, ...]]:
    of_one = [
        *(("deadline_breached", d) for d in ("accept", "arrive")),
        *(("escalated", str(n)) for n in range(3)),
    ]
    return [(task, type_, step) for task in tasks for type_, step in of_one]


async def seen_on_both_pages(serves: TwoServes, tasks: int) -> None:
    for port in serves.ports:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

            async def ready(client: httpx.AsyncClient = client) -> int:
                try:
                    return (await client.get("/readyz")).status_code
                except httpx.TransportError:
                    return 0

            await until(ready, lambda status: status == 200)
            signed_in = await client.post("/api/v1/session", json={"name": "chen", "password": PASSWORD})
            assert signed_in.status_code == 200
            assert len((await client.get("/api/v1/tasks")).json()["items"]) == tasks


async def test_each_step_happens_once_also_over_a_take_over(serves: TwoServes) -> None:
    await serves.prepare(2 * TASKS)
    async with open_pool(serves.url) as pool:
        await users.add_user(pool, "chen", "centre", None, PASSWORD)
        await serves.start()
        await find(pool, range(TASKS))
        await until(lambda: steps(pool), lambda seen: len(seen) >= len(whole_ladders(range(TASKS))))
        assert await steps(pool) == whole_ladders(range(1, TASKS + 1))
        await seen_on_both_pages(serves, TASKS)

        await find(pool, range(TASKS, 2 * TASKS))
        assert serves.services[0].stop() == 0
        await until(lambda: steps(pool), lambda seen: len(seen) >= len(whole_ladders(range(2 * TASKS))))
        assert await steps(pool) == whole_ladders(range(1, 2 * TASKS + 1))
        opened = await pool.fetchval("SELECT count(*) FROM log WHERE event::jsonb ->> 'type' = 'task_opened'")
        assert opened == 2 * TASKS

        async def unheard() -> set[str]:
            rows = await pool.fetch(
                "SELECT key FROM notices WHERE channel = 'hook' AND state NOT IN ('superseded', 'expired')"
            )
            return {r["key"] for r in rows} - serves.receiver.heard()

        await until(unheard, lambda keys: keys == set())
    assert {key for key, bodies in serves.receiver.bodies.items() if len(bodies) > 1} == set()
