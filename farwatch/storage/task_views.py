"""What the pages read about tasks: a page of them with matters, evidence and deadlines in four statements."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from farwatch.storage.database import Connection, Pool, Record

EVIDENCE_PER_MATTER = 40
TIMELINE_MAX = 1000

# An officer sees the tasks he holds, was ever offered, or is asked to take over; $1 is null for the roles that see all.
_VISIBLE = "($1::text IS NULL OR t.officer = $1 OR t.handover_to = $1 OR $1 = ANY(t.offered_to) OR $1 = ANY(t.declined_by))"
_TASKS = """SELECT t.id, t.state, t.severity, t.lat, t.lon, t.grid, t.enterprise, e.name AS enterprise_name, t.officer,
  t.offered_to, t.declined_by, t.dispatch_reason, t.dispatch_params, t.opened_at, t.dispatched_at, t.delivered_at, t.accepted_at,
  t.arrived_at, t.handled_at, t.verified_at, t.closed_at, t.outcome, t.drill_id, t.handover_to, t.closed_reason,
  t.reopened_from, t.storm_id AS storm, (SELECT min(n.id) FROM tasks n WHERE n.reopened_from = t.id) AS followed_by
FROM tasks t LEFT JOIN enterprises e ON e.id = t.enterprise"""
_STATES = {"open": "t.state <> 'closed'", "closed": "t.state = 'closed'", "all": "true"}
EVIDENCE = (
    "ev.id, ev.kind, ev.state, ev.reason, ev.sha256, ev.size_bytes, ev.media_type, ev.derived_from, ev.captured_at,"
    " ev.camera, ev.meta, ev.sm3, ev.phone_sha256, ev.claimed_at"
)
_EVIDENCE_OF_MATTERS = f"""SELECT * FROM (
  SELECT mf.matter_id, {EVIDENCE},
    row_number() OVER (PARTITION BY mf.matter_id ORDER BY ev.created_at, ev.id) AS place
  FROM evidence ev JOIN matter_findings mf ON mf.finding_id = ev.finding_id WHERE mf.matter_id = ANY($1::bigint[])
) AS found WHERE place <= $2 ORDER BY matter_id, place"""


@dataclass(frozen=True, slots=True)
class TaskRows:
    """Rows of `tasks`, and of what hangs on them, to be grouped by `task_id` (evidence by `matter_id`).

    `deadlines` begin with those that still run, then those that were missed, then those of them that were excused, each in the
    order of their instants.
    """

    tasks: Sequence[Record]
    matters: Sequence[Record]
    evidence: Sequence[Record]
    deadlines: Sequence[Record]


async def page(pool: Pool, *, state: str, officer: str | None, before: int | None, limit: int) -> TaskRows:
    """At most `limit` tasks, newest first, with ids below `before`; those of `officer` only unless it is None."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        tasks = await connection.fetch(
            f"{_TASKS} WHERE {_VISIBLE} AND {_STATES[state]} AND ($2::bigint IS NULL OR t.id < $2) ORDER BY t.id DESC LIMIT $3",
            officer,
            before,
            limit,
        )
        return await _with_parts(connection, tasks)


async def one(pool: Pool, task: int, officer: str | None) -> TaskRows | None:
    """None when there is no such task, or none that this officer may see."""
    async with (
        pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        tasks = await connection.fetch(f"{_TASKS} WHERE {_VISIBLE} AND t.id = $2", officer, task)
        return await _with_parts(connection, tasks) if tasks else None


_MATTERS = """SELECT m.id, m.task_id, m.fingerprint, m.kind, m.station, m.camera, m.code, m.zone, m.event_at, m.found_at,
  m.accepted_at, m.arrived_at, m.ceased_at, m.closed_at, m.closed_reason, m.confirmed_by, m.severity, m.reason_key, m.reason_params,
  coalesce(m.lat, t.lat) AS lat, coalesce(m.lon, t.lon) AS lon,
  o.occurrences, greatest(m.found_at, o.last_found_at) AS last_found_at, coalesce(o.was_silenced, false) AS was_silenced
FROM matters m JOIN tasks t ON t.id = m.task_id CROSS JOIN LATERAL (
  SELECT count(*) AS occurrences, max(f.found_at) AS last_found_at, bool_or(f.silence_id IS NOT NULL) AS was_silenced
  FROM matter_findings mf JOIN findings f ON f.id = mf.finding_id WHERE mf.matter_id = m.id
) AS o WHERE m.task_id = ANY($1::bigint[]) ORDER BY m.id"""


async def _with_parts(connection: Connection, tasks: Sequence[Record]) -> TaskRows:
    ids = [t["id"] for t in tasks]
    matters = await connection.fetch(_MATTERS, ids)
    evidence = await connection.fetch(
        _EVIDENCE_OF_MATTERS,
        [m["id"] for m in matters],
        EVIDENCE_PER_MATTER,
    )
    deadlines = await connection.fetch(
        "SELECT task_id, matter_id, kind, due_at, state, excused_at, excused_by, excuse FROM deadlines"
        " WHERE task_id = ANY($1::bigint[]) AND kind IN ('accept', 'arrive', 'handle')"
        " ORDER BY state <> 'pending', state <> 'breached', excused_at IS NOT NULL, due_at, id",
        ids,
    )
    return TaskRows(tasks, matters, evidence, deadlines)


async def photos(pool: Pool, task: int) -> list[Record]:
    """The viewable copies of a task's photos; each names the original that it derives from."""
    rows: list[Record] = await pool.fetch(
        f"SELECT {EVIDENCE} FROM evidence ev WHERE ev.task_id = $1 AND ev.kind = 'photo' AND ev.derived_from IS NOT NULL"
        " ORDER BY ev.created_at, ev.id",
        task,
    )
    return rows


async def notices(pool: Pool, task: int) -> list[Record]:
    rows: list[Record] = await pool.fetch(
        "SELECT id, task_id, step, channel, target, message_key, message_params, state, attempts, error, created_at, sent_at,"
        " delivered_at, seen_at, accepted_at FROM notices"
        " WHERE task_id = $1 ORDER BY id",
        task,
    )
    return rows


async def holder(pool: Pool, task: int, officer: str | None) -> Record | None:
    """`state` and `officer` of a task, None when this officer may not see it."""
    return await pool.fetchrow(
        f"SELECT t.state, t.officer FROM tasks t WHERE {_VISIBLE} AND t.id = $2", officer, task
    )


_CHANGES_HOLDER = ("task_accepted", "task_handed_over", "task_reassigned", "task_closed")


async def held_at(pool: Pool, task: int, officer: str, at: datetime) -> bool:
    """Did this officer hold the task at that moment? By the log: from his acceptance until it went to another or was closed."""
    return bool(
        await pool.fetchval(
            "SELECT EXISTS (SELECT FROM (SELECT at, lead(at) OVER (ORDER BY n) AS until_at, event::jsonb AS event FROM log"
            " WHERE task_id = $1 AND event::jsonb ->> 'type' = ANY($4)) AS change"
            " WHERE event ->> 'type' IN ('task_accepted', 'task_handed_over') AND event ->> 'officer' = $2"
            " AND at <= $3 AND (until_at IS NULL OR $3 <= until_at))",
            task, officer, at, list(_CHANGES_HOLDER),
        )
    )  # fmt: skip


async def officers_of(connection: Connection | Pool, tasks: Sequence[int]) -> dict[int, frozenset[str]]:
    """By task, the officers who may see it."""
    rows = await connection.fetch(
        "SELECT id, officer, handover_to, offered_to, declined_by FROM tasks WHERE id = ANY($1::bigint[])",
        list(tasks),
    )
    return {
        r["id"]: frozenset({r["officer"], r["handover_to"], *r["offered_to"], *r["declined_by"]} - {None})
        for r in rows
    }


async def evidence_row(pool: Pool, id: UUID, officer: str | None) -> Record | None:
    """None when there is none, or when it belongs to no task that this officer may see."""
    return await pool.fetchrow(
        f"SELECT {EVIDENCE} FROM evidence ev WHERE ev.id = $2 AND ($1::text IS NULL OR EXISTS ("
        f" SELECT FROM tasks t WHERE {_VISIBLE} AND (t.id = ev.task_id OR t.id IN (SELECT m.task_id FROM matters m"
        " JOIN matter_findings mf ON mf.matter_id = m.id WHERE mf.finding_id = ev.finding_id))))",
        officer,
        id,
    )


async def sees_subject(
    pool: Pool, officer: str, *, station: str | None = None, camera: str | None = None
) -> bool:
    """Has this officer a task that is not closed with a matter of that station or camera?"""
    return bool(
        await pool.fetchval(
            f"SELECT EXISTS (SELECT FROM tasks t JOIN matters m ON m.task_id = t.id WHERE {_VISIBLE} AND t.state <> 'closed'"
            " AND (m.station = $2 OR m.camera = $3))",
            officer,
            station,
            camera,
        )
    )


async def cameras_of(pool: Pool, officer: str) -> set[str]:
    """The cameras of his tasks that are not closed: those that `sees_subject` lets him look at."""
    rows = await pool.fetch(
        f"SELECT DISTINCT m.camera FROM tasks t JOIN matters m ON m.task_id = t.id WHERE {_VISIBLE} AND t.state <> 'closed'"
        " AND m.camera IS NOT NULL",
        officer,
    )
    return {row["camera"] for row in rows}


async def has_open(pool: Pool, officer: str) -> bool:
    """Does he hold a task that is not closed, or is he asked to take one?"""
    return bool(
        await pool.fetchval(
            "SELECT EXISTS (SELECT FROM tasks WHERE state <> 'closed' AND (officer = $1 OR handover_to = $1"
            " OR (officer IS NULL AND $1 = ANY(offered_to) AND NOT $1 = ANY(declined_by))))",
            officer,
        )
    )
