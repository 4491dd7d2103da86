"""The end of evidence beyond its quota or its years: oldest first, by class, never of an open or a held case.

First the row says `purged` and why, then the bytes go, then the log is told: a kill at any instruction leaves the next
round what is left to do. Before the bytes go it is asked once more whether the case is kept, since that may be so by then.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from farwatch.domain.policy import EvidenceRule, NOfM
from farwatch.storage import events
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Connection, Pool, Record, transaction

ROWS_A_STEP = 5000
STEP_TIMEOUT_S = 600.0
"""Sums all evidence there is: three seconds for 300,000 rows on a busy machine."""
GB = 1_000_000_000
DAYS_A_YEAR = 365.25
YOUNG = timedelta(hours=1)
"""Bytes kept so lately may belong to a row that is not committed yet; they go in a later round."""

# A closed case that was opened again is open with all its evidence; a held one is held with all visits of its line. What nobody has
# decided about yet may become a case, and so may what a silence holds back, or what still counts towards n of m. A case
# that somebody reviewed has its years, not a quota. Curves of readings are small and stay.
_CASES = """open_tasks AS (
  SELECT id, reopened_from FROM tasks WHERE state <> 'closed'
  UNION SELECT t.id, t.reopened_from FROM tasks t JOIN open_tasks o ON t.id = o.reopened_from
), kept_tasks AS (SELECT id FROM open_tasks UNION SELECT id FROM held_tasks),
confirmed AS MATERIALIZED (SELECT id, closed_at < $1 AS is_over FROM confirmed_tasks)"""
_IS_KEPT = """(e.task_id IN (SELECT id FROM kept_tasks) OR m.task_id IN (SELECT id FROM kept_tasks)
  OR (f.id IS NOT NULL AND f.disposition IS NULL)
  OR (f.disposition = 'silenced' AND f.ended_at IS NULL
    AND EXISTS (SELECT FROM silences s WHERE s.id = f.silence_id AND s.judged_at IS NULL))
  OR (f.disposition = 'counted' AND EXISTS (SELECT FROM jsonb_to_recordset($2) AS r (rule text, tier text, within_s float8)
    WHERE r.rule = f.rule AND r.tier = f.tier AND f.found_at > clock_timestamp() - make_interval(secs => r.within_s)))
  OR EXISTS (SELECT FROM warnings w WHERE w.finding_id = f.id AND w.state = 'open'))"""
_OF_CONFIRMED = "coalesce(e.task_id, m.task_id) IN (SELECT id FROM confirmed WHERE {which})"
_IS_OVER = _OF_CONFIRMED.format(which="is_over")
_IS_CONFIRMED = _OF_CONFIRMED.format(which="NOT coalesce(is_over, false)")
_PIECES = """FROM evidence e LEFT JOIN findings f ON f.id = e.finding_id
  LEFT JOIN matter_findings mf ON mf.finding_id = e.finding_id LEFT JOIN matters m ON m.id = mf.matter_id"""
_OVER_QUOTA = f"""
WITH RECURSIVE {_CASES}, classed AS (
  SELECT e.id, coalesce(e.size_bytes, 0) AS size_bytes, e.stored_at, CASE
      WHEN {_IS_KEPT} THEN 'kept'
      WHEN {_IS_OVER} THEN 'retention'
      WHEN e.kind = 'clip_copy' THEN 'copies'
      WHEN {_IS_CONFIRMED} THEN 'confirmed'
      WHEN f.tier = 'fault' THEN 'faults'
      WHEN e.task_id IS NULL AND m.id IS NULL THEN 'recorded'
      ELSE 'closed' END AS class
  {_PIECES} WHERE e.state = 'stored' AND e.kind <> 'readings'
), summed AS (
  SELECT id, class, stored_at, sum(size_bytes) OVER (PARTITION BY class ORDER BY stored_at DESC, id) AS kept_bytes FROM classed
)
UPDATE evidence SET state = 'purged', purged_at = clock_timestamp(), reason = over.reason
FROM (SELECT s.id, quota.reason FROM summed s JOIN unnest($3::text[], $4::text[], $5::bigint[]) AS quota (class, reason, bytes)
  USING (class) WHERE s.kept_bytes > quota.bytes ORDER BY s.stored_at, s.id LIMIT $6) AS over
WHERE evidence.id = over.id AND evidence.state = 'stored' RETURNING evidence.id
"""
_TO_ERASE = """
SELECT sha256, array_agg(id) AS ids FROM evidence WHERE state = 'purged' AND erased_at IS NULL
GROUP BY sha256 ORDER BY min(purged_at)
"""
# Who opens one of these again, or sets a hold, refers to its row, and so waits until the lock is let go.
_LOCK_CASES = f"""
WITH RECURSIVE line AS (
  SELECT t.id, t.reopened_from FROM tasks t WHERE t.id IN (SELECT coalesce(e.task_id, m.task_id) {_PIECES} WHERE e.id = ANY($1))
  UNION SELECT t.id, t.reopened_from FROM tasks t JOIN line l ON t.reopened_from = l.id OR t.id = l.reopened_from
) SELECT FROM tasks WHERE id IN (SELECT id FROM line) ORDER BY id FOR UPDATE
"""
_AS_IT_IS_NOW = f"""
WITH RECURSIVE {_CASES}
SELECT e.id, e.kind, e.finding_id, e.sha256, coalesce(e.size_bytes, 0) AS size_bytes, e.reason,
  coalesce(e.task_id, m.task_id) AS task,
  {_IS_KEPT} OR (e.kind <> 'clip_copy' AND coalesce({_IS_CONFIRMED}, false)) AS is_kept,
  EXISTS (SELECT FROM evidence s WHERE s.state = 'stored' AND s.sha256 = e.sha256) AS is_shared
{_PIECES} WHERE e.id = ANY($3)
"""


@dataclass(frozen=True, slots=True)
class Purged:
    """`rows` that were taken this time, the bytes of those whose end is now in the log, and how many were put back."""

    rows: int = 0
    erased_bytes: int = 0
    put_back: int = 0


@dataclass(frozen=True, slots=True)
class _Rules:
    """What is kept by time: evidence of confirmed cases that were closed after `over_at`, and what a rule has counted for as long
    as it can make its number full."""

    over_at: datetime
    counting: list[dict[str, str | float]]


async def purge(
    pool: Pool, blobs: BlobStore, keep: EvidenceRule, years: int, now: datetime, counting: Sequence[NOfM] = ()
) -> Purged:
    """One round; evidence of confirmed cases goes `years` after their close, and what one of the `counting` rules has counted stays
    for that rule's time. OSError of the disk goes to the caller; the next round goes on."""
    rules = _Rules(
        now - timedelta(days=years * DAYS_A_YEAR),
        [{"rule": r.rule, "tier": r.tier, "within_s": r.within_s} for r in counting],
    )
    quotas = {
        "closed": keep.closed_gb, "recorded": keep.recorded_gb, "faults": keep.faults_gb, "copies": keep.copies_gb,
    }  # fmt: skip
    limits = [(name, f"quota_{name}", round(gb * GB)) for name, gb in quotas.items()]
    total = 0
    while True:
        async with transaction(pool) as connection:
            rows = await _give_up(connection, rules, [*limits, ("retention", "retention", 0)])
        total += rows
        if rows < ROWS_A_STEP:
            return Purged(total, *await _erase(pool, blobs, rules, now - YOUNG))


async def _give_up(connection: Connection, rules: _Rules, limits: Sequence[tuple[str, str, int]]) -> int:
    """`limits`: of each class its name, the reason for what goes, and how many bytes may stay."""
    columns = [list(column) for column in zip(*limits, strict=True)]
    rows = await connection.fetch(
        _OVER_QUOTA, rules.over_at, rules.counting, *columns, ROWS_A_STEP, timeout=STEP_TIMEOUT_S
    )
    await connection.execute(
        "UPDATE evidence SET state = 'lost', reason = 'original_purged' WHERE state = 'pending' AND derived_from = ANY($1)",
        [row["id"] for row in rows],
    )
    return len(rows)


async def _erase(pool: Pool, blobs: BlobStore, rules: _Rules, older_than: datetime) -> tuple[int, int]:
    """Deletes the bytes that only purged rows of no case that is kept name, and tells each row's end."""
    await asyncio.to_thread(blobs.sweep, older_than)
    erased_bytes = put_back = 0
    for same in await pool.fetch(_TO_ERASE):
        async with transaction(pool) as connection:
            await connection.execute(_LOCK_CASES, same["ids"])
            rows = await connection.fetch(_AS_IT_IS_NOW, rules.over_at, rules.counting, same["ids"])
            held = [row["id"] for row in rows if row["is_kept"]]
            is_held = bool(held) and await asyncio.to_thread(blobs.verify, same["sha256"])
            if is_held:
                await _put_back(connection, held)
                put_back += len(held)
                rows = [row for row in rows if not row["is_kept"]]
            is_named = is_held or any(row["is_shared"] for row in rows)
            if is_named or await asyncio.to_thread(blobs.remove, same["sha256"], older_than=older_than):
                for row in rows:
                    await _tell(connection, row)
                    erased_bytes += row["size_bytes"]
    return erased_bytes, put_back


async def _put_back(connection: Connection, ids: Sequence[UUID]) -> None:
    """Stored again, and copies that had yet to be made of them are due again."""
    await connection.execute(
        "UPDATE evidence SET state = 'stored', purged_at = NULL, reason = NULL WHERE id = ANY($1)", ids
    )
    await connection.execute(
        "UPDATE evidence SET state = 'pending', reason = NULL"
        " WHERE state = 'lost' AND reason = 'original_purged' AND derived_from = ANY($1)",
        ids,
    )


async def _tell(connection: Connection, row: Record) -> None:
    done = await connection.fetchval(
        "UPDATE evidence SET erased_at = clock_timestamp() WHERE id = $1 AND erased_at IS NULL RETURNING id",
        row["id"],
    )
    if done is not None:
        finding = row["finding_id"]
        await events.append(
            connection, "evidence_purged", task=row["task"], evidence=str(row["id"]), kind=row["kind"],
            finding=None if finding is None else str(finding), sha256=row["sha256"], reason=row["reason"],
        )  # fmt: skip
