"""What had begun and ended before a span, and was looked at again within it, hides nothing that begins in it."""

from datetime import datetime, timedelta

import pytest

from detectors.sensors.judge import LimitJudge
from farwatch.domain.finding import Finding, FindingEnded, Kind, Reason, Severity, Tier, finding_id
from farwatch.domain.policy import Policy
from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import History, Period, ReviewOutcome
from farwatch.storage.database import Pool
from server.replay import replay
from tests.support.city import settle
from tests.support.review import HOUR, HandClock, a_reading, arrive, make_reviews, review_all

RULE, CODE = "data_high", "a21026"
ONE_HOUR = timedelta(hours=1)


def high(history: History, period: Period, policy: Policy, now: datetime) -> ReviewOutcome:
    """Above a hundred something is wrong, until it is not."""
    said = history.of(CODE, ReadingKind.HOUR, period.ts, period.until)
    if period.kind is not ReadingKind.HOUR or not said:
        return ReviewOutcome()
    [reading] = said
    since, station = history.open_onsets.get((RULE, CODE)), history.station
    if reading.value > 100 and since is None:
        found = Finding(
            rule=RULE, kind=Kind.DATA_FAULT, tier=Tier.FAULT, place=station.place, onset_at=period.ts,
            severity=Severity.MINOR, reason=Reason(RULE, {}), enterprise=station.enterprise, station=station.mn, code=CODE,
        )  # fmt: skip
        return ReviewOutcome(findings=(found,))
    if reading.value <= 100 and since is not None:
        over = FindingEnded(finding_id(RULE, Tier.FAULT, f"{station.mn}/{CODE}", since), period.ts)
        return ReviewOutcome(ended=(over,))
    return ReviewOutcome()


@pytest.fixture
async def city(pool: Pool, database_url: str) -> None:
    await settle(database_url, stations=1, codes=(CODE,), limit=500)


async def test_an_hour_before_the_span_that_was_reviewed_again_within_it(city: None, pool: Pool) -> None:
    clock = HandClock(HOUR - 3 * ONE_HOUR)
    reviews = await make_reviews(pool, clock, high)
    for hour, value in ((-3, 150.0), (-2, 50.0), (-3, 160.0), (-3, 170.0), (0, 150.0), (1, 50.0)):
        clock.at += ONE_HOUR
        await arrive(pool, [a_reading(HOUR + hour * ONE_HOUR, value, received_at=clock.at)])
        await review_all(reviews)
    onsets = [r["onset_at"] for r in await pool.fetch("SELECT onset_at FROM findings ORDER BY 1")]
    assert onsets == [HOUR - 3 * ONE_HOUR, HOUR]
    done = await replay(pool, LimitJudge(), high, HOUR, HOUR + timedelta(days=1))
    assert (done.findings, done.differences) == (1, [])
