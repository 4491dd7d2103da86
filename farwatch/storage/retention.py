"""The end of what is old: readings and revisions in whole partitions or chunks, dead letters and officers' ways row by row.

Evidence, findings, reviews and the log are not of these classes: they hold copies of what they cite and stay.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from farwatch.domain.policy import RetentionRule
from farwatch.storage import positions, visits
from farwatch.storage.database import Pool, transaction

LETTERS_A_STEP = 5_000
LOCK_TIMEOUT = "300ms"
"""Dropping a partition locks its table for a moment, behind whoever reads it: rather later than in the way of the intake."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """`tracks` are points of officers' ways, `addresses` hashes of from where comments on visits came. `busy`: a table was in use
    throughout; the next round tries again."""

    partitions: int = 0
    letters: int = 0
    busy: bool = False
    tracks: int = 0
    addresses: int = 0


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
    letters = await _drop_letters(pool, now - timedelta(days=keep.dead_letters_days))
    tracks = await positions.drop_tracks(pool, now - timedelta(days=keep.tracks_days))
    addresses = await visits.forget_addresses(pool, now - timedelta(days=keep.tracks_days))
    return Dropped(partitions, letters, busy, tracks, addresses)


async def _drop_letters(pool: Pool, before: datetime) -> int:
    total = 0
    while True:
        done: int = await pool.fetchval(
            "WITH old AS (DELETE FROM dead_letters WHERE id IN"
            " (SELECT id FROM dead_letters WHERE received_at < $1 LIMIT $2) RETURNING 1) SELECT count(*) FROM old",
            before,
            LETTERS_A_STEP,
        )
        total += done
        if done < LETTERS_A_STEP:
            await pool.execute("DELETE FROM dead_letter_counts WHERE day < $1", before.date())
            return total
