"""What an enterprise did before, and what a person decided about a matter. A decision is withdrawn by the next, never changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.finding import Kind, Param
from farwatch.domain.leniency import JudgedMatter, Leniency, PastCase
from farwatch.storage import events
from farwatch.storage.database import Connection, Pool, Record

LENIENT = (Leniency.NO_PENALTY_FIRST, Leniency.NO_PENALTY_MINOR)
_LENIENT = ", ".join(f"'{decision}'" for decision in LENIENT)

# A confirmed case: visited or not, it was handled, verified, and no false alarm, drill or end by itself.
CONFIRMED = "t.outcome = 'handled' AND t.verified_at IS NOT NULL AND t.drill_id IS NULL"
# A matter of the enterprise: our cameras are none, nor is equipment that fails; data that only a hand explains is (tier violation).
VIOLATION = (
    "m.kind <> 'camera_fault' AND EXISTS (SELECT FROM matter_findings v JOIN findings w ON w.id = v.finding_id"
    " WHERE v.matter_id = m.id AND w.tier <> 'fault')"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseMatter:
    """A matter with what the suggestion needs of it."""

    id: int
    task: int
    judged: JudgedMatter


_CASE = "SELECT state, outcome, enterprise, drill_id FROM tasks WHERE id = $1"


async def case(connection: Connection | Pool, task: int) -> Record | None:
    """`state`, `outcome`, `enterprise`, `drill_id` of a task."""
    return await connection.fetchrow(_CASE, task)


async def lock_case(connection: Connection, task: int) -> Record | None:
    """As `case`, held until the caller's transaction ends."""
    return await connection.fetchrow(f"{_CASE} FOR UPDATE", task)


_MATTERS = f"""
SELECT m.id, m.task_id, m.kind, m.code, m.severity, t.opened_at AS at,
  array_agg(DISTINCT f.rule) FILTER (WHERE f.rule IS NOT NULL) AS rules,
  max((f.reason_params->>'ratio')::float8) AS ratio, coalesce(bool_and(f.ended_at IS NOT NULL), false) AS corrected
FROM matters m JOIN tasks t ON t.id = m.task_id LEFT JOIN matter_findings mf ON mf.matter_id = m.id
LEFT JOIN findings f ON f.id = mf.finding_id WHERE t.id = ANY($1::bigint[]) AND {VIOLATION} GROUP BY m.id, t.opened_at ORDER BY m.id
"""


async def matters(connection: Connection | Pool, tasks: Sequence[int]) -> list[CaseMatter]:
    """The violations of these tasks, by id."""
    return [_matter(r) for r in await connection.fetch(_MATTERS, list(tasks))]


def _matter(r: Record) -> CaseMatter:
    judged = JudgedMatter(
        kind=Kind(r["kind"]), rules=frozenset(r["rules"] or ()), code=r["code"], ratio=r["ratio"], severity=r["severity"],
        corrected=r["corrected"], at=r["at"],
    )  # fmt: skip
    return CaseMatter(id=r["id"], task=r["task_id"], judged=judged)


_CASES = f"""
SELECT t.id AS task, t.opened_at, EXISTS (SELECT FROM penalty_decisions p JOIN matters x ON x.id = p.matter_id
    WHERE x.task_id = t.id AND x.kind = $2 AND p.withdrawn_at IS NULL AND p.decision IN ({_LENIENT})) AS lenient
FROM tasks t WHERE t.enterprise = $1 AND {CONFIRMED} AND t.opened_at >= $3 AND t.opened_at < $4
  AND EXISTS (SELECT FROM matters m WHERE m.task_id = t.id AND m.kind = $2 AND {VIOLATION})
ORDER BY t.opened_at DESC, t.id DESC LIMIT 200
"""


async def cases(
    connection: Connection | Pool, enterprise: str, kind: Kind, since: datetime, until: datetime
) -> list[PastCase]:
    """Confirmed cases with a violation of this kind that were opened in [since, until), newest first, at most 200."""
    return [PastCase(**r) for r in await connection.fetch(_CASES, enterprise, kind, since, until)]


async def of_task(connection: Connection | Pool, task: int) -> list[Record]:
    """Every decision about its matters, the withdrawn ones too, oldest first."""
    rows: list[Record] = await connection.fetch(
        "SELECT id, matter_id AS matter, suggestion_key, suggestion_params, list_version, decision, note, decided_by, decided_at,"
        " withdrawn_at FROM penalty_decisions WHERE task_id = $1 ORDER BY id",
        task,
    )
    return rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """`commitment` is the salted hash of the note, which is all of it that the log holds."""

    task: int
    matter: int
    suggestion: str
    params: Mapping[str, Param]
    list_version: int
    decision: Leniency
    note: str
    salt: bytes
    commitment: str
    by: str


async def decide(connection: Connection, decided: Decided, now: datetime) -> int:
    """In the caller's transaction, which holds the task's row: withdraws what was decided before, and returns the decision's id."""
    d = decided
    before = await connection.fetchval(
        "UPDATE penalty_decisions SET withdrawn_at = $2 WHERE matter_id = $1 AND withdrawn_at IS NULL RETURNING id",
        d.matter, now,
    )  # fmt: skip
    made: int = await connection.fetchval(
        "INSERT INTO penalty_decisions (task_id, matter_id, suggestion_key, suggestion_params, list_version, decision, note, salt,"
        " decided_by, decided_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING id",
        d.task, d.matter, d.suggestion, dict(d.params), d.list_version, d.decision, d.note, d.salt, d.by, now,
    )  # fmt: skip
    await events.append(
        connection, "penalty_decided", task=d.task, actor=d.by, decision_id=made, matter=d.matter, decision=d.decision.value,
        suggested=d.suggestion, list_version=d.list_version, withdraws=before, commitment=d.commitment,
    )  # fmt: skip
    return made


_HISTORY = f"""
SELECT t.id AS task, t.opened_at, t.closed_at, m.id AS matter, m.kind, m.code, m.severity, p.decision
FROM tasks t JOIN matters m ON m.task_id = t.id
LEFT JOIN penalty_decisions p ON p.matter_id = m.id AND p.withdrawn_at IS NULL
WHERE t.enterprise = $1 AND {CONFIRMED} AND {VIOLATION} AND t.opened_at >= $2 ORDER BY t.opened_at DESC, m.id DESC LIMIT 500
"""


async def history(pool: Pool, enterprise: str, since: datetime) -> list[Record]:
    """Violations of its confirmed cases since then, newest first, at most 500."""
    rows: list[Record] = await pool.fetch(_HISTORY, enterprise, since)
    return rows


async def recent(pool: Pool, since: datetime) -> list[Record]:
    """`id`, `enterprise` and `opened_at` of the confirmed cases that were closed since then, newest first, at most 500."""
    rows: list[Record] = await pool.fetch(
        f"SELECT t.id, t.enterprise, t.opened_at FROM tasks t WHERE {CONFIRMED} AND t.enterprise IS NOT NULL AND t.closed_at >= $1"
        " ORDER BY t.closed_at DESC LIMIT 500",
        since,
    )
    return rows
