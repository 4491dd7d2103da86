"""Where a case stands on its way to evidence, as the API shows it."""

from dataclasses import asdict
from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from farwatch.storage import case_reviews, holds
from farwatch.storage.database import Pool

Part = Literal["legal", "technical"]


class ReviewBody(BaseModel):
    """`stands` false: other evidence has come since, so that somebody has to look again."""

    part: Part
    verdict: Literal["passed", "rejected"]
    reviewer: str
    note: str
    at: datetime
    stands: bool


class HoldBody(BaseModel):
    reason: str
    set_by: str
    set_at: datetime


class CaseBody(BaseModel):
    """`held`: nothing of it is purged, by its own `hold` or by one on a visit of the same line."""

    status: Literal["none", "in_review", "rejected", "evidence"]
    reviews: list[ReviewBody]
    hold: HoldBody | None
    held: bool


async def case_body(pool: Pool, task: int) -> CaseBody | None:
    """None when there is no such task."""
    case = await case_reviews.load(pool, task)
    if case is None:
        return None
    hold = await holds.current(pool, task)
    return CaseBody.model_validate(
        {
            "status": case.status,
            "reviews": [asdict(r) for r in case.reviews],
            "hold": dict(hold) if hold else None,
            "held": await holds.is_held(pool, task),
        }
    )
