"""Very many open tasks with their clocks: no deadline fires more than a second late."""

import asyncio
import logging
import os
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from alerting.engine import Engine
from farwatch.domain.policy import SHIPPED, Policy
from farwatch.domain.registry import Registry
from farwatch.storage.database import Pool
from farwatch.storage.heartbeats import database_now
from tests.support.alerting import NoLease, World, at, city, officer, smoke

log = logging.getLogger(__name__)
MANY = int(os.environ.get("FARWATCH_MANY", "1000"))
"""Open tasks; `make clocks` takes 10,000."""
DUE, OVER_S = MANY // 20, 10.0 if MANY >= 10_000 else 3.0
"""So many of them come due within so long, and again at one instant, each with its target and a step that asks one more officer: a
hundred deadlines a second, as from a city that opens ten thousand tasks in ten minutes, and all that an outage or a burst left."""
LATE_MOST_S = 1.0
OFFICERS = 100

# The one real task is copied: with its matter, finding and clocks, everything of the future but what is to come due.
COPY = """
WITH one AS (SELECT * FROM tasks WHERE id = 1), copied AS (
  INSERT INTO tasks (state, severity, lat, lon, grid, enterprise, offered_to, dispatch_reason, dispatch_params, opened_at,
    dispatched_at, policy)
  SELECT 'offered', severity, lat + n * 0.00005, lon, grid, NULL, ARRAY['o' || n % $2], dispatch_reason, dispatch_params,
    $3::timestamptz, $3, policy
  FROM one, generate_series(1, $1) AS n RETURNING id
), made AS (
  INSERT INTO matters (task_id, fingerprint, kind, camera, zone, event_at, found_at, severity, reason_key, reason_params)
  SELECT id, 'smoke/many/' || id, 'smoke', 'many', id::text, $3, $3, 2, 'smoke_seen', '{}' FROM copied RETURNING id, task_id
)
SELECT count(*) FROM made
"""
FINDINGS = """
WITH made AS (
  INSERT INTO findings (id, rule, kind, tier, fingerprint, camera, zone, lat, lon, onset_at, found_at, severity, reason_key,
    reason_params, detector, late, disposition, disposition_reason, disposed_at)
  SELECT md5('many' || m.id)::uuid, 'smoke', 'smoke', 'violation', m.fingerprint, 'many', m.zone, 31.2, 121.4, m.found_at,
    m.found_at, 2, 'smoke_seen', '{}', '{}', false, 'task', 'no_open_task', m.found_at
  FROM matters m WHERE m.fingerprint LIKE 'smoke/many/%' RETURNING id, fingerprint
)
INSERT INTO matter_findings (finding_id, matter_id) SELECT made.id, m.id FROM made JOIN matters m USING (fingerprint)
"""
CLOCKS = """
INSERT INTO deadlines (task_id, matter_id, kind, step, due_at)
SELECT m.task_id, CASE WHEN d.kind = 'offer' THEN NULL ELSE m.id END, d.kind, d.step,
  CASE WHEN place <= $2::float8 AND soon THEN $1::timestamptz + place * make_interval(secs => $3::float8 / $2::float8)
    ELSE $1::timestamptz + interval '1 hour' + after_s * interval '1 s' END
FROM (SELECT *, row_number() OVER (ORDER BY id) AS place FROM matters WHERE fingerprint LIKE 'smoke/many/%') AS m,
  (VALUES ('accept', 0, 300, true), ('arrive', 0, 600, false), ('escalate', 0, 90, true), ('escalate', 1, 180, false),
    ('escalate', 2, 300, false), ('offer', 0, 60, false)) AS d (kind, step, after_s, soon)
"""


LEFT = "SELECT count(*) FROM deadlines WHERE state = 'pending' AND due_at <= $1"


async def _fill(pool: Pool, over_s: float) -> datetime:
    """When what is due begins to come due."""
    world = World(pool)
    await world.found(smoke())
    await world.settle()
    await pool.execute("UPDATE deadlines SET due_at = due_at + interval '10 years'")
    assert await pool.fetchval(COPY, MANY, OFFICERS, at(0)) == MANY
    await pool.execute(FINDINGS)
    async with pool.acquire() as connection:
        begin = await database_now(connection) + timedelta(seconds=1 + MANY / 2000)
        await connection.execute(CLOCKS, begin, DUE, over_s)
        await connection.execute("ANALYZE")
        assert await database_now(connection) < begin, "the rows were not written in time"
    return begin


@pytest.mark.alone
@pytest.mark.timeout(300)
@pytest.mark.parametrize("over_s", [OVER_S, 0.0])
async def test_no_deadline_of_very_many_open_tasks_fires_more_than_a_second_late(
    pool: Pool, database_url: str, over_s: float
) -> None:
    begin = await _fill(pool, over_s)
    officers = {o.id: o for o in (officer(f"o{n}", 31.0 + n * 0.01) for n in range(OFFICERS))}

    async def load() -> tuple[Registry, Policy]:
        return city(officers=officers), replace(SHIPPED, storm=replace(SHIPPED.storm, tasks=10**6))

    async with asyncio.TaskGroup() as group:
        running = group.create_task(Engine(pool, NoLease(), load, {}).run(database_url))
        await _rest(pool, begin + timedelta(seconds=over_s))
        running.cancel()
    rows = await pool.fetch(
        "SELECT kind, state, due_at, extract(epoch FROM decided_at - due_at)::float8 AS late_s FROM deadlines"
        " WHERE due_at BETWEEN $1 AND $2 AND kind IN ('accept', 'escalate')", begin, begin + timedelta(seconds=over_s)
    )  # fmt: skip
    assert Counter((r["kind"], r["state"]) for r in rows) == {
        ("accept", "breached"): DUE,
        ("escalate", "fired"): DUE,
    }
    spread_s = (max(r["due_at"] for r in rows) - min(r["due_at"] for r in rows)).total_seconds()
    assert spread_s >= 0.9 * over_s
    late_s = sorted(r["late_s"] for r in rows)
    told = f"{MANY} open, {2 * DUE} due in {over_s:.0f} s: median {late_s[DUE]:.3f} s, most {late_s[-1]:.3f} s late"
    log.info(told)
    assert late_s[-1] <= LATE_MOST_S, told


async def _rest(pool: Pool, end: datetime) -> None:
    """Until everything is decided, or long over."""
    for _ in range(600):
        await asyncio.sleep(0.1)
        if not await pool.fetchval(LEFT, end):
            return
