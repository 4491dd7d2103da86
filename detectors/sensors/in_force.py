"""Which of a channel's limits counts for a reading: by kind, validity period and daily schedule. Pure."""

from collections.abc import Sequence
from datetime import datetime

from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Limit
from farwatch.domain.schedule import holds, stretch_of


def own_limit(limits: Sequence[Limit], kind: ReadingKind, ts: datetime) -> Limit | None:
    """The limit of just this kind for a reading whose period begins at `ts`.

    A limit with a schedule goes before one without, a newer one before an older one. Rows without any bound (a limit
    that was withdrawn) are none.
    """
    found = [limit for limit in limits if limit.kind is kind and is_bound(limit) and is_in_force(limit, ts)]
    return max(found, key=lambda limit: (bool(limit.schedule), limit.valid_from), default=None)


def is_bound(limit: Limit) -> bool:
    return limit.limit is not None or limit.lower is not None


def is_in_force(limit: Limit, ts: datetime) -> bool:
    return (
        limit.valid_from <= ts
        and (limit.valid_to is None or ts < limit.valid_to)
        and holds(stretch_of(limit.schedule), ts)
    )
