"""What is asked again and again finds its rows by an index, however much was kept."""

from uuid import UUID

import pytest

from farwatch.storage import notices, storms
from farwatch.storage.database import Connection, Pool, transaction
from farwatch.storage.notices import Notice
from tests.support.alerting import at

ENTERPRISE = UUID(int=7)
FILL = """
INSERT INTO notices (task_id, finding_id, step, channel, target, message_key, message_params, state, next_attempt_at, created_at)
SELECT CASE WHEN n % 3 = 0 THEN 1000 + n / 8 END, CASE WHEN n % 3 = 1 THEN gen_random_uuid() END, 'storm:' || n, 'wecom',
  CASE WHEN n % 2 = 0 THEN 'centre' ELSE 'o' || n % 100 END, 'offered', '{}', 'sent', $1, $1 FROM generate_series(1, 20000) n
"""
FILL_TASKS = """
INSERT INTO tasks (state, severity, lat, lon, opened_at, policy, storm_id, closed_at)
SELECT 'closed', 2, 31, 121, $1, '{}', 1 + n / 20, $1 FROM generate_series(1, 20000) n
"""


async def plan_of(connection: Connection, statement: str, *values: object) -> str:
    return "\n".join(r[0] for r in await connection.fetch(f"EXPLAIN {statement}", *values))


async def fill(connection: Connection, statement: str, table: str) -> None:
    await connection.execute("SET LOCAL session_replication_role = replica")
    await connection.execute(statement, at(0))
    await connection.execute(f"ANALYZE {table}")


@pytest.mark.parametrize(
    ("task", "finding", "index"),
    [
        (1001, None, "notices_by_task"),
        (1001, ENTERPRISE, "notices_by_"),
        (None, ENTERPRISE, "notices_by_finding"),
        (None, None, "notices_of_storms"),
    ],
)
async def test_planning_a_notice_reads_its_own_ways_only(
    pool: Pool, task: int | None, finding: UUID | None, index: str
) -> None:
    page = Notice(
        task=task, finding=finding, step="storm:8", channel="page", target="centre", key="offered", params={}, drill_id=None
    )  # fmt: skip
    async with transaction(pool) as connection:
        await fill(connection, FILL, "notices")
        statement, values = notices._ways_of(page)
        plan = await plan_of(connection, statement, *values)
        assert index in plan
        assert "Seq Scan on notices n" not in plan
        told = notices._LAST_OF_STORMS
        assert "Seq Scan" not in await plan_of(connection, told, "wecom", "o7", at(-5), None)


async def test_a_storms_end_and_the_list_of_storms_read_its_own_tasks_only(pool: Pool) -> None:
    async with transaction(pool) as connection:
        await fill(connection, FILL_TASKS, "tasks")
        assert "Seq Scan on tasks" not in await plan_of(connection, storms._MATTERS, 7)
        assert "Seq Scan on tasks" not in await plan_of(connection, storms._LISTED, 5)
