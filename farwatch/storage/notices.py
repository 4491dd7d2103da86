"""The outbox: what somebody is told, written in the commit that decided it; which ways it goes is planned and sent afterwards.

A `page` notice is delivered by being in the log, which the pages read; it is `sent` the moment it is committed, and it is what
the planner plans the other ways from. For an enterprise, which has no page, it stands for the plan alone. States only
go forward: queued, sent, delivered, seen, accepted; or end as failed, expired, superseded; a digested one waits with its carrier.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from farwatch.domain.finding import Param
from farwatch.storage.database import Connection, Pool, Record

PAGE = "page"
EXPIRES = timedelta(hours=1)
"""How long a notice that goes out by a messenger is worth sending, unless its writer says otherwise."""
_TIMES = {
    "delivered": "delivered_at = $2",
    "seen": "seen_at = $2, delivered_at = coalesce(delivered_at, $2)",
    "accepted": "accepted_at = $2, delivered_at = coalesce(delivered_at, $2)",
}
_BEFORE = {
    "delivered": ["sent"],
    "seen": ["sent", "delivered"],
    "accepted": ["sent", "delivered", "seen"],
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Once per (task, finding, step, channel, target), which make its key. `channel` is PAGE or a credential's name; `target` an
    officer's id, `centre`, `city` or an enterprise's id. One that is not `urgent` tries no further way when nobody has heard."""

    task: int | None
    finding: UUID | None
    step: str
    channel: str
    target: str
    key: str
    params: Mapping[str, Param]
    drill_id: str | None
    urgent: bool = True
    group_no: int = 0

    @property
    def of_warning(self) -> bool:
        """It tells of a warning, which is an enterprise's: whatever else is told belongs to a task, or to a storm."""
        return self.task is None and self.finding is not None


@dataclass(frozen=True, slots=True)
class ToPlan:
    """A page's notice whose moment has come; `group_no` is the group to try next."""

    id: int
    notice: Notice
    state: str
    created_at: datetime
    expires_at: datetime | None


_ADD = """
WITH made AS (
  INSERT INTO notices (task_id, finding_id, step, channel, target, message_key, message_params, state, next_attempt_at, created_at,
    sent_at, drill_id, urgent, group_no, plan_at, expires_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (key) DO NOTHING RETURNING true AS made
) SELECT made, pg_notify('farwatch_outbox', '') FROM made
"""


async def add(
    connection: Connection,
    notice: Notice,
    now: datetime,
    *,
    expires_at: datetime | None = None,
    at: datetime | None = None,
) -> bool:
    """False when this was told before. One for a messenger goes out at `at` (now), and no more once it has expired; nor do the
    ways of a page's notice that expires."""
    return bool(await connection.fetchval(_ADD, *_row(notice, now, expires_at, at)))


async def add_all(connection: Connection, notices: Sequence[Notice], now: datetime) -> None:
    """The same for several, in their order and on one way to the database."""
    await connection.executemany(_ADD, [_row(notice, now) for notice in notices])


def _row(
    notice: Notice, now: datetime, expires_at: datetime | None = None, at: datetime | None = None
) -> tuple[object, ...]:
    on_page = notice.channel == PAGE
    return (
        notice.task, notice.finding, notice.step, notice.channel, notice.target, notice.key, dict(notice.params),
        "sent" if on_page else "queued", at or now, now, now if on_page else None, notice.drill_id, notice.urgent,
        notice.group_no, now if on_page else None, expires_at if on_page else expires_at or now + EXPIRES,
    )  # fmt: skip


async def receipt(
    connection: Connection | Pool,
    state: str,
    now: datetime,
    *,
    task: int,
    targets: Collection[str],
    steps: Sequence[str] = ("",),
) -> int:
    """What the page of one of `targets` did with its notices of a task whose steps begin like one of `steps`: delivered, seen or
    accepted. Never backwards; returns how many it moved."""
    return await _receipt(
        connection, state, now, "task_id = $4 AND target = ANY($5::text[]) AND step LIKE ANY($6::text[])",
        task, list(targets), _begin_like(steps),
    )  # fmt: skip


async def _receipt(connection: Connection | Pool, state: str, now: datetime, of: str, *values: object) -> int:
    """Whoever changes several notices locks them in the order of their ids."""
    result: str = await connection.execute(
        f"UPDATE notices SET state = $1, {_TIMES[state]} WHERE state = ANY($3::text[]) AND id IN (SELECT id FROM notices"
        f" WHERE channel = 'page' AND state = ANY($3::text[]) AND {of} ORDER BY id FOR UPDATE)",
        state, now, _BEFORE[state], *values,
    )  # fmt: skip
    return int(result.rpartition(" ")[2])


async def lock(connection: Connection, tasks: Collection[int]) -> None:
    """What `receipt` and `supersede` may change of these tasks, in the one order in which everybody locks several."""
    await connection.execute(
        "SELECT FROM notices WHERE task_id = ANY($1::bigint[]) AND (state = 'queued' OR (channel = 'page'"
        " AND (plan_at IS NOT NULL OR state = ANY($2::text[])))) ORDER BY id FOR UPDATE",
        list(tasks),
        _BEFORE["accepted"],
    )


async def shown(connection: Connection | Pool, pairs: Collection[tuple[int, str]]) -> None:
    """The page of each (task, target) was sent what it is told of that task: delivered, unless it is further already."""
    await connection.execute(
        "UPDATE notices SET state = 'delivered', delivered_at = clock_timestamp() WHERE state = 'sent' AND id IN (SELECT n.id"
        " FROM notices n JOIN unnest($1::bigint[], $2::text[]) AS p (task, target) ON n.task_id = p.task AND n.target = p.target"
        " WHERE n.channel = 'page' AND n.state = 'sent' ORDER BY n.id FOR UPDATE OF n)",
        [task for task, _ in pairs],
        [target for _, target in pairs],
    )


async def supersede(
    connection: Connection,
    task: int,
    steps: Sequence[str],
    *,
    but: str | None = None,
    only: str | None = None,
) -> None:
    """What is not sent yet of the steps that begin so is worth nothing any more: to everybody, to everybody `but` one, or to
    `only` one. A page that has not shown it is told by the log; no further way is tried. What one of these would have carried
    goes by itself at the next look of the outbox."""
    await _supersede(
        connection, "task_id = $1 AND step LIKE ANY($2::text[]) AND ($3::text IS NULL OR target <> $3)"
        " AND ($4::text IS NULL OR target = $4)", task, _begin_like(steps), but, only,
    )  # fmt: skip


async def warnings_over(connection: Connection, findings: Sequence[UUID]) -> None:
    """What was told of these warnings and has not arrived is worth nothing any more."""
    await _supersede(connection, "task_id IS NULL AND finding_id = ANY($1::uuid[])", list(findings))


async def warning_answered(connection: Connection, finding: UUID, now: datetime) -> None:
    """Whoever it was told has it: no further way is tried."""
    await _receipt(
        connection, "accepted", now, "task_id IS NULL AND finding_id = $4 AND target <> 'centre'", finding
    )
    await warnings_over(connection, [finding])


async def calls_spared(connection: Connection, message: int) -> list[tuple[UUID, str]]:
    """The message of this notice was taken. The warnings among what it told that the centre was to phone an enterprise for, each
    with that enterprise: nobody is told to phone any more. Once for each."""
    told = await connection.fetch(
        "SELECT DISTINCT finding_id, target FROM notices WHERE (id = $1 OR superseded_by = $1) AND task_id IS NULL"
        " AND finding_id IS NOT NULL AND target <> 'centre' ORDER BY finding_id",
        message,
    )
    if not told:
        return []
    findings = [r["finding_id"] for r in told]
    spared = await _supersede(
        connection, "task_id IS NULL AND step LIKE 'lost:%' AND finding_id = ANY($1::uuid[])", findings
    )
    return [(r["finding_id"], r["target"]) for r in told if (r["finding_id"], PAGE) in spared]


async def _supersede(connection: Connection, of: str, *values: object) -> set[tuple[UUID | None, str]]:
    """The findings and channels of those that it looked at."""
    rows = await connection.fetch(
        "UPDATE notices SET plan_at = NULL, state = CASE WHEN state IN ('queued', 'sent') THEN 'superseded' ELSE state END"
        f" WHERE id IN (SELECT id FROM notices WHERE {of} AND (state = 'queued' OR (channel = 'page' AND"
        " (plan_at IS NOT NULL OR state = 'sent'))) ORDER BY id FOR UPDATE) RETURNING finding_id, channel",
        *values,
    )
    return {(r["finding_id"], r["channel"]) for r in rows}


def _begin_like(steps: Sequence[str]) -> list[str]:
    return [step.replace("_", r"\_") + "%" for step in steps]


async def to_plan(connection: Connection, now: datetime, limit: int) -> list[ToPlan]:
    """Locks the page's notices whose `plan_at` has come. Whoever locks several notices does so in the order of their ids."""
    rows = await connection.fetch(
        "SELECT * FROM notices WHERE plan_at <= $1 ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED",
        now,
        limit,
    )
    return [ToPlan(r["id"], _notice(r), r["state"], r["created_at"], r["expires_at"]) for r in rows]


def _notice(row: Record) -> Notice:
    return Notice(
        task=row["task_id"], finding=row["finding_id"], step=row["step"], channel=row["channel"], target=row["target"],
        key=row["message_key"], params=row["message_params"], drill_id=row["drill_id"], urgent=row["urgent"],
        group_no=row["group_no"],
    )  # fmt: skip


async def ways_of(connection: Connection, page: Notice) -> list[Record]:
    """`channel`, `state` and last `error` of what went out beside this page's notice; what is told in another one's message fares
    as that one, and goes by itself when that one is superseded."""
    statement, values = _ways_of(page)
    rows: list[Record] = await connection.fetch(statement, *values)
    return rows


def _ways_of(page: Notice) -> tuple[str, tuple[object, ...]]:
    """A statement for each sort of notice: `IS NOT DISTINCT FROM` alone reads the whole table, from which nothing is purged."""
    values: tuple[object, ...] = (page.step, page.target)
    if page.task is not None:
        of, values = (
            "n.task_id = $3 AND n.finding_id IS NOT DISTINCT FROM $4",
            (*values, page.task, page.finding),
        )
    elif page.finding is not None:
        of, values = "n.task_id IS NULL AND n.finding_id = $3", (*values, page.finding)
    else:
        of = "n.task_id IS NULL AND n.finding_id IS NULL"
    statement = (
        "SELECT n.channel, coalesce(CASE c.state WHEN 'superseded' THEN 'queued' ELSE c.state END, n.state) AS state,"
        " coalesce(c.error, n.error) AS error FROM notices n"
        " LEFT JOIN notices c ON n.state = 'digested' AND c.id = n.superseded_by"
        f" WHERE {of} AND n.step = $1 AND n.target = $2 AND n.channel <> 'page' ORDER BY n.id"
    )
    return statement, values


async def planned(
    connection: Connection, notice: int, group_no: int, plan_at: datetime | None, error: str | None
) -> None:
    await connection.execute(
        "UPDATE notices SET group_no = $2, plan_at = $3, error = coalesce($4, error) WHERE id = $1",
        notice,
        group_no,
        plan_at,
        error,
    )


_LAST_OF_STORMS = """
SELECT max(coalesce(sent_at, next_attempt_at)) FROM notices
WHERE task_id IS NULL AND finding_id IS NULL AND channel = $1 AND target = $2 AND step LIKE 'storm:%' AND created_at > $3
  AND drill_id IS NOT DISTINCT FROM $4
"""


async def storm_slot(connection: Connection, notice: Notice, now: datetime, every: timedelta) -> datetime:
    """When one more step of a storm may go out to its target: one message in each `every`, of drills and of real ones."""
    last: datetime | None = await connection.fetchval(
        _LAST_OF_STORMS, notice.channel, notice.target, now - 2 * every, notice.drill_id
    )
    return now if last is None else max(now, last if last > now else last + every)


async def overdue_s(connection: Pool | Connection) -> float:
    """How long ago the oldest queued notice should have been tried, seconds; 0 when none is due."""
    age: float = await connection.fetchval(
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(next_attempt_at)), 0)::float8 FROM notices"
        " WHERE state = 'queued' AND next_attempt_at < clock_timestamp()"
    )
    return age


async def listed(
    connection: Pool | Connection, states: Sequence[str], before: int | None, limit: int
) -> list[Record]:
    """Notices in one of these states with ids below `before`, newest first."""
    rows: list[Record] = await connection.fetch(
        "SELECT id, task_id, finding_id, step, channel, target, message_key, message_params, state, attempts, error, created_at,"
        " sent_at, delivered_at, seen_at, accepted_at, expires_at, drill_id FROM notices WHERE state = ANY($1::text[])"
        " AND ($2::bigint IS NULL OR id < $2) ORDER BY id DESC LIMIT $3",
        list(states),
        before,
        limit,
    )
    return rows
