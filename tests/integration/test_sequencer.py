import asyncio

import pytest

from farwatch.storage import events
from farwatch.storage.database import Pool, transaction
from farwatch.storage.leases import Lease
from farwatch.storage.sequencer import first_broken_link, sequence_once


async def a_lease(pool: Pool) -> Lease:
    await pool.execute("INSERT INTO leases VALUES ('engine', 1, 'test', now())")
    return Lease("engine", 1)


async def test_events_are_numbered_without_gaps_after_their_commits(pool: Pool) -> None:
    lease = await a_lease(pool)
    async with pool.acquire() as slow, pool.acquire() as fast:
        waiting = slow.transaction()
        await waiting.start()
        await events.append(slow, "task_opened", task=None, place="first to draw a number, last to commit")
        async with fast.transaction():
            await events.append(fast, "camera_status", camera="C1")
        assert await sequence_once(pool, lease) == 1
        await waiting.commit()
    assert await sequence_once(pool, lease) == 1
    types = await pool.fetch("SELECT n, event::jsonb ->> 'type' AS type FROM log ORDER BY n")
    assert [tuple(r) for r in types] == [(1, "camera_status"), (2, "task_opened")]


async def test_each_entry_of_a_task_names_the_one_before_it(pool: Pool) -> None:
    """However they come together: none can be left out between two."""
    lease = await a_lease(pool)
    for batch in ([7, 8, None, 7], [8], [None, 7, 7, 9], [9, 8]):
        async with transaction(pool) as connection:
            for task in batch:
                await events.append(connection, "camera_status", task=task, prev_n=99)
        await sequence_once(pool, lease)
    rows = await pool.fetch("SELECT n, task_id, event::jsonb ->> 'prev_n' AS prev_n FROM log ORDER BY n")
    named = {task: [(r["n"], r["prev_n"]) for r in rows if r["task_id"] == task] for task in (7, 8, 9)}
    assert named == {
        7: [(1, None), (4, "1"), (7, "4"), (8, "7")],
        8: [(2, None), (5, "2"), (11, "5")],
        9: [(9, None), (10, "9")],
    }


async def test_a_changed_event_breaks_the_chain_where_it_was_changed(pool: Pool) -> None:
    lease = await a_lease(pool)
    for i in range(5):
        async with transaction(pool) as connection:
            await events.append(connection, "camera_status", camera=f"C{i}", name="南门")
    await sequence_once(pool, lease)
    async with pool.acquire() as connection:
        assert await first_broken_link(connection) is None
        await connection.execute("ALTER TABLE log DISABLE TRIGGER log_append_only")
        await connection.execute("UPDATE log SET event = replace(event, 'C2', 'C9') WHERE n = 3")
        assert await first_broken_link(connection) == 3


async def test_an_event_of_a_transaction_that_failed_is_never_told(pool: Pool) -> None:
    lease = await a_lease(pool)
    try:
        async with transaction(pool) as connection:
            await events.append(connection, "camera_status", camera="C1")
            raise asyncio.CancelledError
    except asyncio.CancelledError:
        pass
    assert await sequence_once(pool, lease) == 0


@pytest.mark.parametrize(
    "text",
    [
        '{"type":"camera_status","task":"x"}',
        '{"type":"camera_status","task":99999999999999999999}',
        '{"type":"camera_status","task":1.5}',
        '{"type":"camera_status","task":true}',
        '{"type":"camera_status","task":-1}',
        '{"type":"camera_status","x":' + "9" * 5000 + ".5}",
        '{"type":"camera_status","x":' + "[" * 2000 + "]" * 2000 + "}",
        '{"type":"evidence_stored","evidence":["a"]}',
        '{"type":"evidence_stored","task":7,"deed":"d1","commitment":""}',
        '{"type":"finding_found","task":7,"found":[]}',
        '{"type":"camera_status","task":7,"clocks":[],"decided_at":"x"}',
        '{"type":"evidence_stored","evidence":"' + "".join(f"{i:x}" for i in range(2000)) + '"}',
    ],
)
async def test_what_no_reader_could_take_is_told_as_refused_and_stops_nobody(pool: Pool, text: str) -> None:
    lease = await a_lease(pool)
    await pool.execute("INSERT INTO event_queue (event) VALUES ($1::text::jsonb)", text)
    async with transaction(pool) as connection:
        await events.append(connection, "task_opened", task=7)
    assert await sequence_once(pool, lease) == 2
    told = await pool.fetch("SELECT event::jsonb ->> 'type' AS type, task_id FROM log ORDER BY n")
    assert [tuple(r) for r in told] == [("event_refused", None), ("task_opened", 7)]
    async with pool.acquire() as connection:
        assert await first_broken_link(connection) is None
