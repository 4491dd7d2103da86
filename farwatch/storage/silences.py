"""Silences as rows, with the findings they hold back. Ended, never deleted."""

from datetime import datetime
from uuid import UUID

from farwatch.domain.silence import Scope, Silence, SilenceKind
from farwatch.storage import events
from farwatch.storage.database import Connection, Pool, Record

_SCOPE = "enterprise, station, camera, rule, finding_kind, grid"
_OVER = "least(to_at, coalesce(ended_at, to_at))"


async def add(
    connection: Connection, *, kind: SilenceKind, scope: Scope, reason: str, by: str, now: datetime,
    from_at: datetime, to_at: datetime,
) -> int:  # fmt: skip
    """In the caller's transaction; returns its id. What was found before it is none of its business."""
    added: int = await connection.fetchval(
        f"INSERT INTO silences (kind, {_SCOPE}, reason, made_by, made_at, from_at, to_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id",
        kind, scope.enterprise, scope.station, scope.camera, scope.rule, scope.finding_kind, scope.grid, reason, by, now,
        from_at, to_at,
    )  # fmt: skip
    await events.append(
        connection, "silence_set", actor=by, silence=added, kind=kind.value, scope=_named(scope),
        from_at=from_at.isoformat(), to_at=to_at.isoformat(),
    )  # fmt: skip
    return added


async def end(connection: Connection, id: int, *, by: str, now: datetime) -> bool:
    """False when it is over already, or there is none. What it holds back is judged by the engine, which is woken."""
    ended = await connection.fetchval(
        f"UPDATE silences SET ended_at = $2, ended_by = $3 WHERE id = $1 AND {_OVER} > $2 RETURNING true",
        id, now, by,
    )  # fmt: skip
    if ended:
        await connection.execute("NOTIFY farwatch_findings")
    return bool(ended)


async def running(connection: Connection, at: datetime) -> list[Silence]:
    """Those whose time has begun and is not over."""
    rows = await connection.fetch(
        f"SELECT id, kind, {_SCOPE}, from_at, to_at, ended_at FROM silences"
        f" WHERE judged_at IS NULL AND from_at <= $1 AND to_at > $1 AND {_OVER} > $1",
        at,
    )
    return [_silence(r) for r in rows]


async def over(connection: Connection | Pool, now: datetime, limit: int) -> list[int]:
    """Those whose end has come and whose findings are not all looked at yet, the earliest end first."""
    rows = await connection.fetch(
        f"SELECT id FROM silences WHERE judged_at IS NULL AND {_OVER} <= $1 ORDER BY {_OVER}, id LIMIT $2",
        now, limit,
    )  # fmt: skip
    return [r["id"] for r in rows]


async def lock_over(connection: Connection, id: int, now: datetime) -> Silence | None:
    """Under its row lock; None when somebody has looked at all of it, or it is not over."""
    row = await connection.fetchrow(
        f"SELECT id, kind, {_SCOPE}, from_at, to_at, ended_at FROM silences"
        f" WHERE id = $1 AND judged_at IS NULL AND {_OVER} <= $2 FOR UPDATE",
        id, now,
    )  # fmt: skip
    return _silence(row) if row else None


async def held_back(connection: Connection | Pool, silence: int, limit: int) -> list[UUID]:
    """Findings that it holds back and that have not ended, in the order of their commit."""
    rows = await connection.fetch(
        "SELECT id FROM findings WHERE silence_id = $1 AND disposition = 'silenced' AND ended_at IS NULL"
        " ORDER BY found_at, id LIMIT $2",
        silence, limit,
    )  # fmt: skip
    return [r["id"] for r in rows]


async def hold_back(connection: Connection, finding: UUID, silence: int) -> None:
    await connection.execute("UPDATE findings SET silence_id = $2 WHERE id = $1", finding, silence)


async def judged(connection: Connection, silence: Silence, now: datetime) -> None:
    """Nothing is held back by it any more."""
    ended_by, held = await connection.fetchrow(
        "UPDATE silences s SET judged_at = $2 WHERE id = $1 RETURNING s.ended_by, (SELECT count(*) FROM findings f"
        " WHERE f.silence_id = s.id)",
        silence.id, now,
    )  # fmt: skip
    await events.append(
        connection, "silence_ended", actor=ended_by, silence=silence.id, kind=silence.kind.value,
        scope=_named(silence.scope), over_at=silence.over_at.isoformat(), held_back=held,
    )  # fmt: skip


async def open_tasks_in(connection: Connection, scope: Scope) -> list[int]:
    """Tasks that are not closed, with an open matter that the scope is about."""
    rows = await connection.fetch(
        "SELECT DISTINCT t.id FROM tasks t JOIN matters m ON m.task_id = t.id JOIN matter_findings mf ON mf.matter_id = m.id"
        " JOIN findings f ON f.id = mf.finding_id WHERE t.state <> 'closed' AND m.closed_at IS NULL"
        " AND ($1::text IS NULL OR f.enterprise = $1) AND ($2::text IS NULL OR m.station = $2)"
        " AND ($3::text IS NULL OR m.camera = $3) AND ($4::text IS NULL OR f.rule = $4)"
        " AND ($5::text IS NULL OR m.kind = $5) AND ($6::text IS NULL OR t.grid = $6) ORDER BY t.id LIMIT 500",
        scope.enterprise, scope.station, scope.camera, scope.rule, scope.finding_kind, scope.grid,
    )  # fmt: skip
    return [r["id"] for r in rows]


# `held`: findings that wait for its end; those that ended meanwhile are not among them.
_LISTED = f"""
SELECT s.id, s.kind, s.enterprise, s.station, s.camera, s.rule, s.finding_kind, s.grid, s.reason, s.made_by, s.made_at, s.from_at,
  s.to_at, s.ended_at, s.ended_by, e.name AS enterprise_name, st.name AS station_name, c.name AS camera_name, g.name AS grid_name,
  ({_OVER} <= $1) AS over,
  (SELECT count(*) FROM findings f WHERE f.silence_id = s.id AND f.disposition = 'silenced' AND f.ended_at IS NULL) AS held
FROM silences s LEFT JOIN enterprises e ON e.id = s.enterprise LEFT JOIN stations st ON st.mn = s.station
  LEFT JOIN cameras c ON c.id = s.camera LEFT JOIN grids g ON g.id = s.grid
"""


async def listed(
    connection: Connection | Pool, now: datetime, *, current: bool, before: int | None, limit: int
) -> list[Record]:
    """At most `limit`, newest first, with ids below `before`; `current`: only those that run or will."""
    rows: list[Record] = await connection.fetch(
        f"{_LISTED} WHERE ($2::bigint IS NULL OR s.id < $2) AND (NOT $3 OR {_OVER} > $1) ORDER BY s.id DESC LIMIT $4",
        now, before, current, limit,
    )  # fmt: skip
    return rows


async def one(connection: Connection | Pool, id: int, now: datetime) -> Record | None:
    return await connection.fetchrow(f"{_LISTED} WHERE s.id = $2", now, id)


def _named(scope: Scope) -> dict[str, str]:
    parts = {name: getattr(scope, name) for name in Scope.__dataclass_fields__}
    return {name: value for name, value in parts.items() if value is not None}


def _silence(row: Record) -> Silence:
    return Silence(
        id=row["id"], kind=SilenceKind(row["kind"]), from_at=row["from_at"], to_at=row["to_at"], ended_at=row["ended_at"],
        scope=Scope(
            enterprise=row["enterprise"], station=row["station"], camera=row["camera"], rule=row["rule"],
            finding_kind=row["finding_kind"], grid=row["grid"],
        ),
    )  # fmt: skip
