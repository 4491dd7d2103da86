"""Warnings: an enterprise was told, and has a while to stop before somebody is sent."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from farwatch.storage import events, notices
from farwatch.storage.database import Connection, Pool, Record


@dataclass(frozen=True, slots=True)
class OpenWarning:
    """`stands`: some finding of this business had not ended when the window did (or has not yet)."""

    finding: UUID
    fingerprint: str
    window_ends_at: datetime
    stands: bool


# A finding that ended before it was dealt with can only make its warning clear, so undisposed ones need no care here.
_STANDS = (
    "EXISTS (SELECT FROM findings f WHERE f.fingerprint = w.fingerprint AND f.drill_id IS NOT DISTINCT FROM w.drill_id"
    " AND f.disposition = 'warn' AND f.found_at <= w.window_ends_at AND f.disposed_at >= w.told_at"
    " AND (f.ended_at IS NULL OR f.ended_at > w.window_ends_at))"
)


async def tell(
    connection: Connection, *, finding: UUID, fingerprint: str, enterprise: str | None, told_at: datetime,
    window_ends_at: datetime, drill_id: str | None, channel: str | None,
) -> bool:  # fmt: skip
    """By the channel of that name; None: by nobody yet. False when a warning of the same business is open already."""
    made = await connection.fetchval(
        "INSERT INTO warnings (finding_id, fingerprint, enterprise, told_at, window_ends_at, state, drill_id, channel)"
        " VALUES ($1, $2, $3, $4, $5, 'open', $6, $7) ON CONFLICT (fingerprint, drill_id)"
        " WHERE state = 'open' DO NOTHING RETURNING true",
        finding, fingerprint, enterprise, told_at, window_ends_at, drill_id, channel,
    )  # fmt: skip
    return bool(made)


async def ripe(connection: Connection | Pool, now: datetime, limit: int) -> list[UUID]:
    """Findings of open warnings that can be decided: cleared, or the window has ended."""
    rows = await connection.fetch(
        f"SELECT w.finding_id FROM warnings w WHERE w.state = 'open' AND (w.window_ends_at <= $1 OR NOT {_STANDS})"
        " ORDER BY w.window_ends_at, w.finding_id LIMIT $2",
        now,
        limit,
    )
    return [r["finding_id"] for r in rows]


async def lock(connection: Connection, finding: UUID) -> OpenWarning | None:
    """None when the warning is not open any more."""
    open_ = await connection.fetchval(
        "SELECT finding_id FROM warnings WHERE finding_id = $1 AND state = 'open' FOR UPDATE", finding
    )
    if open_ is None:
        return None
    row = await connection.fetchrow(
        f"SELECT w.finding_id, w.fingerprint, w.window_ends_at, {_STANDS} AS stands FROM warnings w WHERE w.finding_id = $1",
        finding,
    )
    assert row is not None
    return OpenWarning(row["finding_id"], row["fingerprint"], row["window_ends_at"], row["stands"])


async def decide(connection: Connection, finding: UUID, state: str, now: datetime) -> None:
    """`state` is cleared or became_task. What the enterprise was not told by then it is not told any more."""
    await connection.execute(
        "UPDATE warnings SET state = $2, decided_at = $3 WHERE finding_id = $1 AND state = 'open'",
        finding,
        state,
        now,
    )
    await notices.warnings_over(connection, [finding])


async def overtake(connection: Connection, fingerprint: str, drill_id: str | None, now: datetime) -> None:
    """Somebody is sent for this business anyway: an open warning of it has become that task."""
    overtaken = await connection.fetch(
        "UPDATE warnings SET state = 'became_task', decided_at = $3 WHERE fingerprint = $1 AND drill_id IS NOT DISTINCT FROM $2"
        " AND state = 'open' RETURNING finding_id",
        fingerprint,
        drill_id,
        now,
    )
    await notices.warnings_over(connection, [r["finding_id"] for r in overtaken])


_SHOWN = (
    "SELECT w.finding_id, w.fingerprint, f.station, f.code, f.camera, w.enterprise, w.told_at, w.window_ends_at, w.state,"
    " w.decided_at, w.drill_id, w.reminded_at, w.acknowledged_at, w.acknowledged_by, w.answer, f.reason_key,"
    " f.reason_params, CASE WHEN w.acknowledged_by = 'contact' OR NOT EXISTS (SELECT FROM notices n WHERE"
    " n.finding_id = w.finding_id AND n.task_id IS NULL AND n.step LIKE 'lost:%') OR EXISTS (SELECT FROM notices n WHERE"
    " n.finding_id = w.finding_id AND n.task_id IS NULL AND n.target <> 'centre' AND n.channel <> 'page' AND n.sent_at IS NOT NULL)"
    " THEN w.channel END AS channel FROM warnings w JOIN findings f ON f.id = w.finding_id"
)


async def listed(connection: Connection | Pool, limit: int = 500) -> list[Record]:
    """Open warnings for the pages, those whose window ends first on top."""
    rows: list[Record] = await connection.fetch(
        f"{_SHOWN} WHERE w.state = 'open' ORDER BY w.window_ends_at, w.finding_id LIMIT $1", limit
    )
    return rows


async def to_remind(connection: Connection | Pool, now: datetime, limit: int) -> list[UUID]:
    """Open warnings of which half the window is over, that still stand, and that nobody has answered or was reminded of."""
    rows = await connection.fetch(
        "SELECT w.finding_id FROM warnings w WHERE w.state = 'open' AND w.reminded_at IS NULL AND w.acknowledged_at IS NULL"
        f" AND w.window_ends_at > $1 AND w.told_at + (w.window_ends_at - w.told_at) / 2 <= $1 AND {_STANDS}"
        " ORDER BY w.window_ends_at, w.finding_id LIMIT $2",
        now, limit,
    )  # fmt: skip
    return [r["finding_id"] for r in rows]


async def remind(connection: Connection, finding: UUID, now: datetime) -> datetime | None:
    """Once for each warning: the end of its window; None when it is not open any more, was answered or reminded of."""
    ends_at: datetime | None = await connection.fetchval(
        "UPDATE warnings SET reminded_at = $2 WHERE finding_id = $1 AND state = 'open' AND reminded_at IS NULL"
        " AND acknowledged_at IS NULL RETURNING window_ends_at",
        finding, now,
    )  # fmt: skip
    return ends_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said to a warning. `by` is an account's name, or CONTACT for who opened the link; `commitment` is the salted
    hash of the text, which is all of it that the log holds."""

    by: str
    text: str
    salt: bytes
    commitment: str


CONTACT = "contact"


class Answered(StrEnum):
    """What became of an answer; `OVER`: there is no such warning, or it is too late for one."""

    TAKEN = "taken"
    TOO_MANY = "too_many"
    OVER = "over"


async def answer(
    connection: Connection, finding: UUID, said: Answer, now: datetime, open_until: timedelta, most: int
) -> Answered:
    """The first answer acknowledges; a later one, or a longer text, takes its place. The window goes on, and answers are taken
    until `open_until` after it; the contact's `most` times: each is an entry of the log for ever."""
    by_contact = said.by == CONTACT
    row = await connection.fetchrow(
        "SELECT fingerprint, answers FROM warnings WHERE finding_id = $1 AND window_ends_at > $2 FOR UPDATE",
        finding, now - open_until,
    )  # fmt: skip
    if row is None:
        return Answered.OVER
    if by_contact and row["answers"] >= most:
        return Answered.TOO_MANY
    await connection.execute(
        "UPDATE warnings SET acknowledged_at = coalesce(acknowledged_at, $2), acknowledged_by = $3, answer = $4, salt = $5,"
        " answers = answers + $6 WHERE finding_id = $1",
        finding, now, said.by, said.text, said.salt, int(by_contact),
    )  # fmt: skip
    await notices.warning_answered(connection, finding, now)
    await events.append(
        connection, "warning_answered", actor=None if by_contact else said.by, finding=str(finding),
        fingerprint=row["fingerprint"], by=CONTACT if by_contact else "account", commitment=said.commitment,
    )  # fmt: skip
    return Answered.TAKEN


async def one(connection: Connection | Pool, finding: UUID) -> Record | None:
    return await connection.fetchrow(f"{_SHOWN} WHERE w.finding_id = $1", finding)


async def of_enterprise(pool: Pool, enterprise: str, since: datetime) -> list[Record]:
    """Told since then, newest first, at most 200."""
    rows: list[Record] = await pool.fetch(
        f"{_SHOWN} WHERE w.enterprise = $1 AND w.told_at >= $2 ORDER BY w.told_at DESC, w.finding_id LIMIT 200",
        enterprise, since,
    )  # fmt: skip
    return rows
