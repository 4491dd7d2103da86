"""Tasks with their matters and deadlines: loaded under the task's row lock, saved as the difference.

Lock order: correlation, task, deadlines, notices. Whoever changes a task holds its row.
"""

import logging
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, fields
from math import cos, radians
from typing import Any

from farwatch.domain.finding import Kind, Reason
from farwatch.domain.place import EARTH_RADIUS_M, Position
from farwatch.domain.policy import EscalationStep, Handling, SeverityClocks, TaskPolicy
from farwatch.domain.task import (
    Deadline,
    DeadlineKind,
    DeadlineState,
    Matter,
    Outcome,
    Task,
    TaskState,
)
from farwatch.storage.database import Connection, Pool, Record

log = logging.getLogger(__name__)

_CORRELATION_LOCK = 0x46574352  # "FWCR"
_HELD_AT_MOST = "3ms"
"""Rather a look at whether somebody holds a row than a wait: a tick decides about up to 150 findings, and clocks wait for it."""


class FingerprintTakenError(Exception):
    """Another transaction opened a matter with this fingerprint first: look again, it is there to fold into."""


class UnreadableTaskError(ValueError):
    """No sense can be made of a task's rows: damaged, or written by another version."""


async def lock_correlation(connection: Connection) -> None:
    """Until the transaction's end nobody else decides whose business a finding is. From then on no row is waited for: one that is
    held raises HELD_ERRORS."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _CORRELATION_LOCK)
    await connection.execute(f"SET LOCAL lock_timeout = '{_HELD_AT_MOST}'")


async def draw_ids(connection: Connection) -> tuple[int, int]:
    """An id for a new task and one for its matter; an id that is not used is a gap and harmless."""
    row = await connection.fetchrow(
        "SELECT nextval(pg_get_serial_sequence('tasks', 'id')) AS task, nextval(pg_get_serial_sequence('matters', 'id')) AS matter"
    )
    assert row is not None
    return row["task"], row["matter"]


async def lock(connection: Connection, task_id: int, *, skip_locked: bool = False) -> Task | None:
    """The task under its row lock; None when there is none, or with `skip_locked` when somebody else has it just now."""
    suffix = " SKIP LOCKED" if skip_locked else ""
    locked = await connection.fetchval(f"SELECT id FROM tasks WHERE id = $1 FOR UPDATE{suffix}", task_id)
    return next(iter(await _load(connection, [locked])), None) if locked is not None else None


async def read(connection: Connection, ids: Sequence[int]) -> list[Task]:
    """As they are just now, by id; no lock is taken, so nothing is decided by this alone. Raises UnreadableTaskError."""
    return await _load(connection, ids)


# One look into an index for each way of having to do with each other: OR over them would read every open task.
_CANDIDATES = """
SELECT t.id FROM tasks t WHERE t.state <> 'closed' AND t.drill_id IS NOT DISTINCT FROM $3 AND t.id IN (
  SELECT task_id FROM matters WHERE fingerprint = $1 AND drill_id IS NOT DISTINCT FROM $3 AND closed_at IS NULL
  UNION ALL SELECT id FROM tasks WHERE state <> 'closed' AND enterprise = $2
  UNION ALL SELECT id FROM tasks WHERE state <> 'closed' AND lat BETWEEN $4 AND $5 AND lon BETWEEN $6 AND $7
  UNION ALL SELECT id FROM tasks WHERE state <> 'closed' AND storm_id = $8 AND grid IS NOT DISTINCT FROM $9
) ORDER BY t.id FOR UPDATE OF t
"""


async def lock_candidates(
    connection: Connection, *, fingerprint: str, enterprise: str | None, drill_id: str | None, place: Position,
    radius_m: float, storm: int | None = None, grid: str | None = None,
) -> list[Task]:  # fmt: skip
    """Locks and loads, oldest first, every open task that could have to do with such a finding: the same fingerprint,
    the same enterprise, within a box of `radius_m` around the place, or of `storm` in `grid`. One that no sense can be made of
    takes nothing in, and is left out; but with the same fingerprint it raises UnreadableTaskError."""
    degrees = radius_m / EARTH_RADIUS_M * 57.3
    east = degrees / max(cos(radians(place.lat)), 0.01)
    rows = await connection.fetch(
        _CANDIDATES, fingerprint, enterprise, drill_id, place.lat - degrees, place.lat + degrees, place.lon - east,
        place.lon + east, storm, grid,
    )  # fmt: skip
    return await _load(connection, [r["id"] for r in rows], needed=fingerprint)


async def findings_left(connection: Connection, matter: int) -> int:
    """How many findings of a matter still stand."""
    left: int = await connection.fetchval(
        "SELECT count(*) FROM matter_findings mf JOIN findings f ON f.id = mf.finding_id"
        " WHERE mf.matter_id = $1 AND f.ended_at IS NULL",
        matter,
    )
    return left


async def leads(connection: Connection | Pool, officer: str, task: int) -> bool:
    """Does this officer lead the team of the task's grid?"""
    return bool(
        await connection.fetchval(
            "SELECT EXISTS (SELECT FROM tasks t JOIN grids g ON g.id = t.grid JOIN teams m ON m.id = g.team"
            " WHERE t.id = $1 AND g.active AND m.active AND m.lead = $2)",
            task,
            officer,
        )
    )


async def has_officer(connection: Connection, officer: str) -> bool:
    """Is there an officer of this id who is active?"""
    return bool(
        await connection.fetchval("SELECT EXISTS (SELECT FROM officers WHERE id = $1 AND active)", officer)
    )


async def open_counts(connection: Connection) -> dict[str, int]:
    """By officer, how many tasks he holds or is asked to take that are not handled yet."""
    rows = await connection.fetch(
        "SELECT who, count(*) AS n FROM tasks t,"
        " unnest(CASE WHEN t.officer IS NULL THEN t.offered_to ELSE ARRAY[t.officer] END) AS who"
        " WHERE t.state IN ('offered', 'accepted', 'arrived') AND NOT who = ANY(t.declined_by) GROUP BY who"
    )
    return {r["who"]: r["n"] for r in rows}


async def save(connection: Connection, changes: Sequence[tuple[Task | None, Task]]) -> None:
    """Writes what differs between each task as it was (None: a new one) and as it is, on few ways to the database. No task is in it
    twice, and the caller holds their rows.

    Raises FingerprintTakenError, and then the transaction must end.
    """
    for before, after in changes:
        if before is None:
            await _insert(connection, after)
    differing = [
        after for before, after in changes if before is not None and _values(after) != _values(before)
    ]
    if differing:
        await connection.executemany(_UPDATE, [_values(after) for after in differing])
    changed: list[tuple[int, Deadline]] = []
    for before, after in changes:
        old_matters = {m.id: m for m in before.matters} if before else {}
        for matter in after.matters:
            if matter != old_matters.get(matter.id):
                await _save_matter(connection, after, matter, old_matters.get(matter.id))
        known = set(before.deadlines) if before else set()
        changed += [(after.id, d) for d in after.deadlines if d not in known]
    if changed:
        await _save_deadlines(connection, changed)


_COLUMNS = (
    "state", "severity", "lat", "lon", "grid", "enterprise", "officer", "offered_to", "declined_by", "dispatch_reason",
    "dispatch_params", "opened_at", "dispatched_at", "delivered_at", "accepted_at", "arrived_at", "handled_at",
    "verified_at", "closed_at", "outcome", "drill_id", "reopened_from", "handover_to", "closed_reason", "storm_id",
)  # fmt: skip
_PLACES = ", ".join(f"${i}" for i in range(2, len(_COLUMNS) + 2))


def _values(task: Task) -> tuple[Any, ...]:
    return (
        task.id, task.state, task.severity, task.place.lat, task.place.lon, task.grid, task.enterprise, task.officer,
        list(task.offered_to), list(task.declined_by), task.dispatch.key if task.dispatch else None,
        dict(task.dispatch.params) if task.dispatch else {}, task.opened_at, task.dispatched_at, task.delivered_at,
        task.accepted_at, task.arrived_at, task.handled_at, task.verified_at, task.closed_at, task.outcome,
        task.drill_id, task.reopened_from, task.handover_to, task.closed_reason, task.storm_id,
    )  # fmt: skip


async def _insert(connection: Connection, task: Task) -> None:
    """The policy is frozen: it is written here and nowhere else."""
    columns = ", ".join((*_COLUMNS, "policy"))
    await connection.execute(
        f"INSERT INTO tasks (id, {columns}) OVERRIDING SYSTEM VALUE VALUES ($1, {_PLACES}, ${len(_COLUMNS) + 2})",
        *_values(task),
        _stored_policy(task.policy),
    )


_UPDATE = f"UPDATE tasks SET ({', '.join(_COLUMNS)}) = ROW({_PLACES}) WHERE id = $1"


async def _save_matter(connection: Connection, task: Task, matter: Matter, before: Matter | None) -> None:
    if before is None:
        made = await connection.fetchval(
            "INSERT INTO matters (id, task_id, fingerprint, kind, station, camera, code, zone, event_at, found_at, severity,"
            " reason_key, reason_params, accepted_at, closed_at, drill_id, ceased_at, closed_reason, confirmed_by, lat, lon,"
            " arrived_at)"
            " OVERRIDING SYSTEM VALUE"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22)"
            " ON CONFLICT (fingerprint, drill_id) WHERE closed_at IS NULL DO NOTHING RETURNING id",
            matter.id, task.id, matter.fingerprint, matter.kind, matter.station, matter.camera, matter.code, matter.zone,
            matter.event_at, matter.found_at, matter.severity, matter.reason.key, dict(matter.reason.params),
            matter.accepted_at, matter.closed_at, task.drill_id, matter.ceased_at, matter.closed_reason, list(matter.confirmed_by),
            matter.place and matter.place.lat, matter.place and matter.place.lon, matter.arrived_at,
        )  # fmt: skip
        if made is None:
            raise FingerprintTakenError(matter.fingerprint)
    else:
        await connection.execute(
            "UPDATE matters SET severity = $2, accepted_at = $3, closed_at = $4, ceased_at = $5, closed_reason = $6,"
            " confirmed_by = $7, arrived_at = $8 WHERE id = $1",
            matter.id, matter.severity, matter.accepted_at, matter.closed_at, matter.ceased_at, matter.closed_reason,
            list(matter.confirmed_by), matter.arrived_at,
        )  # fmt: skip
    for finding in matter.findings[len(before.findings) if before else 0 :]:
        await connection.execute(
            "INSERT INTO matter_findings (finding_id, matter_id) VALUES ($1, $2)", finding, matter.id
        )


# One statement for all of them, and for waking the engine: each costs a way to the database and back.
_SAVE_DEADLINES = """
WITH saved AS (
  INSERT INTO deadlines (task_id, matter_id, kind, step, due_at, state, decided_at, excused_at, excused_by, excuse)
  SELECT d.* FROM unnest($1::bigint[], $2::bigint[], $3::text[], $4::smallint[], $5::timestamptz[], $6::text[], $7::timestamptz[],
    $8::timestamptz[], $9::text[], $10::text[]) AS d
  ON CONFLICT (task_id, matter_id, kind, step) DO UPDATE SET due_at = excluded.due_at, state = excluded.state,
    decided_at = excluded.decided_at, excused_at = excluded.excused_at, excused_by = excluded.excused_by, excuse = excluded.excuse
)
SELECT pg_notify('farwatch_tasks', '')
"""


async def _save_deadlines(connection: Connection, deadlines: Sequence[tuple[int, Deadline]]) -> None:
    """Each with its task's id."""
    rows = [
        (
            task,
            d.matter,
            d.kind,
            d.step,
            d.due_at,
            d.state,
            d.decided_at,
            d.excused_at,
            d.excused_by,
            d.excuse,
        )
        for task, d in deadlines
    ]
    await connection.execute(_SAVE_DEADLINES, *zip(*rows, strict=True))


async def _load(connection: Connection, ids: Sequence[int], needed: str | None = None) -> list[Task]:
    """Raises UnreadableTaskError; with `needed` only for tasks of that fingerprint, and leaves out the others."""
    if not ids:
        return []
    columns = ", ".join(_COLUMNS)
    rows = await connection.fetch(
        f"SELECT id, policy, {columns} FROM tasks WHERE id = ANY($1::bigint[]) ORDER BY id", ids
    )
    matters = await connection.fetch(
        "SELECT m.id, m.task_id, m.fingerprint, m.kind, m.station, m.camera, m.code, m.zone, m.event_at, m.found_at, m.severity,"
        " m.reason_key, m.reason_params, m.accepted_at, m.arrived_at, m.closed_at, m.ceased_at, m.lat, m.lon,"
        " m.closed_reason, m.confirmed_by, (SELECT array_agg(f.finding_id ORDER BY f.seq) FROM"
        " matter_findings f WHERE f.matter_id = m.id) AS findings FROM matters m WHERE m.task_id = ANY($1::bigint[]) ORDER BY m.id",
        ids,
    )
    deadlines = await connection.fetch(
        "SELECT task_id, matter_id, kind, step, due_at, state, decided_at, excused_at, excused_by, excuse FROM deadlines"
        " WHERE task_id = ANY($1::bigint[]) ORDER BY due_at, id",
        ids,
    )
    found: list[Task] = []
    own_matters, own_deadlines = _by_task(matters), _by_task(deadlines)
    for row in rows:
        own = own_matters[row["id"]]
        try:
            found.append(_read(row, own, own_deadlines[row["id"]]))
        except UnreadableTaskError:
            if needed is None or any((m["fingerprint"], m["closed_at"]) == (needed, None) for m in own):
                raise
            log.exception("no sense can be made of task %d: nothing joins it", row["id"])
    return found


def _by_task(rows: Sequence[Record]) -> dict[int, list[Record]]:
    grouped: dict[int, list[Record]] = defaultdict(list)
    for row in rows:
        grouped[row["task_id"]].append(row)
    return grouped


def _read(row: Record, matters: Sequence[Record], deadlines: Sequence[Record]) -> Task:
    try:
        return _task(row, tuple(_matter(m) for m in matters), tuple(_deadline(d) for d in deadlines))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise UnreadableTaskError(f"task {row['id']}: {error!r}") from error


def _task(row: Record, matters: tuple[Matter, ...], deadlines: tuple[Deadline, ...]) -> Task:
    return Task(
        id=row["id"], state=TaskState(row["state"]), place=Position(row["lat"], row["lon"]), severity=row["severity"],
        policy=_policy(row["policy"]), opened_at=row["opened_at"], grid=row["grid"], enterprise=row["enterprise"],
        officer=row["officer"], offered_to=tuple(row["offered_to"]), declined_by=tuple(row["declined_by"]),
        dispatched_at=row["dispatched_at"], delivered_at=row["delivered_at"], accepted_at=row["accepted_at"],
        arrived_at=row["arrived_at"], handled_at=row["handled_at"], verified_at=row["verified_at"],
        closed_at=row["closed_at"], outcome=Outcome(row["outcome"]) if row["outcome"] else None,
        drill_id=row["drill_id"], reopened_from=row["reopened_from"], handover_to=row["handover_to"],
        closed_reason=row["closed_reason"], storm_id=row["storm_id"],
        dispatch=Reason(row["dispatch_reason"], row["dispatch_params"]) if row["dispatch_reason"] else None,
        matters=matters, deadlines=deadlines,
    )  # fmt: skip


def _matter(row: Record) -> Matter:
    return Matter(
        id=row["id"], fingerprint=row["fingerprint"], kind=Kind(row["kind"]), found_at=row["found_at"],
        event_at=row["event_at"], severity=row["severity"], reason=Reason(row["reason_key"], row["reason_params"]),
        station=row["station"], camera=row["camera"], code=row["code"], zone=row["zone"],
        place=None if row["lat"] is None else Position(row["lat"], row["lon"]), accepted_at=row["accepted_at"],
        arrived_at=row["arrived_at"], closed_at=row["closed_at"], closed_reason=row["closed_reason"],
        ceased_at=row["ceased_at"], confirmed_by=tuple(row["confirmed_by"]), findings=tuple(row["findings"] or ()),
    )  # fmt: skip


def _deadline(row: Record) -> Deadline:
    return Deadline(
        kind=DeadlineKind(row["kind"]), due_at=row["due_at"], matter=row["matter_id"], step=row["step"],
        state=DeadlineState(row["state"]), decided_at=row["decided_at"], excused_at=row["excused_at"],
        excused_by=row["excused_by"], excuse=row["excuse"],
    )  # fmt: skip


def _stored_policy(policy: TaskPolicy) -> dict[str, Any]:
    """As JSON, whose keys are texts."""
    severities = {str(level): asdict(clocks) for level, clocks in policy.severities.items()}
    return {**asdict(policy), "severities": severities}


def _policy(stored: dict[str, Any]) -> TaskPolicy:
    """What an earlier release stored lacks what came since: that is as shipped, without classes or legal limits. What a later
    one stored may say more, which this program does not know and leaves."""
    severities = {
        int(level): SeverityClocks(**_known(SeverityClocks, _steps(c)))
        for level, c in stored.get("severities", {}).items()
    }
    handling = tuple(Handling(**_known(Handling, h)) for h in stored.get("handling", ()))
    closes = {"closes_itself": tuple(stored["closes_itself"])} if "closes_itself" in stored else {}
    own = _known(TaskPolicy, _steps(stored))
    return TaskPolicy(**{**own, "severities": severities, "handling": handling, **closes})


def _steps(stored: dict[str, Any]) -> dict[str, Any]:
    steps = tuple(EscalationStep(**_known(EscalationStep, s)) for s in stored["escalation"])
    return {**stored, "escalation": steps}


_NAMES: dict[type[Any], tuple[str, ...]] = {
    kind: tuple(f.name for f in fields(kind))
    for kind in (TaskPolicy, SeverityClocks, EscalationStep, Handling)
}
"""Looked up once: a policy is read with each task."""


def _known(kind: type[Any], stored: dict[str, Any]) -> dict[str, Any]:
    return {name: stored[name] for name in _NAMES[kind] if name in stored}
