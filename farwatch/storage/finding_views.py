"""What the pages read of findings: all of a month, also those that only were recorded. Drills are left out."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from farwatch.domain.finding import Kind
from farwatch.storage.database import Pool, Record, transaction
from farwatch.storage.task_views import EVIDENCE

Key = tuple[datetime, UUID]
"""A finding's place in the list: onset and id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Findings of a kind with onsets in [since, until); None: all."""

    kind: Kind
    since: datetime
    until: datetime
    mn: str | None = None
    rule: str | None = None


_FOUND = """
WITH page AS (
  SELECT id, rule, kind, tier, station, camera, code, enterprise, onset_at, found_at, ended_at, severity, reason_key,
    reason_params, late, disposition
  FROM findings WHERE kind = $1 AND onset_at >= $2 AND onset_at < $3 AND drill_id IS NULL
    AND ($4::text IS NULL OR station = $4) AND ($5::text IS NULL OR rule = $5)
    AND ($6::timestamptz IS NULL OR (onset_at, id) < ($6, $7::uuid))
  ORDER BY onset_at DESC, id DESC LIMIT $8
)
SELECT p.*, s.name AS station_name, e.name AS enterprise_name, m.task_id FROM page p
LEFT JOIN stations s ON s.mn = p.station LEFT JOIN enterprises e ON e.id = p.enterprise
LEFT JOIN matter_findings mf ON mf.finding_id = p.id LEFT JOIN matters m ON m.id = mf.matter_id
ORDER BY p.onset_at DESC, p.id DESC
"""


async def found(pool: Pool, wanted: Wanted, before: Key | None, limit: int) -> list[Record]:
    """At most `limit`, newest onset first, each with its task if there is one."""
    async with transaction(pool) as connection:
        # As for the register: a plan for any filter reads the whole month.
        await connection.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        rows: list[Record] = await connection.fetch(
            _FOUND, str(wanted.kind), wanted.since, wanted.until, wanted.mn, wanted.rule, *(before or (None, None)), limit
        )  # fmt: skip
    return rows


_OF_CAMERA = """
SELECT f.id, f.rule, f.kind, f.tier, f.zone, f.onset_at, f.found_at, f.ended_at, f.severity, f.reason_key, f.reason_params,
  f.disposition, f.drill_id, m.task_id
FROM findings f LEFT JOIN matter_findings mf ON mf.finding_id = f.id LEFT JOIN matters m ON m.id = mf.matter_id
WHERE f.camera = $1 ORDER BY f.onset_at DESC, f.id DESC LIMIT $2
"""


async def of_camera(pool: Pool, camera: str, limit: int) -> tuple[list[Record], list[Record]]:
    """The latest findings of a camera with their tasks, and all their evidence, in the order in which it was made."""
    async with pool.acquire() as connection:
        rows: list[Record] = await connection.fetch(_OF_CAMERA, camera, limit)
        evidence: list[Record] = await connection.fetch(
            f"SELECT {EVIDENCE}, ev.finding_id FROM evidence ev WHERE ev.finding_id = ANY($1) ORDER BY ev.created_at, ev.id",
            [r["id"] for r in rows],
        )
    return rows, evidence
