"""Sending: which notices are due, how much each channel may send, and what became of each attempt.

A kill between sending and settling sends once more, never not at all, and with the same key.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from farwatch.domain.finding import Param
from farwatch.storage.database import Connection, Record

MOST_WAITING = 1000
_UNDER_WAY = """(n.attempts > 0 AND n.next_attempt_at > $1
  AND NOT EXISTS (SELECT FROM notice_attempts a WHERE a.notice_id = n.id AND a.n = n.attempts))"""
"""The last attempt of notice `n` was not settled yet: until then nobody can say what became of it and of what it carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A notice that waits for its channel."""

    id: int
    channel: str
    target: str
    step: str
    urgent: bool
    drill_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """A notice in a message that is about to go out, with the task it is about, where there is one."""

    id: int
    task: int | None
    finding: UUID | None
    step: str
    channel: str
    target: str
    message_key: str
    params: Mapping[str, Param]
    key: str
    attempts: int
    drill_id: str | None
    created_at: datetime
    about: Mapping[str, Param]


@dataclass(frozen=True, slots=True)
class ChannelState:
    """As alerting.rate's bucket."""

    tokens: float
    at: datetime
    blocked_until: datetime | None


_LATE = f"""
UPDATE notices SET state = 'expired', error = coalesce(error, 'expired') WHERE id IN (
  SELECT id FROM notices n WHERE state = 'queued' AND expires_at <= $1 AND NOT {_UNDER_WAY} ORDER BY id FOR UPDATE)
RETURNING channel
"""
_LET_GO = f"""
UPDATE notices SET state = CASE WHEN expires_at <= $1 THEN 'expired' ELSE 'queued' END,
  error = CASE WHEN expires_at <= $1 THEN 'expired' ELSE error END, superseded_by = NULL WHERE id IN (
  SELECT d.id FROM notices d JOIN notices n ON n.id = d.superseded_by WHERE d.state = 'digested' AND d.sent_at IS NULL
  AND n.state IN ('failed', 'expired', 'superseded') AND NOT {_UNDER_WAY} ORDER BY d.id FOR UPDATE OF d)
RETURNING channel, state
"""


async def expire(connection: Connection, now: datetime) -> Counter[str]:
    """Gives up what is not worth sending any more; returns how many of each channel. What such a one, or one that was given up or
    superseded, would have carried and is fresh goes by itself."""
    late = await connection.fetch(_LATE, now)
    let_go = await connection.fetch(_LET_GO, now)
    return Counter(r["channel"] for r in (*late, *(r for r in let_go if r["state"] == "expired")))


async def due(connection: Connection, now: datetime, but: Collection[str]) -> list[Due]:
    """What waits for channels, except those in `but`: urgent first, then in the order it became due."""
    rows = await connection.fetch(
        "SELECT id, channel, target, step, urgent, drill_id FROM notices WHERE state = 'queued' AND next_attempt_at <= $1"
        " AND channel <> ALL($2::text[]) ORDER BY urgent DESC, next_attempt_at, id LIMIT $3 FOR UPDATE SKIP LOCKED",
        now,
        list(but),
        MOST_WAITING,
    )
    return [Due(**dict(r)) for r in rows]


async def channel_states(connection: Connection) -> dict[str, ChannelState]:
    """Locks all of them: only one process sends."""
    rows = await connection.fetch("SELECT name, tokens, at, blocked_until FROM channel_state FOR UPDATE")
    return {r["name"]: ChannelState(r["tokens"], r["at"], r["blocked_until"]) for r in rows}


async def put_channel(connection: Connection, name: str, state: ChannelState) -> None:
    await connection.execute(
        "INSERT INTO channel_state VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO UPDATE SET tokens = excluded.tokens,"
        " at = excluded.at, blocked_until = excluded.blocked_until",
        name,
        state.tokens,
        state.at,
        state.blocked_until,
    )


async def block_channel(connection: Connection, name: str, until: datetime) -> None:
    """The messenger said "too many": its notices wait, and those that have another way take it now."""
    await connection.execute("UPDATE channel_state SET blocked_until = $2 WHERE name = $1", name, until)
    await connection.execute(
        "UPDATE notices SET next_attempt_at = $2 WHERE channel = $1 AND state = 'queued' AND next_attempt_at < $2",
        name,
        until,
    )


async def claim(
    connection: Connection, carrier: int, carried: Sequence[int], retry_at: datetime
) -> list[Queued]:
    """All that the carrier's message tells, the carrier first. Unless it is settled, the carrier is due again at `retry_at`."""
    await connection.execute(
        "UPDATE notices SET attempts = attempts + 1, next_attempt_at = $2 WHERE id = $1", carrier, retry_at
    )
    if carried:
        # One that carried others hands them on.
        await connection.execute(
            "UPDATE notices SET state = 'digested', superseded_by = $1 WHERE id = ANY($2::bigint[])"
            " OR (state = 'digested' AND superseded_by = ANY($2::bigint[]))",
            carrier,
            list(carried),
        )
    rows = await connection.fetch(
        f"{_QUEUED} WHERE n.id = $1 OR (n.superseded_by = $1 AND n.state = 'digested') ORDER BY n.id <> $1, n.id",
        carrier,
    )
    return [_queued(r) for r in rows]


_QUEUED = """SELECT n.id, n.task_id, n.finding_id, n.step, n.channel, n.target, n.message_key, n.message_params, n.key, n.attempts,
  n.drill_id, n.created_at, t.severity, t.grid, t.enterprise, t.lat, t.lon, t.state, e.name AS enterprise_name, g.name AS grid_name,
  (SELECT string_agg(DISTINCT m.kind, ',') FROM matters m WHERE m.task_id = t.id) AS kinds
FROM notices n LEFT JOIN tasks t ON t.id = n.task_id LEFT JOIN enterprises e ON e.id = t.enterprise
  LEFT JOIN grids g ON g.id = t.grid"""
_ABOUT = ("severity", "grid", "enterprise", "lat", "lon", "state", "enterprise_name", "grid_name", "kinds")


def _queued(row: Record) -> Queued:
    return Queued(
        id=row["id"], task=row["task_id"], finding=row["finding_id"], step=row["step"], channel=row["channel"],
        target=row["target"], message_key=row["message_key"], params=row["message_params"], key=row["key"],
        attempts=row["attempts"], drill_id=row["drill_id"], created_at=row["created_at"],
        about={name: row[name] for name in _ABOUT if row[name] is not None},
    )  # fmt: skip


async def settle_sent(connection: Connection, notice: int, now: datetime, *, delivered: bool) -> None:
    """`delivered`: the receiver itself answered, not a messenger on its way. Never backwards; what it carried is sent as well, also
    when the notice itself was superseded meanwhile."""
    state = "delivered" if delivered else "sent"
    stands = await connection.fetchval(
        "UPDATE notices SET state = $3::text, sent_at = $2::timestamptz, error = NULL,"
        " delivered_at = CASE WHEN $3 = 'delivered' THEN $2::timestamptz END WHERE id = $1 AND state = 'queued' RETURNING true",
        notice,
        now,
        state,
    )
    await connection.execute(
        "UPDATE notices SET state = $3::text, sent_at = coalesce(sent_at, $2),"
        " delivered_at = CASE WHEN $3 = 'delivered' THEN $2::timestamptz END WHERE superseded_by = $1 AND state = 'digested'",
        notice,
        now,
        "digested" if stands else state,
    )


async def settle_failed(
    connection: Connection,
    notice: int,
    error: str,
    now: datetime,
    retry_at: datetime | None,
    *,
    for_good: bool = False,
) -> int:
    """Due again at `retry_at`, or given up when that is None; returns how many were. What it carried is given up with it only
    `for_good`, else `expire` lets it go. Pages' notices of the same look for their next way now, if this one belongs to the group
    that they tried last. `error` holds no address or secret."""
    tried = await connection.fetch(
        "UPDATE notices SET state = CASE WHEN $4::timestamptz IS NULL AND (id = $1 OR $5) THEN 'failed' ELSE state END, error = $2,"
        " next_attempt_at = CASE WHEN id = $1 THEN coalesce($4, $3) ELSE next_attempt_at END"
        " WHERE (id = $1 AND state = 'queued') OR (superseded_by = $1 AND state = 'digested') RETURNING state",
        notice,
        error,
        now,
        retry_at,
        for_good,
    )
    await connection.execute(
        "UPDATE notices SET plan_at = $2 WHERE id IN (SELECT p.id FROM notices p, notices n"
        " WHERE (n.id = $1 OR n.superseded_by = $1) AND p.channel = 'page'"
        " AND p.task_id IS NOT DISTINCT FROM n.task_id AND p.finding_id IS NOT DISTINCT FROM n.finding_id AND p.step = n.step"
        " AND p.target = n.target AND p.plan_at > $2 AND p.group_no = n.group_no + 1 AND p.urgent"
        " ORDER BY p.id FOR UPDATE OF p)",
        notice,
        now,
    )
    return sum(r["state"] == "failed" for r in tried)


async def note(
    connection: Connection, notice: Queued, at: datetime, result: str, error: str | None, took_ms: int
) -> None:
    """One row per attempt; `error` holds no address or secret."""
    await connection.execute(
        "INSERT INTO notice_attempts VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        notice.id, notice.attempts, at, notice.channel, result, error, took_ms,
    )  # fmt: skip
