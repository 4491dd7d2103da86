"""First time and minor (首违不罚、轻微免罚) on a task: what the bureau's list suggests, and what a person decided."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field, StringConstraints

from alerting import first_time
from farwatch.domain import finding
from farwatch.domain.commitment import SALT_BYTES, commitment
from farwatch.domain.finding import Kind
from farwatch.domain.leniency import Leniency, PastCase
from farwatch.domain.task import Outcome, TaskState
from farwatch.storage import audit, minor_list, penalty, registry
from farwatch.storage.database import Connection, Record, transaction
from farwatch.storage.minor_list import MinorList
from farwatch.storage.penalty import CaseMatter, Decided
from server.web.authentication import Bureau, NotOfficer
from server.web.context import WebContext
from server.web.errors import ApiError, errors, not_found
from server.web.shapes import Reason
from server.web.tasks import TaskId

router = APIRouter(prefix="/api/v1", tags=["leniency"])

CONFIRMED_IN = (TaskState.VERIFIED, TaskState.CLOSED)


class CaseBody(BaseModel):
    """A confirmed case that counted; `lenient`: nobody was punished for it."""

    task: int
    opened_at: datetime
    lenient: bool


class DecisionBody(BaseModel):
    id: int
    suggestion: Reason
    list_version: int
    decision: Leniency
    note: str
    decided_by: str
    decided_at: datetime
    withdrawn_at: datetime | None


class MatterLeniency(BaseModel):
    """`decisions`: the newest last; at most one is not withdrawn."""

    matter: int
    kind: Kind
    code: str | None
    suggestion: Reason
    cases: list[CaseBody]
    decisions: list[DecisionBody]


class TaskLeniency(BaseModel):
    """`decidable`: the case is confirmed. `matters` are its violations; none of a task without an enterprise, nor of a drill."""

    decidable: bool
    list_version: int
    matters: list[MatterLeniency]


@router.get("/tasks/{id}/penalty", responses=errors(401, 403, 404))
async def task_leniency(web: WebContext, _: NotOfficer, id: TaskId) -> TaskLeniency:
    """What the list suggests for each matter now, with the cases that it counts."""
    async with transaction(web.pool) as connection:
        return await _leniency(connection, id)


class NewDecision(BaseModel):
    """`list_version` is that of the suggestion which was seen. What deviates from it, or takes another's place, needs a `note`."""

    matter: Annotated[int, Field(ge=1, le=2**63 - 1)]
    decision: Leniency
    list_version: Annotated[int, Field(ge=0, le=2**31 - 1)]
    note: Annotated[str, StringConstraints(max_length=2000, pattern=r"^[^\x00]*$")] = ""


@router.post("/tasks/{id}/penalty", status_code=201, responses=errors(401, 403, 404, 409, 413, 415))
async def decide_penalty(web: WebContext, who: Bureau, id: TaskId, body: NewDecision) -> TaskLeniency:
    """A person decides; an earlier decision is withdrawn by it. 409 not_confirmed_yet, no_case (false alarm, ceased), list_changed,
    note_needed. In the log as `penalty_decided`, its note as a commitment only."""
    async with transaction(web.pool) as connection:
        task = await penalty.lock_case(connection, id)
        if task is None:
            raise not_found()
        _require_case(task)
        shown = await _leniency(connection, id)
        matter = next((m for m in shown.matters if m.matter == body.matter), None)
        if matter is None:
            raise not_found()
        _require_reason(shown, matter, body)
        await penalty.decide(connection, _decided(id, who.name, shown, matter, body), web.deps.clock.now())
        await audit.write(
            connection, who.name, "penalty_decided", f"task/{id}", matter=body.matter, decision=body.decision
        )
        return await _leniency(connection, id)


def _require_case(task: Record) -> None:
    if task["outcome"] not in (None, Outcome.HANDLED) or task["drill_id"] is not None:
        raise ApiError(409, "no_case")
    if task["state"] not in CONFIRMED_IN:
        raise ApiError(409, "not_confirmed_yet")


def _require_reason(shown: TaskLeniency, matter: MatterLeniency, body: NewDecision) -> None:
    if body.list_version != shown.list_version:
        raise ApiError(409, "list_changed")
    needed = bool(matter.decisions) or first_time.is_deviation(matter.suggestion.key, body.decision)
    if needed and not body.note.strip():
        raise ApiError(409, "note_needed")


def _decided(task: int, by: str, shown: TaskLeniency, matter: MatterLeniency, body: NewDecision) -> Decided:
    note, salt = body.note.strip(), secrets.token_bytes(SALT_BYTES)
    return Decided(
        task=task, matter=matter.matter, suggestion=matter.suggestion.key,
        params={**matter.suggestion.params, "cases": ",".join(str(c.task) for c in matter.cases)},
        list_version=shown.list_version, decision=body.decision, note=note, salt=salt,
        commitment=commitment(salt, note, None), by=by,
    )  # fmt: skip


async def _leniency(connection: Connection, task: int) -> TaskLeniency:
    case = await penalty.case(connection, task)
    if case is None:
        raise not_found()
    rows = await minor_list.current(connection)
    decided = await penalty.of_task(connection, task)
    policy = await registry.load_policy(connection)
    matters = []
    if case["enterprise"] is not None and case["drill_id"] is None:
        for matter in await penalty.matters(connection, [task]):
            past = await _past(connection, case["enterprise"], matter, rows, policy.first_time.months)
            own = [d for d in decided if d["matter"] == matter.id]
            matters.append(_matter(matter, past, rows, own, policy.first_time.months))
    decidable = case["state"] in CONFIRMED_IN and case["outcome"] == Outcome.HANDLED
    return TaskLeniency(decidable=decidable, list_version=rows.version, matters=matters)


async def _past(
    connection: Connection, enterprise: str, matter: CaseMatter, rows: MinorList, months: int
) -> Sequence[PastCase]:
    row = first_time.covering(rows.rows, matter.judged)
    since = first_time.months_before(matter.judged.at, max(months, row.months if row else 0))
    return await penalty.cases(connection, enterprise, matter.judged.kind, since, matter.judged.at)


def _matter(
    matter: CaseMatter, past: Sequence[PastCase], rows: MinorList, decided: Sequence[Record], months: int
) -> MatterLeniency:
    said = first_time.suggestion(past, rows.rows, matter.judged, months)
    return MatterLeniency(
        matter=matter.id,
        kind=matter.judged.kind,
        code=matter.judged.code,
        suggestion=_reason(said.key, said.params),
        cases=[CaseBody(task=c.task, opened_at=c.opened_at, lenient=c.lenient) for c in past],
        decisions=[
            DecisionBody.model_validate(
                {**dict(d), "suggestion": _reason(d["suggestion_key"], d["suggestion_params"])}
            )
            for d in decided
        ],
    )


def _reason(key: str, params: Mapping[str, finding.Param]) -> Reason:
    return Reason(key=key, params=dict(params))
