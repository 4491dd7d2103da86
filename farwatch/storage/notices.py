"""The outbox: what somebody is told, written in the commit that decided it, and sent afterwards.

A `page` notice is delivered by being in the log, which the pages read; it is sent the moment it is committed. The others are
claimed, sent and settled; a kill between sending and settling sends once more, never not at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from farwatch.domain.finding import Param
from farwatch.storage.database import Connection, Pool

PAGE = "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Once per (task, finding, step, channel, target). `target` is an officer's id, `centre`, or a credential's name."""

    task: int | None
    finding: UUID | None
    step: str
    channel: str
    target: str
    key: str
    params: Mapping[str, Param]
    drill_id: str | None


@dataclass(frozen=True, slots=True)
class Queued:
    id: int
    channel: str
    target: str
    key: str
    params: Mapping[str, Param]
    attempts: int
    drill_id: str | None


async def add(connection: Connection, notice: Notice, now: datetime) -> bool:
    """False when this was told before."""
    on_page = notice.channel == PAGE
    made = await connection.fetchval(
        "INSERT INTO notices (task_id, finding_id, step, channel, target, message_key, message_params, state, next_attempt_at,"
        " created_at, sent_at, drill_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9, $10, $11)"
        " ON CONFLICT (task_id, finding_id, step, channel, target) DO NOTHING RETURNING true",
        notice.task, notice.finding, notice.step, notice.channel, notice.target, notice.key, dict(notice.params),
        "sent" if on_page else "queued", now, now if on_page else None, notice.drill_id,
    )  # fmt: skip
    if made and not on_page:
        await connection.execute("NOTIFY farwatch_outbox")
    return bool(made)


async def claim(connection: Connection, now: datetime, retry_at: datetime, limit: int) -> list[Queued]:
    """Takes what is due; unless it is settled, it is due again at `retry_at`."""
    rows = await connection.fetch(
        "UPDATE notices SET attempts = attempts + 1, next_attempt_at = $2 WHERE id IN (SELECT id FROM notices"
        " WHERE state = 'queued' AND next_attempt_at <= $1 ORDER BY next_attempt_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)"
        " RETURNING id, channel, target, message_key, message_params, attempts, drill_id",
        now,
        retry_at,
        limit,
    )
    return [
        Queued(
            r["id"],
            r["channel"],
            r["target"],
            r["message_key"],
            r["message_params"],
            r["attempts"],
            r["drill_id"],
        )
        for r in rows
    ]


async def settle_sent(pool: Pool | Connection, notice: int, now: datetime) -> None:
    await pool.execute(
        "UPDATE notices SET state = 'sent', sent_at = $2, error = NULL WHERE id = $1", notice, now
    )


async def settle_failed(
    pool: Pool | Connection, notice: int, error: str, now: datetime, retry_after_s: float | None
) -> None:
    """Due again after `retry_after_s`, or given up when that is None. `error` must hold no address or secret."""
    retry_at = now + timedelta(seconds=retry_after_s or 0)
    state = "failed" if retry_after_s is None else "queued"
    await pool.execute(
        "UPDATE notices SET state = $2, error = $3, next_attempt_at = $4 WHERE id = $1",
        notice,
        state,
        error,
        retry_at,
    )


async def overdue_s(connection: Pool | Connection) -> float:
    """How long ago the oldest queued notice should have been tried, seconds; 0 when none is due."""
    age: float = await connection.fetchval(
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(next_attempt_at)), 0)::float8 FROM notices"
        " WHERE state = 'queued' AND next_attempt_at < clock_timestamp()"
    )
    return age
