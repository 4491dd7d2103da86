"""Validity periods of one channel's limit for one kind and schedule: what a file's rows do to those in the database.

What has been in force is never rewritten, it only gets an end. Periods that have not begun yet may be withdrawn.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from farwatch.domain.registry import Limit
from farwatch.storage.registry_changes import LimitsChange


def change_periods(stored: Sequence[Limit], rows: Sequence[Limit], now: datetime) -> LimitsChange | None:
    """None when the rows say what is stored. Both are of one channel, kind and schedule; `rows` is not empty.

    A row that begins after the period in force opens a new one at its own `valid_from`, also when that has passed.
    A row that contradicts the period in force without beginning after it opens a new one at `now`.
    """
    stored, rows = sorted(stored, key=_begin), sorted(rows, key=_begin)
    begun = [period for period in stored if period.valid_from < now]
    in_force = begun[-1] if begun else None
    future = stored[len(begun) :]
    wanted = _wanted(in_force, rows, now)
    if [_said(period) for period in wanted] == [_said(period) for period in future]:
        return None
    ends = [period.valid_from for period in wanted[1:]]
    opens = [replace(p, valid_to=end) for p, end in zip(wanted, [*ends, None], strict=True)] if wanted else []
    closes = in_force and replace(in_force, valid_to=wanted[0].valid_from if wanted else None)
    return LimitsChange(
        mn=rows[0].mn,
        code=rows[0].code,
        kind=rows[0].kind.value,
        schedule=rows[0].schedule,
        closes=closes,
        opens=tuple(opens),
    )


def without_limit(stored: Sequence[Limit], now: datetime) -> LimitsChange | None:
    """The file no longer has this kind and schedule: from `now` on it has no limit. None when that is so already."""
    in_force = [period for period in sorted(stored, key=_begin) if period.valid_from < now][-1:]
    pattern = in_force[0] if in_force else min(stored, key=_begin)
    begin = max(now, pattern.valid_from)
    return change_periods(
        stored, [replace(pattern, limit=None, lower=None, valid_from=begin, valid_to=None)], now
    )


def _wanted(in_force: Limit | None, rows: Sequence[Limit], now: datetime) -> list[Limit]:
    """The periods that shall follow the one in force."""
    if in_force is None:
        return _changes_only(rows, None)
    later = [row for row in rows if row.valid_from > in_force.valid_from]
    earlier = [row for row in rows if row.valid_from <= in_force.valid_from]
    overtaken = any(row.valid_from <= now for row in later)
    if earlier and not overtaken and _values(earlier[-1]) != _values(in_force):
        later.insert(0, replace(earlier[-1], valid_from=now))
    return _changes_only(later, in_force)


def _changes_only(rows: Sequence[Limit], before: Limit | None) -> list[Limit]:
    kept: list[Limit] = []
    for row in rows:
        last = kept[-1] if kept else before
        if last is None or _values(row) != _values(last):
            kept.append(replace(row, valid_to=None))
    return kept


def _begin(limit: Limit) -> datetime:
    return limit.valid_from


def _values(limit: Limit) -> tuple[object, ...]:
    """What makes it another limit; where there is none, nothing else does."""
    if limit.limit is None and limit.lower is None:
        return (None,)
    return (
        limit.limit, limit.lower, limit.converted, limit.warn_share, limit.source, limit.unverified,
    )  # fmt: skip


def _said(limit: Limit) -> tuple[datetime, tuple[object, ...]]:
    return limit.valid_from, _values(limit)
