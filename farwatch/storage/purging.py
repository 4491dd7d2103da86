"""The end of evidence beyond its quota: oldest first, by class, and never of an open case.

First the row says `purged` and why, then the bytes go, then the log is told: a kill at any instruction leaves the next
round what is left to do. Before the bytes go it is asked once more whether the case is open, since that may be so by then.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from farwatch.domain.policy import EvidenceRule
from farwatch.storage import events
from farwatch.storage.blobs import BlobStore
from farwatch.storage.database import Connection, Pool, Record, transaction

ROWS_A_STEP = 5000
STEP_TIMEOUT_S = 600.0
"""Sums all evidence there is: three seconds for 300,000 rows on a busy machine."""
GB = 1_000_000_000
YOUNG = timedelta(hours=1)
"""Bytes kept so lately may belong to a row that is not committed yet; they go in a later round."""

# A closed case that was opened again is open with all its evidence. What nobody has decided about yet may become a case.
# Curves of readings are small and stay.
_OPEN_TASKS = """open_tasks AS (
  SELECT id, reopened_from FROM tasks WHERE state <> 'closed'
  UNION SELECT t.id, t.reopened_from FROM tasks t JOIN open_tasks o ON t.id = o.reopened_from
)"""
_IS_OPEN = """(e.task_id IN (SELECT id FROM open_tasks) OR m.task_id IN (SELECT id FROM open_tasks)
  OR (f.id IS NOT NULL AND f.disposition IS NULL)
  OR EXISTS (SELECT FROM warnings w WHERE w.finding_id = f.id AND w.state = 'open'))"""
_PIECES = """FROM evidence e LEFT JOIN findings f ON f.id = e.finding_id
  LEFT JOIN matter_findings mf ON mf.finding_id = e.finding_id LEFT JOIN matters m ON m.id = mf.matter_id"""
_OVER_QUOTA = f"""
WITH RECURSIVE {_OPEN_TASKS}, classed AS (
  SELECT e.id, coalesce(e.size_bytes, 0) AS size_bytes, e.stored_at, CASE
      WHEN {_IS_OPEN} THEN 'open'
      WHEN e.kind = 'clip_copy' THEN 'copies'
      WHEN f.tier = 'fault' THEN 'faults'
      WHEN e.task_id IS NULL AND m.id IS NULL THEN 'recorded'
      ELSE 'closed' END AS class
  {_PIECES} WHERE e.state = 'stored' AND e.kind <> 'readings'
), summed AS (
  SELECT id, class, stored_at, sum(size_bytes) OVER (PARTITION BY class ORDER BY stored_at DESC, id) AS kept_bytes FROM classed
)
UPDATE evidence SET state = 'purged', purged_at = clock_timestamp(), reason = 'quota_' || over.class
FROM (SELECT s.id, s.class FROM summed s JOIN unnest($1::text[], $2::bigint[]) AS quota (class, bytes) USING (class)
  WHERE s.kept_bytes > quota.bytes ORDER BY s.stored_at, s.id LIMIT $3) AS over
WHERE evidence.id = over.id AND evidence.state = 'stored' RETURNING evidence.id
"""
_TO_ERASE = """
SELECT sha256, array_agg(id) AS ids FROM evidence WHERE state = 'purged' AND erased_at IS NULL
GROUP BY sha256 ORDER BY min(purged_at)
"""
# Who opens one of these again refers to its row, and so waits until the lock is let go.
_LOCK_CASES = f"""
WITH RECURSIVE line AS (
  SELECT coalesce(e.task_id, m.task_id) AS id {_PIECES} WHERE e.id = ANY($1)
  UNION SELECT t.id FROM tasks t JOIN line ON t.reopened_from = line.id
) SELECT FROM tasks WHERE id IN (SELECT id FROM line) ORDER BY id FOR UPDATE
"""
_AS_IT_IS_NOW = f"""
WITH RECURSIVE {_OPEN_TASKS}
SELECT e.id, e.kind, e.finding_id, e.sha256, coalesce(e.size_bytes, 0) AS size_bytes, e.reason,
  coalesce(e.task_id, m.task_id) AS task, {_IS_OPEN} AS is_open,
  EXISTS (SELECT FROM evidence s WHERE s.state = 'stored' AND s.sha256 = e.sha256) AS is_shared
{_PIECES} WHERE e.id = ANY($1)
"""


@dataclass(frozen=True, slots=True)
class Purged:
    """`rows` that were taken this time, the bytes of those whose end is now in the log, and how many were put back."""

    rows: int = 0
    erased_bytes: int = 0
    put_back: int = 0


async def purge(pool: Pool, blobs: BlobStore, keep: EvidenceRule, now: datetime) -> Purged:
    """One round. OSError of the disk goes to the caller; the next round goes on."""
    quotas = {
        "closed": keep.closed_gb, "recorded": keep.recorded_gb, "faults": keep.faults_gb, "copies": keep.copies_gb,
    }  # fmt: skip
    total = 0
    while True:
        async with transaction(pool) as connection:
            rows = await _give_up(connection, quotas)
        total += rows
        if rows < ROWS_A_STEP:
            return Purged(total, *await _erase(pool, blobs, now - YOUNG))


async def _give_up(connection: Connection, quotas_gb: Mapping[str, float]) -> int:
    limits = [round(gb * GB) for gb in quotas_gb.values()]
    rows = await connection.fetch(_OVER_QUOTA, list(quotas_gb), limits, ROWS_A_STEP, timeout=STEP_TIMEOUT_S)
    await connection.execute(
        "UPDATE evidence SET state = 'lost', reason = 'original_purged' WHERE state = 'pending' AND derived_from = ANY($1)",
        [row["id"] for row in rows],
    )
    return len(rows)


async def _erase(pool: Pool, blobs: BlobStore, older_than: datetime) -> tuple[int, int]:
    """Deletes the bytes that only purged rows of no open case name, and tells each row's end."""
    await asyncio.to_thread(blobs.sweep, older_than)
    erased_bytes = put_back = 0
    for same in await pool.fetch(_TO_ERASE):
        async with transaction(pool) as connection:
            await connection.execute(_LOCK_CASES, same["ids"])
            rows = await connection.fetch(_AS_IT_IS_NOW, same["ids"])
            held = [row["id"] for row in rows if row["is_open"]]
            is_held = bool(held) and await asyncio.to_thread(blobs.verify, same["sha256"])
            if is_held:
                await _put_back(connection, held)
                put_back += len(held)
                rows = [row for row in rows if not row["is_open"]]
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
