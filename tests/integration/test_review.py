"""The review over real rows: what is due is judged once, in one commit, and nobody blocks anybody."""

import asyncio
import random
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from detectors.sensors import legal
from farwatch.domain.device import StationLink, Way
from farwatch.domain.policy import Policy
from farwatch.domain.reading import ReadingKind
from farwatch.domain.review import History, Mark, Period, ReviewOutcome
from farwatch.storage import marks, review_due, station_links
from farwatch.storage import reviews as stored
from farwatch.storage.database import Pool, Record, open_pool, transaction
from farwatch.storage.leases import LeaseLostError
from ingest.review_marks import ReviewMarks
from tests.support.city import settle
from tests.support.review import HOUR, HandClock, a_reading, arrive, limit, make_reviews, review_all

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def city(pool: Pool, database_url: str) -> None:
    await settle(database_url, stations=3, codes=("a21026",), limit=500)
    for mn in ("MN1", "MN2", "MN3"):
        await limit(pool, mn, "a21026", ReadingKind.HOUR, 50)
        await limit(pool, mn, "a21026", ReadingKind.DAY, 40)


async def verdicts(pool: Pool) -> list[tuple[object, ...]]:
    rows = await pool.fetch(
        "SELECT c.mn, r.kind, r.ts, r.verdict, r.reason, r.received, r.valid, r.own_value, r.judged_value, r.late"
        " FROM reviews r JOIN channels c ON c.id = r.channel_id ORDER BY 1, 2, 3"
    )
    return [tuple(r) for r in rows]


async def findings(pool: Pool) -> list[Record]:
    rows: list[Record] = await pool.fetch("SELECT * FROM findings WHERE rule LIKE 'limit%' ORDER BY found_at")
    return rows


async def test_an_hour_over_its_limit_is_a_finding_with_its_numbers_a_second_later(
    city: None, pool: Pool
) -> None:
    clock = HandClock(HOUR + timedelta(hours=1, seconds=2))
    reviews = await make_reviews(pool, clock)
    await arrive(pool, [a_reading(HOUR, 61.0)])
    assert await review_all(reviews) == 1
    [found] = await findings(pool)
    assert (found["rule"], found["tier"], found["onset_at"], found["late"]) == (
        "limit_hour",
        "violation",
        HOUR,
        False,
    )
    assert (
        found["reason_params"] | {"value": 61.0, "limit": 50.0, "mean": "device_mean"}
        == found["reason_params"]
    )
    assert await pool.fetchval("SELECT state FROM evidence WHERE finding_id = $1", found["id"]) == "pending"
    assert [r["kind"] for r in await pool.fetch("SELECT kind FROM review_due")] == ["day"]


async def test_a_revised_hour_revokes_its_finding_and_revised_back_it_stands_again(
    city: None, pool: Pool
) -> None:
    clock = HandClock(HOUR + timedelta(hours=1, seconds=2))
    reviews = await make_reviews(pool, clock)
    for value, stands in ((61.0, True), (41.0, False), (62.0, True)):
        clock.at += MINUTE
        await arrive(pool, [a_reading(HOUR, value, received_at=clock.at)])
        await review_all(reviews)
        [found] = await findings(pool)
        assert (found["ended_at"] is None) is stands
    assert await pool.fetchval("SELECT count(*) FROM review_revisions") == 2
    assert await pool.fetchval("SELECT revision FROM reviews WHERE kind = 'hour'") == 2


async def test_an_hour_that_is_marked_afterwards_is_no_exceedance_any_more(city: None, pool: Pool) -> None:
    clock = HandClock(HOUR + timedelta(hours=1, seconds=2))
    reviews = await make_reviews(pool, clock)
    await arrive(pool, [a_reading(HOUR, 61.0)])
    await review_all(reviews)
    clock.at += 15 * MINUTE
    mark = Mark(label="start_up", from_at=HOUR, to_at=HOUR + timedelta(hours=1), declared_at=clock.at)
    async with transaction(pool) as connection:
        await marks.add(connection, "MN1", mark, by="bureau", note="", now=clock.at)
    await review_all(reviews)
    assert [v[3] for v in await verdicts(pool) if v[1] == "hour"] == ["marked"]
    [found] = await findings(pool)
    assert found["ended_at"] == HOUR


async def test_a_late_hour_is_found_as_late(city: None, pool: Pool) -> None:
    reviews = await make_reviews(pool, HandClock(HOUR + timedelta(hours=9)))
    await arrive(pool, [a_reading(HOUR, 61.0, after_s=5 * 3600)])
    await review_all(reviews)
    assert [f["late"] for f in await findings(pool)] == [True]


async def test_any_order_of_arrival_ends_in_the_same_reviews(city: None, pool: Pool) -> None:
    dice = random.Random(5)
    rows = [
        a_reading(HOUR + n * MINUTE, 40 + dice.random() * 30, ReadingKind.MIN, after_s=2) for n in range(120)
    ]
    rows += [replace(r, mn="MN2", flag="M" if n % 3 == 0 else "N") for n, r in enumerate(rows)]
    rows += [a_reading(HOUR, 55.0, mn="MN2"), a_reading(HOUR, 45.0, mn="MN3")]
    seen = []
    for _ in range(5):
        clock = HandClock(HOUR + timedelta(hours=1, minutes=1))
        reviews = await make_reviews(pool, clock)
        dice.shuffle(rows)
        for start in range(0, len(rows), 50):
            await arrive(pool, rows[start : start + 50])
            if dice.random() < 0.5:
                clock.at += dice.random() * timedelta(hours=1)
                await review_all(reviews)
        clock.at = HOUR + timedelta(days=2)
        await review_all(reviews)
        seen.append(await verdicts(pool))
        await pool.execute(
            "TRUNCATE readings, reading_revisions, reviews, review_revisions, review_due, review_ticks"
        )
    assert len(seen[0]) > 5
    assert all(one == seen[0] for one in seen)


def bad_for(mn: str) -> object:
    def review(history: History, period: Period, policy: Policy, now: datetime) -> ReviewOutcome:
        if history.station.mn == mn:
            raise ValueError("a rule that this data breaks")
        return legal.review(history, period, policy, now)

    return review


async def test_a_station_that_cannot_be_reviewed_is_set_aside_and_tried_again_later(
    city: None, pool: Pool
) -> None:
    clock = HandClock(HOUR + timedelta(hours=1, seconds=2))
    reviews = await make_reviews(pool, clock, bad_for("MN1"))  # type: ignore[arg-type]
    await arrive(pool, [a_reading(HOUR, 61.0, mn=mn) for mn in ("MN1", "MN2")])
    await review_all(reviews)
    assert [f["station"] for f in await findings(pool)] == ["MN2"]
    good = await make_reviews(pool, clock)
    assert await review_all(good) == 0
    clock.at += timedelta(minutes=11)
    assert await review_all(good) == 1
    assert sorted(f["station"] for f in await findings(pool)) == ["MN1", "MN2"]


async def test_back_filled_months_do_not_delay_a_live_hour(city: None, pool: Pool) -> None:
    clock = HandClock(HOUR + timedelta(hours=1, seconds=2))
    reviews = await make_reviews(pool, clock)
    old = [a_reading(HOUR - timedelta(days=3, hours=n), 1.0, received_at=HOUR, late=True) for n in range(100)]
    await arrive(pool, old)
    await reviews.round()
    await arrive(pool, [a_reading(HOUR, 61.0, mn="MN2")])
    await reviews.round()
    assert [f["station"] for f in await findings(pool)] == ["MN2"]
    assert await review_all(reviews) >= 80


async def test_what_arrives_while_a_review_is_at_work_is_reviewed_too(
    city: None, pool: Pool, database_url: str
) -> None:
    clock = HandClock(HOUR + timedelta(hours=1, seconds=2))
    late_word = [a_reading(HOUR, 61.0, received_at=clock.at)]

    async def intake() -> None:
        async with open_pool(database_url) as other:
            await arrive(other, late_word)

    def review(history: History, period: Period, policy: Policy, now: datetime) -> ReviewOutcome:
        if late_word:
            with ThreadPoolExecutor(1) as beside:
                beside.submit(asyncio.run, intake()).result()
            late_word.clear()
        return legal.review(history, period, policy, now)

    reviews = await make_reviews(pool, clock, review)
    await arrive(pool, [a_reading(HOUR, 41.0)])
    await review_all(reviews)
    assert [f["reason_params"]["value"] for f in await findings(pool)] == [61.0]


async def test_hours_that_never_came_are_missing_and_asked_for_once(city: None, pool: Pool) -> None:
    clock = HandClock(HOUR + timedelta(hours=1, seconds=2))
    reviews = await make_reviews(pool, clock)
    link = StationLink(
        mn="MN1", way=Way.TCP, dialect=2017, system="31", checksum="pass", address="", heard_at=clock.at
    )
    await station_links.note(pool, [link])
    await arrive(pool, [a_reading(HOUR - timedelta(hours=h), 10.0 + h) for h in (6, 5, 4, 1, 0)])
    await review_all(reviews)
    commands = "SELECT command, parameters, asked_by FROM device_commands ORDER BY id"
    [asked] = await pool.fetch(commands)
    assert (asked["command"], asked["asked_by"]) == ("2061", "review")
    assert asked["parameters"] == {"BeginTime": "20261122070000", "EndTime": "20261122080000"}
    missing = "SELECT ts FROM reviews WHERE verdict = 'missing' ORDER BY ts"
    assert [r["ts"] for r in await pool.fetch(missing)] == [HOUR - timedelta(hours=h) for h in (3, 2)]
    await arrive(pool, [a_reading(HOUR - timedelta(hours=3), 77.0, received_at=clock.at, late=True)])
    await review_all(reviews)
    assert [r["ts"] for r in await pool.fetch(missing)] == [HOUR - timedelta(hours=2)]
    assert len(await pool.fetch(commands)) == 1
    assert [f["late"] for f in await findings(pool)] == [True]


async def test_nobody_asks_a_station_that_does_not_speak_hj_212(city: None, pool: Pool) -> None:
    reviews = await make_reviews(pool, HandClock(HOUR + timedelta(hours=1, seconds=2)))
    await arrive(pool, [a_reading(HOUR - timedelta(hours=h), 10.0 + h) for h in (6, 5, 1, 0)])
    await review_all(reviews)
    assert await pool.fetch("SELECT 1 FROM device_commands") == []


async def test_a_paused_review_that_comes_back_writes_nothing(city: None, pool: Pool) -> None:
    reviews = await make_reviews(pool, HandClock(HOUR + timedelta(hours=1, seconds=2)))
    await arrive(pool, [a_reading(HOUR, 61.0)])
    await pool.execute("UPDATE leases SET epoch = 2 WHERE role = 'review'")
    with pytest.raises(LeaseLostError):
        await reviews.round()
    assert await findings(pool) == []
    assert await pool.fetchval("SELECT count(*) FROM review_due") == 1


async def test_how_far_a_review_is_behind_is_told_by_its_live_periods(city: None, pool: Pool) -> None:
    old = [a_reading(HOUR - timedelta(days=3, hours=n), 1.0, received_at=HOUR, late=True) for n in range(9)]
    await arrive(pool, old)
    now = HOUR + timedelta(hours=1, minutes=2)
    assert await review_due.backlog(pool, now, 5) == review_due.Backlog(0.0, 5)
    await arrive(pool, [a_reading(HOUR, 61.0, after_s=60)])
    assert await review_due.backlog(pool, now, 100) == review_due.Backlog(60.0, 10)


async def test_ticks_say_what_a_review_saw_and_are_forgotten_in_the_end(city: None, pool: Pool) -> None:
    clock = HandClock(HOUR + timedelta(hours=1, seconds=2))
    await arrive(pool, [a_reading(HOUR, 61.0)])
    await review_all(await make_reviews(pool, clock))
    [tick] = await stored.ticks(pool, HOUR, HOUR + timedelta(hours=1))
    assert (tick.mn, tick.at, tick.seen_at) == ("MN1", clock.at, HOUR + timedelta(hours=1, seconds=1))
    await stored.forget_ticks(pool, clock.at)
    assert len(await stored.ticks(pool, HOUR, HOUR + timedelta(hours=1))) == 1
    await stored.forget_ticks(pool, clock.at + MINUTE)
    assert await stored.ticks(pool, HOUR, HOUR + timedelta(hours=1)) == []


async def test_a_mark_in_a_running_hour_takes_no_minute_from_its_review(city: None, pool: Pool) -> None:
    clock = HandClock(HOUR + timedelta(minutes=40))
    intake_marks = ReviewMarks()

    async def minutes(first: int, last: int) -> None:
        batch = [
            a_reading(HOUR + n * MINUTE, 60.0 + n, ReadingKind.MIN, after_s=2) for n in range(first, last)
        ]
        await arrive(pool, batch, intake_marks)

    await minutes(0, 39)
    mark = Mark(label="start_up", from_at=HOUR, to_at=HOUR + 5 * MINUTE, declared_at=clock.at)
    async with transaction(pool) as connection:
        await marks.add(connection, "MN1", mark, by="bureau", note="", now=clock.at)
    reviews = await make_reviews(pool, clock)
    clock.at = HOUR + timedelta(hours=1, seconds=1)
    await review_all(reviews)
    await minutes(39, 60)
    clock.at = HOUR + timedelta(hours=1, minutes=11)
    await review_all(reviews)
    assert [v[5] for v in await verdicts(pool)] == [60]
