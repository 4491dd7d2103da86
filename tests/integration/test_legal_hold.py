"""What is held or confirmed outlives quotas and years, also when holding and purging run into each other."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest

from farwatch.domain.policy import RetentionRule
from farwatch.storage import holds
from farwatch.storage.database import transaction
from farwatch.storage.purging import Purged, purge
from farwatch.storage.retention import drop_old
from tests.integration.test_purging import (
    KEPT,
    LATER,
    NOTHING,
    NOW,
    YEARS,
    Rows,
    blobs,
    purging_waits_for,
    rows,
)
from tests.support.waiting import until_somebody_waits

__all__ = ["blobs", "rows"]  # fixtures

GONE = ("purged", "quota_closed", False)
EXPIRED = ("purged", "retention", False)


async def hold(rows: Rows, task: int) -> None:
    async with transaction(rows.pool) as connection:
        await holds.put(connection, task, by="bo", reason="appeal")


async def lift(rows: Rows, task: int) -> None:
    async with transaction(rows.pool) as connection:
        assert await holds.lift(connection, task, by="ada", note="the court has decided")


async def a_piece(rows: Rows, task: int, **more: Any) -> uuid.UUID:
    return await rows.piece(await rows.finding(task), **more)


async def test_a_held_case_is_never_purged_and_once_it_is_lifted_it_is_as_any_other(rows: Rows) -> None:
    closed = await rows.task("closed")
    pieces = [
        await a_piece(rows, closed),
        await a_piece(rows, closed, kind="clip_copy"),
        await rows.piece(task=closed),
    ]
    await hold(rows, closed)
    assert await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW) == Purged()
    assert await rows.states(*pieces) == [KEPT] * 3
    await lift(rows, closed)
    assert (await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)).rows == 3


async def test_a_hold_keeps_every_visit_of_its_line(rows: Rows) -> None:
    first = await rows.task("closed")
    second = await rows.task("closed", first)
    third = await rows.task("closed", second)
    other = await rows.task("closed")
    pieces = [await a_piece(rows, task) for task in (first, second, third, other)]
    await hold(rows, second)
    assert [await holds.is_held(rows.pool, t) for t in (first, second, third, other)] == [
        True,
        True,
        True,
        False,
    ]
    assert (await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)).rows == 1
    assert await rows.states(*pieces) == [KEPT, KEPT, KEPT, GONE]


async def test_a_hold_is_set_once_says_who_and_why_and_can_be_set_again_after_it_was_lifted(
    rows: Rows,
) -> None:
    task = await rows.task("closed")
    await hold(rows, task)
    async with transaction(rows.pool) as connection:
        again = await holds.put(connection, task, by="ada", reason="another")
        assert (again["set_by"], again["reason"]) == ("bo", "appeal")
    await lift(rows, task)
    async with transaction(rows.pool) as connection:
        assert await holds.lift(connection, task, by="ada", note="again") is None
    await hold(rows, task)
    told = [r["event"] for r in await rows.pool.fetch("SELECT event FROM event_queue ORDER BY id")]
    assert [(e["type"], e["actor"], e.get("reason") or e.get("note")) for e in told] == [
        ("hold_set", "bo", "appeal"),
        ("hold_lifted", "ada", "the court has decided"),
        ("hold_set", "bo", "appeal"),
    ]


async def test_a_hold_set_after_the_row_went_and_before_the_bytes_did_keeps_the_bytes(rows: Rows) -> None:
    closed = await rows.task("closed")
    piece = await a_piece(rows, closed, young=True)
    assert (await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)).rows == 1
    await hold(rows, closed)
    assert (await purge(rows.pool, rows.blobs, NOTHING, YEARS, LATER)).put_back == 1
    assert await rows.states(piece) == [KEPT]


async def test_who_purges_waits_for_who_is_just_setting_a_hold_on_an_earlier_visit(rows: Rows) -> None:
    first = await rows.task("closed")
    piece = await a_piece(rows, await rows.task("closed", first), young=True)
    await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)
    async with purging_waits_for(rows, LATER) as connection:
        await holds.put(connection, first, by="bo", reason="appeal")
    assert await rows.states(piece) == [KEPT]


async def test_who_sets_a_hold_waits_for_who_is_just_taking_the_bytes(rows: Rows) -> None:
    """Either way round nobody who was answered that it is held loses a byte: here they were gone before."""
    closed = await rows.task("closed")
    piece = await a_piece(rows, closed, young=True)
    await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)

    async with transaction(rows.pool) as purging:
        await purging.execute("SELECT FROM tasks WHERE id = $1 FOR UPDATE", closed)
        async with asyncio.TaskGroup() as group:
            holding = group.create_task(hold(rows, closed))
            await until_somebody_waits(rows.pool)
            assert not holding.done()
            rows.blobs.path(await rows.pool.fetchval("SELECT sha256 FROM evidence")).unlink()
            await purging.execute("UPDATE evidence SET erased_at = now()")
            await purging.execute("COMMIT; BEGIN")
    await purge(rows.pool, rows.blobs, NOTHING, YEARS, LATER)
    assert await rows.states(piece) == [GONE]


async def confirm(rows: Rows, task: int, closed_at: Any) -> None:
    await rows.pool.execute("UPDATE tasks SET closed_at = $2 WHERE id = $1", task, closed_at)
    await rows.pool.execute(
        "INSERT INTO case_reviews (task_id, part, verdict, reviewer, pieces) SELECT $1, part, 'passed', part, case_pieces($1)"
        " FROM unnest(ARRAY['legal', 'technical']) AS part",
        task,
    )


async def test_a_confirmed_case_has_its_years_whatever_the_quota_and_then_it_goes(rows: Rows) -> None:
    young, old, held, plain = [await rows.task("closed") for _ in range(4)]
    pieces = [await a_piece(rows, task) for task in (young, old, held, plain)]
    copy = await a_piece(rows, old, kind="clip_copy")
    await confirm(rows, young, NOW - timedelta(days=9 * 365))
    await confirm(rows, old, NOW - timedelta(days=10 * 365.25 + 1))
    await confirm(rows, held, NOW - timedelta(days=20 * 365))
    await hold(rows, held)
    assert (await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)).rows == 3
    assert await rows.states(*pieces, copy) == [KEPT, EXPIRED, KEPT, GONE, EXPIRED]


async def test_a_case_with_a_decision_about_a_penalty_is_confirmed_too_until_that_is_withdrawn(
    rows: Rows,
) -> None:
    task = await rows.task("closed")
    piece = await a_piece(rows, task)
    await rows.pool.execute("UPDATE tasks SET outcome = 'handled', closed_at = $1", NOW)
    await rows.pool.execute(
        "INSERT INTO penalty_decisions (task_id, matter_id, suggestion_key, suggestion_params, list_version, decision, note, salt,"
        " decided_by, decided_at) SELECT $1, id, 'again', '{}', 1, 'penalty', '', '', 'bo', now() FROM matters",
        task,
    )
    assert await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW) == Purged()
    await rows.pool.execute("UPDATE penalty_decisions SET withdrawn_at = now()")
    assert (await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)).rows == 1
    assert await rows.states(piece) == [GONE]


async def test_a_case_confirmed_before_the_bytes_went_is_put_back(rows: Rows) -> None:
    task = await rows.task("closed")
    piece = await a_piece(rows, task, young=True)
    await purge(rows.pool, rows.blobs, NOTHING, YEARS, NOW)
    await confirm(rows, task, NOW)
    assert (await purge(rows.pool, rows.blobs, NOTHING, YEARS, LATER)).put_back == 1
    assert await rows.states(piece) == [KEPT]


@pytest.mark.parametrize("is_held", [False, True])
async def test_officers_ways_end_after_their_days_but_for_a_held_case(rows: Rows, *, is_held: bool) -> None:
    task = await rows.task("closed")
    for days in (1, 40):
        await rows.pool.execute(
            "INSERT INTO officer_tracks (officer, at, lat, lon, task_id) VALUES ('o1', $1, 30, 120, $2)",
            NOW - timedelta(days=days),
            task,
        )
    if is_held:
        await hold(rows, task)
    assert (await drop_old(rows.pool, RetentionRule(tracks_days=30), NOW)).tracks == (0 if is_held else 1)
