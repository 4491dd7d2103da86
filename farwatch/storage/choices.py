"""Why an officer was chosen: each look for somebody with its candidates; and how much each officer has in hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from farwatch.domain.finding import Param, Reason
from farwatch.storage.database import Connection, Pool

ASKED_SHARE = 0.25
"""What a task weighs that he is asked to take, beside one that he holds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredChoice:
    """`chosen` None: nobody. `candidates` hold ids and seconds, the cheapest first."""

    id: int
    at: datetime
    wanted: str
    chosen: str | None
    reason: Reason
    candidates: tuple[Mapping[str, Param], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewChoice:
    """As StoredChoice, without its number."""

    task: int
    wanted: str
    chosen: str | None
    reason: Reason
    candidates: Sequence[Mapping[str, Param]]


async def add_all(connection: Connection, choices: Sequence[NewChoice], at: datetime) -> list[int]:
    """Returns their numbers, in their order."""
    rows = await connection.fetchmany(
        "INSERT INTO dispatch_choices (task_id, at, wanted, chosen, reason_key, reason_params, candidates)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id",
        [
            (
                c.task,
                at,
                c.wanted,
                c.chosen,
                c.reason.key,
                dict(c.reason.params),
                [dict(one) for one in c.candidates],
            )
            for c in choices
        ],
    )
    return [r["id"] for r in rows]


async def of_task(connection: Connection | Pool, task: int, limit: int) -> list[StoredChoice]:
    """The newest first."""
    rows = await connection.fetch(
        "SELECT id, at, wanted, chosen, reason_key, reason_params, candidates FROM dispatch_choices WHERE task_id = $1"
        " ORDER BY id DESC LIMIT $2",
        task,
        limit,
    )
    return [
        StoredChoice(
            id=r["id"], at=r["at"], wanted=r["wanted"], chosen=r["chosen"], candidates=tuple(r["candidates"]),
            reason=Reason(r["reason_key"], r["reason_params"]),
        )
        for r in rows
    ]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Loads:
    """By officer: 1 for each task that he holds and has not handled, ASKED_SHARE for each that he is asked to take."""

    real: Mapping[str, float]
    drills: Mapping[str, float]


async def loads(connection: Connection | Pool) -> Loads:
    rows = await connection.fetch(
        "SELECT who, t.drill_id IS NOT NULL AS drill, sum(CASE WHEN t.officer IS NULL THEN $1::float8 ELSE 1 END) AS load"
        " FROM tasks t, unnest(CASE WHEN t.officer IS NULL THEN t.offered_to ELSE ARRAY[t.officer] END) AS who"
        " WHERE t.state IN ('offered', 'accepted', 'arrived') AND (t.officer IS NOT NULL OR NOT who = ANY(t.declined_by))"
        " GROUP BY who, drill",
        ASKED_SHARE,
    )
    return Loads(
        {r["who"]: r["load"] for r in rows if not r["drill"]},
        {r["who"]: r["load"] for r in rows if r["drill"]},
    )


async def waiting(connection: Connection | Pool, now: datetime, limit: int) -> list[int]:
    """Tasks that nobody is asked for yet and for whom it is time to look, the worst first; no lock is taken."""
    rows = await connection.fetch(
        "SELECT t.id FROM deadlines d JOIN tasks t ON t.id = d.task_id WHERE d.state = 'pending' AND d.kind = 'dispatch'"
        " AND d.due_at <= $1 AND t.state = 'open' ORDER BY t.severity DESC, d.due_at, t.id LIMIT $2",
        now,
        limit,
    )
    return [r["id"] for r in rows]
