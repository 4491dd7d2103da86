"""One reviewed hour or day as the API shows it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Limit
from farwatch.domain.review import Verdict
from farwatch.storage.database import Record


class ReviewCell(BaseModel):
    """`expected`, `received` and `valid` count minutes of an hour or hours of a day. `device_*` is what the device said,
    `own_*` what we computed, `judged_value` what was compared with `limit` (and `lower`). `unverified`: nobody has compared
    the limit with the standard's text yet. `revision` counts how often the verdict was made anew."""

    ts: datetime
    kind: ReadingKind
    verdict: Verdict
    reason: str
    expected: int
    received: int
    valid: int
    device_value: float | None
    device_converted: float | None
    device_flag: str | None
    own_value: float | None
    own_converted: float | None
    judged_value: float | None
    limit: float | None
    lower: float | None
    limit_source: str
    unverified: bool
    late: bool
    reviewed_at: datetime
    revision: int


def review_cell(row: Record, *, unverified: bool) -> ReviewCell:
    fields = {**dict(row), "limit": row["limit_value"], "lower": row["lower_value"], "unverified": unverified}
    return ReviewCell.model_validate(fields)


def is_unverified(limits: Iterable[Limit], row: Mapping[str, Any]) -> bool:
    """Is the limit that this review names still unverified? By the row that was in force then, else by any that says the same;
    a standard's limit that the registry no longer has was compared by nobody that we know of."""
    same = [
        x
        for x in limits
        if x.kind == row["kind"]
        and x.source == row["limit_source"]
        and (x.limit, x.lower) == (row["limit_value"], row["lower_value"])
    ]
    if not same:
        return bool(row["limit_source"])
    then = [x for x in same if x.valid_from <= row["ts"] and (x.valid_to is None or row["ts"] < x.valid_to)]
    return any(x.unverified for x in then or same)
