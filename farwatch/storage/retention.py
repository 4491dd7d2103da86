"""The end of what is old: readings and revisions in whole partitions or chunks; dead letters, attempts at sending notices and
officers' ways row by row.

Evidence, findings, reviews and the log are not of these classes: they hold copies of what they cite and stay.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from farwatch.domain.policy import RetentionRule
from farwatch.storage import positions, visits
from farwatch.storage.database import Pool, transaction

ROWS_A_STEP = 5_000
LOCK_TIMEOUT = "300ms"
"""Dropping a partition locks its table for a moment, behind whoever reads it: rather later than in the way of the intake."""
_LETTERS = """
WITH old AS (DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters WHERE received_at < $1 LIMIT $2) RETURNING 1)
SELECT count(*) FROM old
"""
_LETTER_COUNTS = "DELETE FROM dead_letter_counts WHERE day < $1"
# Those about cases that are held stay.
_ATTEMPTS = """
WITH old AS (DELETE FROM notice_attempts WHERE (notice_id, n) IN (SELECT a.notice_id, a.n FROM notice_attempts a
  JOIN notices o ON o.id = a.notice_id WHERE a.at < $1 AND (o.task_id IS NULL OR o.task_id NOT IN (SELECT id FROM held_tasks))
  LIMIT $2) RETURNING 1)
SELECT count(*) FROM old
"""


@dataclass(frozen=True, slots=True)
class Dropped:
    """`tracks` are points of officers' ways, `addresses` hashes of from where comments on visits came, `attempts` those at sending
    notices. `busy`: a table was in use throughout; the next round tries again."""

    partitions: int = 0
    letters: int = 0
    busy: bool = False
    tracks: int = 0
    addresses: int = 0
    attempts: int = 0


async def drop_old(pool: Pool, keep: RetentionRule, now: datetime) -> Dropped:
    """One round; each class in transactions of its own."""
    partitions, busy = 0, False
    for table, days in (("readings", keep.readings_days), ("reading_revisions", keep.revisions_days)):
        try:
            async with transaction(pool) as connection:
                await connection.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
                partitions += await connection.fetchval(
                    "SELECT drop_readings_before($1, $2)", table, now - timedelta(days=days)
                )
        except asyncpg.LockNotAvailableError:
            busy = True
    letters = await _delete(pool, _LETTERS, now - timedelta(days=keep.dead_letters_days))
    await pool.execute(_LETTER_COUNTS, (now - timedelta(days=keep.dead_letters_days)).date())
    tracks = await positions.drop_tracks(pool, now - timedelta(days=keep.tracks_days))
    addresses = await visits.forget_addresses(pool, now - timedelta(days=keep.tracks_days))
    attempts = await _delete(pool, _ATTEMPTS, now - timedelta(days=keep.attempts_days))
    return Dropped(partitions, letters, busy, tracks, addresses, attempts)


async def _delete(pool: Pool, some: str, before: datetime) -> int:
    """In short transactions; returns how many rows went."""
    total, done = 0, ROWS_A_STEP
    while done == ROWS_A_STEP:
        done = await pool.fetchval(some, before, ROWS_A_STEP)
        total += done
    return total
