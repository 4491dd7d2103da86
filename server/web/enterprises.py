"""What is known of an enterprise: its confirmed cases, the warnings it was given, and how often it was visited."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from farwatch.domain.finding import Kind
from farwatch.domain.leniency import Leniency
from farwatch.domain.review import CITY
from farwatch.storage import penalty, visits, warnings
from server.web.authentication import NotOfficer
from server.web.context import WebContext
from server.web.errors import errors, not_found
from server.web.shapes import Named, enterprise_named
from server.web.visits import MonthRow, month_row
from server.web.warnings import WarningBody, warning_body

router = APIRouter(prefix="/api/v1/enterprises", tags=["leniency"])

LOOKS_BACK = timedelta(days=3 * 366)
EnterpriseId = Annotated[str, Path(max_length=200, pattern=r"^[^\x00]+$")]


class PastMatter(BaseModel):
    """A matter of a confirmed case; `decision` is null until a person decided."""

    task: int
    opened_at: datetime
    closed_at: datetime | None
    matter: int
    kind: Kind
    code: str | None
    severity: int
    decision: Leniency | None


class EnterpriseHistory(BaseModel):
    """Of the last three years, newest first; `this_month` is null without a visit, a cleared warning or an end by itself."""

    enterprise: Named
    cases: list[PastMatter]
    warnings: list[WarningBody]
    this_month: MonthRow | None


@router.get("/{id}/history", responses=errors(401, 403, 404))
async def enterprise_history(web: WebContext, _: NotOfficer, id: EnterpriseId) -> EnterpriseHistory:
    """404 for an enterprise that the registry does not know and of which there is nothing. Drills are left out of the cases."""
    registry, now = await web.registry.current(), web.deps.clock.now()
    cases = await penalty.history(web.pool, id, now - LOOKS_BACK)
    told = await warnings.of_enterprise(web.pool, id, now - LOOKS_BACK)
    if id not in registry.enterprises and not cases and not told:
        raise not_found()
    named = enterprise_named(registry, id)
    counts = await visits.month_counts(web.pool, now.astimezone(CITY).date())
    return EnterpriseHistory(
        enterprise=named,
        cases=[PastMatter.model_validate(dict(r)) for r in cases],
        warnings=[warning_body(r, registry) for r in told],
        this_month=next((month_row(c, named) for c in counts if c.enterprise == id), None),
    )
