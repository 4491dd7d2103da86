"""Tasks for programs of others: newest first, by place and time, page by page."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from farwatch.storage.database import Connection, Pool, Record

Box = tuple[float, float, float, float]
"""West, south, east, north in degrees; with west beyond east it reaches over the antimeridian."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """`since` and `until` are both part of the interval that a task's life must touch; None: open on that side."""

    box: Box | None = None
    since: datetime | None = None
    until: datetime | None = None
    drills: bool = False


_TASKS = """
SELECT t.id, t.state, t.severity, t.lat, t.lon, t.grid, g.name AS grid_name, g.street, g.team, t.enterprise,
  e.name AS enterprise_name, t.opened_at, t.dispatched_at, t.accepted_at, t.arrived_at, t.handled_at, t.verified_at, t.closed_at,
  t.outcome, t.reopened_from, t.drill_id IS NOT NULL AS drill, t.officer,
  (SELECT array_agg(DISTINCT m.kind) FROM matters m WHERE m.task_id = t.id) AS kinds,
  (SELECT array_agg(m.found_at ORDER BY m.id) FROM matters m WHERE m.task_id = t.id) AS found_at,
  (SELECT min(m.event_at) FROM matters m WHERE m.task_id = t.id) AS event_at,
  (SELECT m.event_at FROM matters m WHERE m.task_id = t.id ORDER BY m.id LIMIT 1) AS first_event_at,
  (SELECT bool_or(m.camera IS NOT NULL) FROM matters m WHERE m.task_id = t.id) AS by_camera,
  (SELECT bool_or(m.station IS NOT NULL) FROM matters m WHERE m.task_id = t.id) AS by_station,
  (SELECT array_agg(DISTINCT d.kind) FROM deadlines d WHERE d.task_id = t.id AND d.state = 'breached'
    AND d.kind IN ('accept', 'arrive', 'handle')) AS breaches,
  (SELECT min(d.due_at) FROM deadlines d WHERE d.task_id = t.id AND d.kind = 'handle') AS handle_due_at,
  (SELECT bool_or(d.excused_at IS NOT NULL) FROM deadlines d WHERE d.task_id = t.id) AS excused
FROM tasks t LEFT JOIN grids g ON g.id = t.grid LEFT JOIN enterprises e ON e.id = t.enterprise
"""
_PAGE = f"""{_TASKS} WHERE ($1::bigint IS NULL OR t.id < $1) AND ($2 OR t.drill_id IS NULL)
  AND ($3::float8 IS NULL OR (t.lat BETWEEN $4 AND $6
    AND CASE WHEN $3 <= $5 THEN t.lon BETWEEN $3 AND $5 ELSE t.lon >= $3 OR t.lon <= $5 END))
  AND ($7::timestamptz IS NULL OR t.closed_at IS NULL OR t.closed_at >= $7) AND ($8::timestamptz IS NULL OR t.opened_at <= $8)
ORDER BY t.id DESC LIMIT $9"""
_OPENED = f"""{_TASKS} WHERE t.opened_at >= $1 AND t.opened_at < $2 AND t.drill_id IS NULL AND ($3::bigint IS NULL OR t.id < $3)
ORDER BY t.id DESC LIMIT $4"""
# All that is open, and what was closed lately: what is told of any other case was told before. Told: by the log, of these types.
_RECENT = f"""{_TASKS} CROSS JOIN LATERAL (
  SELECT max(l.at) AS at FROM log l WHERE l.task_id = t.id AND l.at >= $1 AND l.event::jsonb ->> 'type' = ANY($4)) AS told
WHERE t.id IN (SELECT id FROM tasks WHERE state <> 'closed' UNION ALL SELECT id FROM tasks WHERE closed_at >= $1)
  AND told.at IS NOT NULL AND t.severity >= $2 AND ($3 OR t.drill_id IS NULL) ORDER BY told.at DESC, t.id DESC LIMIT $5"""
_TOLD = """SELECT l.task_id, l.at, l.event::jsonb AS event FROM log l
WHERE l.task_id = ANY($1::bigint[]) AND l.event::jsonb ->> 'type' = ANY($2) ORDER BY l.n"""


async def tasks(pool: Pool, wanted: Wanted, before: int | None, limit: int) -> list[Record]:
    """At most `limit` tasks with ids below `before`: what is opened meanwhile changes no page that follows."""
    box = wanted.box or (None, None, None, None)
    rows: list[Record] = await pool.fetch(
        _PAGE, before, wanted.drills, *box, wanted.since, wanted.until, limit
    )
    return rows


async def task(pool: Pool, id: int) -> Record | None:
    return await pool.fetchrow(f"{_TASKS} WHERE t.id = $1", id)


async def opened(
    pool: Pool, since: datetime, until: datetime, before: int | None, limit: int
) -> list[Record]:
    """Those opened in [since, until), newest first, drills left out."""
    rows: list[Record] = await pool.fetch(_OPENED, since, until, before, limit)
    return rows


async def recent(
    pool: Pool, since: datetime, severity: int, limit: int, types: Collection[str], *, drills: bool
) -> list[Record]:
    """Those of at least this severity of which an entry of these types was added to the log since then, by the newest one."""
    rows: list[Record] = await pool.fetch(_RECENT, since, severity, drills, list(types), limit)
    return rows


async def told(pool: Pool, tasks: Sequence[int], types: Collection[str]) -> list[Record]:
    """`task_id`, `at` and `event` of the log's entries of these types about these tasks, in their order."""
    rows: list[Record] = await pool.fetch(_TOLD, list(tasks), list(types))
    return rows


async def first_opened_at(connection: Connection | Pool) -> datetime | None:
    at: datetime | None = await connection.fetchval(
        "SELECT opened_at FROM tasks WHERE drill_id IS NULL ORDER BY opened_at LIMIT 1"
    )
    return at
