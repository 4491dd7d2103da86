"""Verdicts that change long after their data: recorded, and nobody is sent."""

from dataclasses import replace
from datetime import timedelta

import pytest

from detectors.sensors import legal
from farwatch.domain.policy import Policy
from farwatch.domain.reading import ReadingKind
from farwatch.domain.registry import Registry
from farwatch.domain.review import Mark
from farwatch.storage import marks
from farwatch.storage.database import Pool, transaction
from farwatch.storage.leases import Lease
from ingest.review.reviews import Reviews
from server.city import CityCache
from tests.support.city import settle
from tests.support.review import HOUR, HandClock, a_reading, arrive, limit, make_reviews, review_all

ONE_HOUR = timedelta(hours=1)


@pytest.fixture
async def city(pool: Pool, database_url: str) -> None:
    await settle(database_url, stations=1, codes=("a21026",), limit=500)
    await limit(pool, "MN1", "a21026", ReadingKind.HOUR, 50)


@pytest.mark.parametrize(("after", "late"), [(timedelta(minutes=20), False), (timedelta(days=21), True)])
async def test_an_exceedance_that_stands_because_a_mark_was_withdrawn_weeks_later_is_recorded_as_late(
    city: None, pool: Pool, after: timedelta, late: bool
) -> None:
    clock = HandClock(HOUR)
    reviews = await make_reviews(pool, clock)
    mark = Mark(label="start_up", from_at=HOUR, to_at=HOUR + ONE_HOUR, declared_at=HOUR)
    async with transaction(pool) as connection:
        declared = await marks.add(connection, "MN1", mark, by="bureau", note="", now=HOUR)
    await arrive(pool, [a_reading(HOUR, 61.0)])
    clock.at = HOUR + ONE_HOUR + timedelta(minutes=15)
    await review_all(reviews)
    assert await pool.fetch("SELECT * FROM findings") == []
    clock.at += after
    async with transaction(pool) as connection:
        await marks.withdraw(connection, "MN1", declared, by="bureau", now=clock.at)
    await review_all(reviews)
    [found] = await pool.fetch("SELECT rule, onset_at, late FROM findings")
    assert tuple(found) == ("limit_hour", HOUR, late)
    assert await pool.fetchval("SELECT late FROM reviews WHERE kind = 'hour'") is False, (
        "its data came in time"
    )


async def test_what_the_review_could_not_look_at_for_hours_is_no_news_but_still_live(
    city: None, pool: Pool
) -> None:
    """An absence of ours is not the station's delay."""
    await arrive(pool, [a_reading(HOUR, 61.0)])
    clock = HandClock(HOUR + timedelta(hours=9))
    await review_all(await make_reviews(pool, clock))
    assert await pool.fetchval("SELECT late FROM findings") is False


async def test_a_station_that_is_registered_while_the_review_looks_is_not_forgotten(
    city: None, pool: Pool
) -> None:
    """Its registration, its first hour and the hour's mark come after the registry was read and before what is due is."""
    clock = HandClock(HOUR + ONE_HOUR + timedelta(minutes=1))
    known = CityCache(pool)
    arrived = False

    async def slow_city() -> tuple[Registry, Policy]:
        nonlocal arrived
        registry, policy = await known.current()
        if arrived:
            return registry, policy
        arrived = True
        await arrive(pool, [a_reading(HOUR, 61.0)])
        return replace(registry, stations={}), policy

    await pool.execute("INSERT INTO leases VALUES ('review', 1, 'test', now())")
    reviews = Reviews(pool, Lease("review", 1), clock, reviewer=legal.review, city=slow_city)
    await reviews.round()
    await reviews.round()
    assert await pool.fetchval("SELECT verdict FROM reviews WHERE kind = 'hour'") == "over"
