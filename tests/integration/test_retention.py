"""What is old goes in whole partitions (chunks on TimescaleDB); what can still come in, and evidence, stays."""

from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.policy import RetentionRule
from farwatch.storage.database import Pool
from farwatch.storage.retention import Dropped, drop_old

NOW = datetime.now(UTC)  # noqa: TID251
ROW = "(1, 'rtd', $1, 1, NULL, NULL, NULL, NULL, 'N', $1, false, 0)"
KEEP = RetentionRule(readings_days=440, revisions_days=800, dead_letters_days=100)


async def _write(pool: Pool, table: str, *days: int) -> None:
    for day in days:
        at = NOW - timedelta(days=day)
        await pool.execute("SELECT ensure_partitions($1)", at + timedelta(days=390))
        await pool.execute(f"INSERT INTO {table} VALUES {ROW}", at)


async def _ages(pool: Pool, table: str) -> list[int]:
    return [(NOW - r["ts"]).days for r in await pool.fetch(f"SELECT ts FROM {table} ORDER BY ts DESC")]


async def test_whole_partitions_end_and_each_class_has_its_own_time(pool: Pool) -> None:
    await _write(pool, "readings", 1, 399, 439, 480, 700)
    await _write(pool, "reading_revisions", 399, 700, 840)
    assert (await drop_old(pool, KEEP, NOW)).partitions >= 2
    assert await _ages(pool, "readings") == [1, 399, 439]
    assert await _ages(pool, "reading_revisions") == [399, 700]
    assert (await drop_old(pool, KEEP, NOW)) == Dropped()
    await pool.execute("SELECT ensure_partitions(now())")
    assert (await drop_old(pool, KEEP, NOW)) == Dropped(), "what was dropped is not made again"


async def test_what_can_still_come_in_is_never_dropped(pool: Pool) -> None:
    with pytest.raises(Exception, match="still taken in"):
        await drop_old(pool, RetentionRule(readings_days=100), NOW)
    with pytest.raises(Exception, match="still taken in"):
        await pool.execute("SELECT drop_readings_before('findings', '2000-01-01')")


async def test_old_dead_letters_go_in_steps_and_their_counts_with_them(pool: Pool) -> None:
    await pool.execute(
        "INSERT INTO dead_letters (source, topic, payload, sha256, reason, day, received_at)"
        " SELECT 'x', 't', '', n::text::bytea, 'bad_json', ($1::timestamptz)::date, $1 FROM generate_series(1, 6000) n",
        NOW - timedelta(days=120),
    )
    await pool.execute(
        "INSERT INTO dead_letter_counts VALUES ('x', $1, 'bad_json', 6000, 6000), ('x', $2, 'bad_json', 1, 0)",
        (NOW - timedelta(days=120)).date(),
        NOW.date(),
    )
    assert (await drop_old(pool, KEEP, NOW)).letters == 6000
    assert await pool.fetchval("SELECT sum(total) FROM dead_letter_counts") == 1


async def test_a_table_in_use_is_left_for_the_next_round(pool: Pool) -> None:
    await _write(pool, "readings", 700)
    async with pool.acquire() as reader, reader.transaction():
        await reader.execute("LOCK TABLE readings IN ACCESS SHARE MODE")
        assert (await drop_old(pool, KEEP, NOW)).busy
    assert not (await drop_old(pool, KEEP, NOW)).busy
    assert await _ages(pool, "readings") == []


async def test_hours_for_screens_are_lowest_mean_and_highest(pool: Pool) -> None:
    hour = NOW.replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
    for minute, value in ((0, 1.0), (30, 2.0), (59, 6.0), (60, 9.0)):
        await pool.execute(
            "INSERT INTO readings VALUES (1, 'min', $1, $2, NULL, NULL, NULL, NULL, 'N', $1, false, 0)",
            hour + timedelta(minutes=minute),
            value,
        )
    rows = await pool.fetch("SELECT * FROM reading_hours(1, 'min', $1, $2)", hour, hour + timedelta(hours=1))
    assert [tuple(r) for r in rows] == [(hour, 3, 1.0, 3.0, 6.0)]


async def test_old_attempts_at_sending_notices_go_but_those_about_held_cases(pool: Pool) -> None:
    held, other = [
        await pool.fetchval(
            "INSERT INTO tasks (state, severity, lat, lon, opened_at, policy) VALUES ('closed', 2, 31, 121, now(), '{}')"
            " RETURNING id"
        )
        for _ in range(2)
    ]
    await pool.execute("INSERT INTO legal_holds (task_id, reason, set_by) VALUES ($1, 'court', 'chen')", held)
    for task in (held, other, None):
        await pool.execute(
            "WITH n AS (INSERT INTO notices (task_id, step, channel, target, message_key, message_params, state, next_attempt_at,"
            " created_at) VALUES ($1, 'offer', 'sms', 'o1', 'offered', '{}', 'failed', $2, $2) RETURNING id)"
            " INSERT INTO notice_attempts SELECT id, i, CASE WHEN i < 8 THEN $2 ELSE $3 END, 'sms', 'retried', NULL, 1 FROM n,"
            " generate_series(1, 8) AS i",
            task, NOW - timedelta(days=181), NOW - timedelta(days=179),
        )  # fmt: skip
    assert (await drop_old(pool, RetentionRule(attempts_days=180), NOW)).attempts == 14
    left = await pool.fetch(
        "SELECT task_id, count(*) AS n FROM notice_attempts a JOIN notices o ON o.id = a.notice_id GROUP BY 1 ORDER BY 1"
    )
    assert [tuple(r) for r in left] == [(held, 8), (other, 1), (None, 1)]
