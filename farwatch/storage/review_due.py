"""Which station's hours and days want a review: written beside their readings, taken by the review, done again after a change."""

from collections.abc import Iterable
from datetime import datetime

from farwatch.domain.reading import ReadingKind
from farwatch.storage.database import Connection

Due = tuple[str, ReadingKind, datetime]
"""MN, hour or day, and the period's start."""


async def mark(connection: Connection, due: Iterable[tuple[Due, datetime]]) -> None:
    """Each with the time before which a review would come too early; the earliest of a period counts."""
    rows = sorted(due)
    if not rows:
        return
    await connection.execute(
        "INSERT INTO review_due AS d (mn, kind, ts, due_at)"
        " SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])"
        " ON CONFLICT (mn, kind, ts) DO UPDATE SET due_at = least(d.due_at, excluded.due_at), seq = d.seq + 1",
        [mn for (mn, _, _), _ in rows],
        [str(kind) for (_, kind, _), _ in rows],
        [ts for (_, _, ts), _ in rows],
        [due_at for _, due_at in rows],
    )
