"""A review over real rows, with a clock that stands still until it is set."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from detectors.sensors import legal
from farwatch.domain.reading import Reading, ReadingKind, is_late
from farwatch.domain.review import Reviewer
from farwatch.storage import readings, review_due
from farwatch.storage.database import Pool, transaction
from farwatch.storage.leases import Lease
from ingest.review.reviews import Reviews
from ingest.review_marks import ReviewMarks
from server.city import CityCache

HOUR = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
"""Ten o'clock in the city."""


class HandClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()


async def make_reviews(pool: Pool, clock: HandClock, reviewer: Reviewer = legal.review) -> Reviews:
    await pool.execute("INSERT INTO leases VALUES ('review', 1, 'test', now()) ON CONFLICT DO NOTHING")
    return Reviews(pool, Lease("review", 1), clock, reviewer=reviewer, city=CityCache(pool).current)


async def limit(pool: Pool, mn: str, code: str, kind: ReadingKind, value: float) -> None:
    await pool.execute(
        "INSERT INTO limits (channel_id, kind, limit_value, converted, warn_share, valid_from)"
        " SELECT id, $3, $4, false, 1, '2020-01-01' FROM channels WHERE mn = $1 AND code = $2",
        mn, code, str(kind), value,
    )  # fmt: skip
    await pool.execute("UPDATE registry_version SET version = version + 1")


def a_reading(
    ts: datetime, value: float, kind: ReadingKind = ReadingKind.HOUR, *, after_s: float = 1, **changes: object
) -> Reading:
    """Received `after_s` after its period's end."""
    length = {ReadingKind.HOUR: 3600, ReadingKind.DAY: 86400, ReadingKind.MIN: 60, ReadingKind.RTD: 0}[kind]
    received_at = ts + timedelta(seconds=length + after_s)
    late = is_late(kind, ts=ts, received_at=received_at, excused=timedelta(0))
    fields: dict[str, object] = {
        "mn": "MN1",
        "code": "a21026",
        "kind": kind,
        "ts": ts,
        "value": value,
        "late": late,
    }
    return Reading(**(fields | {"received_at": received_at} | changes))  # type: ignore[arg-type]


async def arrive(pool: Pool, batch: Sequence[Reading], marks: ReviewMarks | None = None) -> None:
    """As the intake writes them: with their marks, in one commit; `marks` is what it remembers of earlier batches."""
    remembered = marks or ReviewMarks()
    async with transaction(pool) as connection:
        await readings.ensure_partitions(connection)
        await readings.insert(connection, await readings.channel_ids(connection), batch)
        wanted = remembered.of(batch, batch[-1].received_at)
        await review_due.mark(connection, wanted.items())
    remembered.adopt(wanted)


async def review_all(reviews: Reviews) -> int:
    """Until nothing is due; how many were done."""
    total = 0
    while done := await reviews.round():
        total += done
    return total
