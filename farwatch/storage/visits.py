"""Visit codes, what enterprises wrote under them, and how many visits there were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from farwatch.storage import events
from farwatch.storage.database import Connection, Pool, Record

OVER, PASSED_ON, RENEWED = "over", "passed_on", "renewed"
"""Why a code ended: the visit is over, another officer has the task, a new code took its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitCode:
    """`nonce` and the key of the data folder give the token again, whose hash is `token_sha256`; a row alone gives it to nobody."""

    id: int
    officer: str
    nonce: bytes
    token_sha256: bytes
    made_at: datetime
    expires_at: datetime
    first_scanned_at: datetime | None
    scans: int


_CODE = "id, officer, nonce, token_sha256, made_at, expires_at, first_scanned_at, scans"
# Nobody's door is knocked at where nothing but cameras of no enterprise need somebody.
_CALLS_FOR_CODE = "t.enterprise IS NOT NULL OR EXISTS (SELECT FROM matters m WHERE m.task_id = t.id AND m.kind <> 'camera_fault')"


async def lock_visit(connection: Connection, task: int) -> Record | None:
    """`state` and `officer` of a task, which nobody changes before the caller's transaction ends; `calls_for_code`: somebody is
    visited, not a camera of no enterprise alone."""
    return await connection.fetchrow(
        f"SELECT t.state, t.officer, {_CALLS_FOR_CODE} AS calls_for_code FROM tasks t WHERE t.id = $1 FOR UPDATE",
        task,
    )


async def living(connection: Connection, task: int, officer: str, now: datetime) -> VisitCode | None:
    """The code of this officer's visit that has neither ended nor expired."""
    row = await connection.fetchrow(
        f"SELECT {_CODE} FROM visit_codes WHERE task_id = $1 AND officer = $2 AND ended_at IS NULL AND expires_at > $3",
        task, officer, now,
    )  # fmt: skip
    return VisitCode(**row) if row else None


async def make(
    connection: Connection, task: int, officer: str, *, nonce: bytes, token_sha256: bytes, now: datetime, lasts: timedelta
) -> VisitCode:  # fmt: skip
    """A new code in the place of one that expired, or that another key made. The caller holds the task's row."""
    await connection.execute(
        "UPDATE visit_codes SET ended_at = $2, ended_by = $3 WHERE task_id = $1 AND ended_at IS NULL", task, now, RENEWED
    )  # fmt: skip
    row = await connection.fetchrow(
        "INSERT INTO visit_codes (task_id, officer, nonce, token_sha256, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)"
        f" RETURNING {_CODE}",
        task, officer, nonce, token_sha256, now, now + lasts,
    )  # fmt: skip
    assert row is not None
    made = VisitCode(**row)
    await events.append(connection, "visit_code_made", task=task, code=made.id, officer=officer)
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenVisit:
    """What a living token opens; `over`: the visit has ended and takes comments for a while."""

    id: int
    task: int
    officer: str
    expires_at: datetime
    over: bool
    first: bool
    drill: bool


async def open_visit(
    connection: Connection, token_sha256: bytes, now: datetime, comments_after: timedelta
) -> OpenVisit | None:
    """Locks the code. None for one that is unknown, expired, passed on or long over: nobody can tell which."""
    row = await connection.fetchrow(
        "SELECT c.id, c.task_id AS task, c.officer, c.expires_at, c.ended_at IS NOT NULL AS over,"
        " c.first_scanned_at IS NULL AS first, t.drill_id IS NOT NULL AS drill"
        " FROM visit_codes c JOIN tasks t ON t.id = c.task_id WHERE c.token_sha256 = $1 AND c.expires_at > $2"
        " AND (c.ended_at IS NULL OR c.ended_by = 'over' AND c.ended_at > $3) FOR UPDATE OF c",
        token_sha256, now, now - comments_after,
    )  # fmt: skip
    return OpenVisit(**row) if row else None


async def scanned(connection: Connection, visit: OpenVisit, now: datetime) -> None:
    """Counts a look at the page; the first one is an event of the task."""
    await connection.execute(
        "UPDATE visit_codes SET scans = scans + 1, first_scanned_at = coalesce(first_scanned_at, $2) WHERE id = $1",
        visit.id, now,
    )  # fmt: skip
    if visit.first:
        await events.append(
            connection, "visit_scanned", task=visit.task, code=visit.id, officer=visit.officer
        )


async def matters(connection: Connection, task: int) -> list[Record]:
    """What the enterprise is told of each matter: kind, since when, pollutant and limit."""
    rows: list[Record] = await connection.fetch(
        "SELECT kind, event_at AS since, code, (reason_params->>'limit')::float8 AS limit, reason_params->>'unit' AS unit"
        " FROM matters WHERE task_id = $1 ORDER BY id",
        task,
    )
    return rows


async def comments(connection: Connection | Pool, code: int, clients: Sequence[UUID]) -> list[Record]:
    """Those under the code that were sent with one of these ids: who sent them has them back, nobody else."""
    rows: list[Record] = await connection.fetch(
        "SELECT text, at, answer, answered_at FROM visit_comments WHERE code_id = $1 AND client_id = ANY($2::uuid[]) ORDER BY id",
        code, list(clients),
    )  # fmt: skip
    return rows


async def comment_count(connection: Connection | Pool, code: int) -> int:
    return int(await connection.fetchval("SELECT count(*) FROM visit_comments WHERE code_id = $1", code))


async def comment(
    connection: Connection, visit: OpenVisit, *, client_id: UUID, text: str, salt: bytes, commitment: str, address_hash: bytes,
    now: datetime, most: int,
) -> bool:  # fmt: skip
    """False when the code has `most` already. The same `client_id` again is no second comment. The caller holds the code."""
    if await connection.fetchval(
        "SELECT 1 FROM visit_comments WHERE client_id = $1 AND code_id = $2", client_id, visit.id
    ):
        return True
    made = await connection.fetchval(
        "INSERT INTO visit_comments (code_id, client_id, text, salt, at, address_hash) SELECT $1, $2, $3, $4, $5, $6"
        " WHERE (SELECT count(*) FROM visit_comments WHERE code_id = $1) < $7 ON CONFLICT (client_id) DO NOTHING RETURNING id",
        visit.id, client_id, text, salt, now, address_hash, most,
    )  # fmt: skip
    if made is not None:
        await events.append(
            connection, "visit_commented", task=visit.task, code=visit.id, comment=made, commitment=commitment
        )  # fmt: skip
    return made is not None


async def forget_addresses(pool: Pool, before: datetime) -> int:
    """From where comments came, of those that were made before then; the comments stay. Returns how many it forgot."""
    result: str = await pool.execute(
        "UPDATE visit_comments SET address_hash = ''::bytea WHERE at < $1 AND address_hash <> ''::bytea",
        before,
    )
    return int(result.rpartition(" ")[2])


async def answer(
    connection: Connection, task: int, comment: int, *, by: str, text: str, now: datetime
) -> bool:
    """The bureau's answer to a comment; False when there is no such comment that waits for one."""
    row = await connection.fetchval(
        "UPDATE visit_comments m SET answer = $3, answered_by = $4, answered_at = $5 FROM visit_codes c"
        " WHERE m.id = $2 AND c.id = m.code_id AND c.task_id = $1 AND m.answered_at IS NULL RETURNING m.id",
        task, comment, text, by, now,
    )  # fmt: skip
    if row is not None:
        await events.append(connection, "visit_comment_answered", task=task, actor=by, comment=comment)
    return row is not None


@dataclass(frozen=True, slots=True)
class TaskCodes:
    """A task's codes, oldest first, and the comments under them with `code_id`; `calls_for_code` as of `lock_visit`."""

    arrived_at: datetime | None
    calls_for_code: bool
    codes: Sequence[Record]
    comments: Sequence[Record]


async def of_task(pool: Pool, task: int) -> TaskCodes:
    async with pool.acquire() as connection:
        codes = await connection.fetch(
            "SELECT id, officer, made_at, expires_at, ended_at, ended_by, first_scanned_at, scans FROM visit_codes"
            " WHERE task_id = $1 ORDER BY id",
            task,
        )
        said = await connection.fetch(
            "SELECT m.code_id, m.id, m.text, m.at, m.answer, m.answered_by, m.answered_at FROM visit_comments m"
            " JOIN visit_codes c ON c.id = m.code_id WHERE c.task_id = $1 ORDER BY m.id",
            task,
        )
        visited = await connection.fetchrow(
            f"SELECT t.arrived_at, {_CALLS_FOR_CODE} AS calls_for_code FROM tasks t WHERE t.id = $1", task
        )
    assert visited is not None, "the caller has seen the task"
    return TaskCodes(visited["arrived_at"], visited["calls_for_code"], codes, said)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthCount:
    """Of one enterprise in one month of the city, drills left out; docs/reference/enterprise.md has the formulas.

    `visits`: tasks at which an officer arrived, `without_code` of them without a visit code, `never_shown` with one that nobody
    looked at; `matters`: of those tasks; `warnings_cleared`: warnings after which it stopped in time; `ceased`: tasks that
    ended by themselves before anybody arrived.
    """

    enterprise: str
    visits: int
    without_code: int
    never_shown: int
    matters: int
    warnings_cleared: int
    ceased: int

    @property
    def coded(self) -> int:
        """Visits that count as such: no code, no visit."""
        return self.visits - self.without_code

    @property
    def saved(self) -> int:
        """Visits that there would have been, had each matter and each warning been one of its own."""
        return self.matters - self.visits + self.warnings_cleared


_MONTH = """
WITH span AS (SELECT $1::timestamp AT TIME ZONE 'Asia/Shanghai' AS since,
    ($1::timestamp + interval '1 month') AT TIME ZONE 'Asia/Shanghai' AS until),
visited AS (SELECT t.enterprise, count(c.codes) FILTER (WHERE c.codes > 0) AS coded, count(*) AS visits,
    count(*) FILTER (WHERE c.codes > 0 AND c.scans = 0) AS never_shown, sum(m.matters) AS matters
  FROM span, tasks t,
    LATERAL (SELECT count(*) AS codes, coalesce(sum(scans), 0) AS scans FROM visit_codes WHERE task_id = t.id) c,
    LATERAL (SELECT count(*) AS matters FROM matters WHERE task_id = t.id) m
  WHERE t.enterprise IS NOT NULL AND t.drill_id IS NULL AND t.arrived_at >= since AND t.arrived_at < until GROUP BY t.enterprise),
cleared AS (SELECT enterprise, count(*) AS cleared FROM warnings, span
  WHERE enterprise IS NOT NULL AND drill_id IS NULL AND state = 'cleared' AND decided_at >= since AND decided_at < until
  GROUP BY enterprise),
stopped AS (SELECT enterprise, count(*) AS ceased FROM tasks, span
  WHERE enterprise IS NOT NULL AND drill_id IS NULL AND outcome = 'ceased' AND arrived_at IS NULL
    AND closed_at >= since AND closed_at < until GROUP BY enterprise)
SELECT enterprise, coalesce(visits, 0) AS visits, coalesce(visits - coded, 0) AS without_code,
  coalesce(never_shown, 0) AS never_shown, coalesce(matters, 0)::bigint AS matters, coalesce(cleared, 0) AS warnings_cleared,
  coalesce(ceased, 0) AS ceased
FROM visited FULL JOIN cleared USING (enterprise) FULL JOIN stopped USING (enterprise) ORDER BY visits DESC, enterprise
"""


async def month_counts(pool: Pool, month: date) -> list[MonthCount]:
    """Of the month that the day lies in, by enterprise, the most visited first; none that had nothing."""
    return [MonthCount(**r) for r in await pool.fetch(_MONTH, month.replace(day=1))]
