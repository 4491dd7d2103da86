"""Whether a verdict's limit was compared with its standard: by the period that was in force, and never silently yes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Limit
from server.web.review_shapes import is_unverified

THEN = datetime(2026, 11, 1, tzinfo=UTC)
DAY = timedelta(days=1)
PRESET = Limit(
    mn="MN1", code="a21026", unit="mg/m3", kind=ReadingKind.HOUR, limit=50.0, valid_from=THEN, valid_to=THEN + 9 * DAY,
    source="GB 13223-2011 x", unverified=True,
)  # fmt: skip
COMPARED = replace(PRESET, valid_from=THEN + 9 * DAY, valid_to=None, unverified=False)


def said(day: float, limit: float | None = 50.0, source: str = "GB 13223-2011 x") -> dict[str, object]:
    return {
        "ts": THEN + day * DAY, "kind": "hour", "limit_value": limit, "lower_value": None, "limit_source": source,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "row", "unverified"),
    [
        ((PRESET, COMPARED), said(3), True),
        ((PRESET, COMPARED), said(12), False),
        ((replace(PRESET, limit=40.0), COMPARED), said(3), False),
        ((replace(PRESET, valid_to=THEN + 2 * DAY), replace(COMPARED, limit=40.0)), said(12), True),
        ((), said(3), True),
        ((), said(3, None, ""), False),
        ((), said(3, source=""), False),
        ((COMPARED,), said(12, source="licence"), True),
    ],
    ids=[
        "preset", "compared_since", "another_row_had_it", "a_later_row_came_after_the_verdict", "limits_are_gone", "no_limit",
        "a_licences_is_gone",
        "other_source",
    ],
)  # fmt: skip
def test_unverified(limits: tuple[Limit, ...], row: dict[str, object], unverified: bool) -> None:
    assert is_unverified(limits, row) is unverified
